"""Laws that others fitted, as functions of compute: the best size, its tokens and the loss, by their printed constants.

Losses on another corpus, or in tokens of another tokenizer, have other levels: of these laws the sizes, the tokens and
the exponents can be held against one's own, the losses only in how they fall.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analyses.replications.besiroglu import HOFFMANN_EXACT, PRINTED
from workbench.fitting import LAWS
from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.laws.base import Array

PETAFLOP_DAY = 8.64e19
"""FLOPs; Kaplan's unit of compute."""

TENFOLD = np.array([1e20, 1e21])
"""Two computes between which slopes are read; those of a power law are the same anywhere."""

Optimum = Callable[[Array], tuple[Array, Array, Array]]
"""C → N_opt, D_opt and the loss there."""


@dataclass(frozen=True)
class PublishedLaw:
    """A law as its paper prints it."""

    source: str
    convention: str
    """What N counts there."""
    citation: str
    optimum: Optimum
    floor: float = 0.0
    """E, the loss of unlimited compute."""

    @property
    def slopes(self) -> dict[str, float]:
        """a of N_opt ∝ C^a, b of D_opt ∝ C^b, γ of L − E ∝ C^−γ, and E."""
        n, d, loss = self.optimum(TENFOLD)
        reducible = loss - self.floor
        powers = {"a": n[1] / n[0], "b": d[1] / d[0], "gamma": reducible[0] / reducible[1]}
        return {name: float(np.log10(ratio)) for name, ratio in powers.items()} | {"E": self.floor}


def kaplan(flops: Array) -> tuple[Array, Array, Array]:
    """N_opt = 1.3e9 C^0.73, D_opt = 2e10 C^0.27 and L = (3.1e8/C)^0.050, C in PF-days at batches far below critical."""
    days = np.asarray(flops, dtype=np.float64) / PETAFLOP_DAY
    return 1.3e9 * days**0.73, 2e10 * days**0.27, (3.1e8 / days) ** 0.050


def chinchilla(params: dict[str, float]) -> Optimum:
    """The optimum of L = E + A/N^α + B/D^β where C = 6ND."""

    def optimum(flops: Array) -> tuple[Array, Array, Array]:
        law, given = LAWS["chinchilla"], {name: np.asarray(value, dtype=np.float64) for name, value in params.items()}
        n, d = Cost().optimum(law, given, np.asarray(flops, dtype=np.float64))
        return n, d, law.predict(given, n=n, d=d)

    return optimum


PUBLISHED_LAWS = (
    PublishedLaw("Kaplan et al. 2020", "non-embedding", "arXiv 2001.08361, appendix A", kaplan),
    PublishedLaw(
        "Hoffmann et al. 2022",
        "total",
        "arXiv 2203.15556, approach 3",
        chinchilla(HOFFMANN_EXACT),
        float(HOFFMANN_EXACT["E"]),
    ),
    PublishedLaw("Besiroglu et al. 2024", "total", "arXiv 2404.10102, refitted", chinchilla(PRINTED), PRINTED["E"]),
)
"""Hoffmann's constants are unrounded, from the source of their paper's figures."""

HOFFMANN_RUNS = (6e18, 3e21)
"""Compute of Hoffmann's isoFLOP runs, to which the last two laws belong."""


def lines(flops: Array) -> pd.DataFrame:
    """source, flops, n, d, loss of every published law at each compute."""
    frames = []
    for law in PUBLISHED_LAWS:
        n, d, loss = law.optimum(flops)
        frames.append(pd.DataFrame({"source": law.source, "flops": flops, "n": n, "d": d, "loss": loss}))
    return pd.concat(frames, ignore_index=True)
