"""The frontiers of groups that share exponents, and the compute that one needs over another's for the same loss.

At a group's cost C = k N^s D the least A/N^α + B/D^β is a power of C (`forecasts.surface`), R(C) ∝ C^(−γ) with
γ = αβ/(α + sβ), so that the compute for a loss is closed: ln C = ln C₀ + [ln R(C₀) − ln(L − E)]/γ. `times` is the
compute of a group over the reference's at one loss; the multiplier κ of `pricing` and of the law `family` is its
inverse.

    S  rows of parameters: the point estimate, then the draws        L  losses
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.forecasts.surface import Estimate, interval
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Array
from workbench.fitting.record import Fit

FROM = 1.0
"""C₀, in FLOPs: any will do."""


@dataclass(frozen=True)
class Frontier:
    """The least loss of one group at each compute, of every row of parameters."""

    params: Mapping[str, Array]
    """E, A, B, alpha and beta of the group, (S,)."""
    cost: Cost

    @classmethod
    def of(cls, fit: Fit, group: str, cost: Cost) -> "Frontier":
        """A group's part of a fit of `shared-exponents` or `shared-exponents-corpora`."""
        draws, empty = fit.draws(), np.empty(0)
        floor = "E" if "E" in fit.params else f"E_{group}"
        names = {"E": floor, "A": f"A_{group}", "B": f"B_{group}", "alpha": "alpha", "beta": "beta"}
        rows = {own: np.append(fit.params[name], draws.get(name, empty)) for own, name in names.items()}
        return cls(rows, cost)

    @property
    def gamma(self) -> Array:
        """γ of R(C) ∝ C^(−γ), (S,)."""
        alpha, beta = self.params["alpha"], self.params["beta"]
        return np.asarray(alpha * beta / (alpha + (1 + self.cost.tilt) * beta))

    def _level(self) -> Array:
        """ln R(C₀), (S,)."""
        law = LAWS["chinchilla"]
        with np.errstate(all="ignore"):  # an extreme draw may overflow; it stays in the tail
            n_S, d_S = self.cost.optimum(law, self.params, FROM)
            floor_S = np.zeros_like(self.params["E"])
            return np.log(law.predict({**self.params, "E": floor_S}, n=n_S, d=d_S))

    def loss(self, flops: Array) -> Array:
        """The least loss at each compute, (S, L)."""
        ln_r = self._level()[:, None] - self.gamma[:, None] * np.log(np.asarray(flops) / FROM)
        return np.asarray(self.params["E"][:, None] + np.exp(ln_r))

    def log_compute(self, losses: Array) -> Array:
        """ln C for each loss, (S, L); infinite where the group never comes so low."""
        left = np.asarray(losses) - self.params["E"][:, None]
        with np.errstate(all="ignore"):
            found = np.log(FROM) + (self._level()[:, None] - np.log(left)) / self.gamma[:, None]
        return np.asarray(np.where(left > 0, found, np.inf))


def times(group: Frontier, reference: Frontier, losses: Array, cut: float) -> list[Estimate]:
    """The compute of a group over the reference's, at each loss, with the interval that leaves `cut` at each end.

    Infinite where the reference comes so low and the group never does; zero the other way about.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        ratio_SL = np.exp(group.log_compute(losses) - reference.log_compute(losses))
    return [Estimate(float(column[0]), interval(column[1:], cut)) for column in ratio_SL.T]
