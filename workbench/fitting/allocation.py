"""Compute-optimal size and data in closed form, with intervals from the bootstrap draws.

Minimising A/N^α + B/D^β under C = k N D gives, with G = (αA/βB)^(1/(α+β)) (Hoffmann et al. 2022, 2203.15556, eq. 4),

    N_opt = G (C/k)^a,  D_opt = (C/k)^b / G,  a = β/(α+β),  b = α/(α+β)

k is 6 where C is 6ND; where small models cost more per parameter, C = k N^(1+κ) D takes its place (see `cost`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.errors import BadInput
from workbench.fitting.bootstrap import percentile
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Array
from workbench.fitting.record import Fit, Interval


@dataclass(frozen=True)
class Allocation:
    """How to spend `flops`: size, tokens and the loss to expect (NaN where the law says nothing of it)."""

    law: str
    convention: str
    flops: float
    n: float
    d: float
    loss: float
    level: float
    intervals: dict[str, Interval] = field(default_factory=dict)
    """Of n, d and loss."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "law": self.law,
            "convention": self.convention,
            "flops": self.flops,
            "n": self.n,
            "d": self.d,
            "loss": self.loss,
            "level": self.level,
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
        }


def allocate(fit: Fit, flops: float) -> Allocation:
    """The compute-optimal N, D and loss at `flops`, by a law that says how compute divides."""
    if not (np.isfinite(flops) and flops > 0):
        raise BadInput(f"compute is {flops:g}; it must be a positive number of FLOPs.")
    if not _allocates(fit.law):
        raise BadInput(f"{fit.law} does not say how compute divides; use chinchilla, isoflop, envelope or kaplan-nd.")
    point = _optimum(fit, {name: np.array([value]) for name, value in fit.params.items()}, flops)
    spread = _optimum(fit, fit.draws(), flops) if fit.resamples else {}
    intervals = {name: percentile(draws, fit.cut) for name, draws in spread.items()}
    n, d, loss = (float(point[name][0]) for name in ("n", "d", "loss"))
    return Allocation(fit.law, fit.convention, float(flops), n, d, loss, fit.level, intervals)


def _allocates(name: str) -> bool:
    law = LAWS.get(name)
    return name in ("isoflop", "envelope") or (law is not None and law.columns == ("n", "d"))


def _optimum(fit: Fit, params: Mapping[str, Array], flops: float) -> dict[str, Array]:
    """N, D and loss for each row of parameters."""
    law = LAWS.get(fit.law)
    # Extreme resamples may over- or underflow; they stay in the tails of the interval.
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        if law is None:
            n, d = params["k_N"] * flops ** params["a"], params["k_D"] * flops ** params["b"]
            return {"n": n, "d": d, "loss": np.full_like(n, np.nan)}
        n, d = fit.cost.optimum(law, params, flops)
        return {"n": n, "d": d, "loss": law.predict(params, n=n, d=d)}
