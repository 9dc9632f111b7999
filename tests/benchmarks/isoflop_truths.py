"""Sweeps whose law is known: budgets × sizes on published surfaces, and the quickstart's own runs."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from workbench.fitting import LAWS, fit, from_runs
from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.isoflop.budgets import Curve, curves
from workbench.fitting.laws.base import Array
from workbench.fitting.tables.canonical import canonical
from workbench.store import Store, reference_store

SURFACES = {
    "symmetric": (1.69, 400.0, 400.0, 0.31, 0.31),
    "Hoffmann": (1.69, 406.4, 410.7, 0.34, 0.28),
    "Besiroglu": (1.8172, 477.83, 2143.4, 0.34731, 0.36717),
    "asymmetric": (1.69, 406.4, 410.7, 0.465, 0.155),
}
"""E, A, B, α, β: α = β; Hoffmann et al. 2022, approach 3; Besiroglu et al. 2024 (2404.10102); α = 3β."""


class Truth(Protocol):
    """A sweep whose law is known."""

    @property
    def name(self) -> str:
        """In a few words."""

    @property
    def budgets(self) -> Array:
        """C of each budget."""

    @property
    def a(self) -> float:
        """The true exponent of N_opt."""

    def ln_n_opt(self, c: Array | float) -> Array:
        """The true ln N_opt."""

    def curves(self) -> list[Curve]:
        """The noise-free sweep as the estimator sees it; all sizes kept, however far from the best."""


@dataclass(frozen=True)
class Design:
    """Budgets × sizes on a known surface."""

    surface: str
    width: float
    """Sizes reach from 1/width to width times the centre."""
    sizes: int
    count: int = 5
    """Budgets."""
    drift: float = 1.0
    """The centre is 1/drift of the optimum at the smallest budget and drift times it at the largest."""
    low: float = 1e17
    high: float = 1e21

    @property
    def name(self) -> str:
        """Surface, budgets × sizes, their range, and how far the centre drifts."""
        off = f", drift {self.drift:g}" if self.drift > 1 else ""
        return f"{self.surface} {self.count}×{self.sizes} ±{self.width:g}{off}"

    @property
    def budgets(self) -> Array:
        """C of each budget."""
        return np.geomspace(self.low, self.high, self.count)

    def ln_n_opt(self, c: Array | float) -> Array:
        """ln N_opt: G (C/6)^(β/(α+β)), G = (αA/βB)^(1/(α+β))."""
        _, size, data, alpha, beta = SURFACES[self.surface]
        return (np.log(alpha * size / (beta * data)) + beta * np.log(c / 6)) / (alpha + beta)

    @property
    def a(self) -> float:
        """The true exponent of N_opt."""
        *_, alpha, beta = SURFACES[self.surface]
        return beta / (alpha + beta)

    def curves(self) -> list[Curve]:
        """The noise-free sweep as the estimator sees it; all sizes kept, however far from the best."""
        floor, size, data, alpha, beta = SURFACES[self.surface]
        centre_B = self.ln_n_opt(self.budgets) + np.log(self.drift) * np.linspace(-1, 1, self.count)
        n_M = np.exp(centre_B[:, None] + np.linspace(-1, 1, self.sizes) * np.log(self.width)).ravel()
        c_M = np.repeat(self.budgets, self.sizes)
        d_M = c_M / 6 / n_M
        loss_M = floor + size * n_M**-alpha + data * d_M**-beta
        return curves(pd.DataFrame({"n": n_M, "d": d_M, "c": c_M, "budget": c_M, "loss": loss_M}), "n")


@dataclass(frozen=True)
class Quickstart:
    """The quickstart's own runs, exact FLOPs, on the law fitted to them: N·D is not proportional to C there."""

    runs: pd.DataFrame
    params: dict[str, float]
    cost: Cost
    name: str = "quickstart's own"

    @classmethod
    def read(cls) -> "Quickstart":
        """From the reference store."""
        table = from_runs(Store(reference_store()).runs())
        table = table[table["budget"].notna()].reset_index(drop=True)
        found = fit(canonical(table[["n", "d", "c", "loss"]]), resamples=0)
        return cls(table[["n", "d", "c", "budget"]], found.params, found.cost)

    @property
    def budgets(self) -> Array:
        """C of each budget."""
        return np.exp([curve.ln_c for curve in self.curves()])

    @property
    def a(self) -> float:
        """β/(α + β(1+κ)) under C = k N^(1+κ) D."""
        alpha, beta = self.params["alpha"], self.params["beta"]
        return beta / (alpha + beta * (1 + self.cost.tilt))

    def ln_n_opt(self, c: Array | float) -> Array:
        """By the cost around the largest budget."""
        params = {name: np.array([value]) for name, value in self.params.items()}
        return np.log(self.cost.optimum(LAWS["chinchilla"], params, float(c))[0])

    def curves(self) -> list[Curve]:
        """The sweep."""
        loss = LAWS["chinchilla"].predict(self.params, n=self.runs["n"].to_numpy(), d=self.runs["d"].to_numpy())
        return curves(self.runs.assign(loss=loss), "n")
