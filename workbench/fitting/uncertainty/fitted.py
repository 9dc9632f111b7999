"""A point fit as a method of uncertainty sees it, and what a method gives back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from workbench.fitting.laws.base import Array
from workbench.fitting.prepared import Prepared
from workbench.fitting.solving.objectives import Objective

if TYPE_CHECKING:
    from workbench.fitting.diagnostics.misfit import Units


@dataclass(frozen=True)
class Fitted:
    """A point fit, as a method of uncertainty needs it."""

    prepared: Prepared
    best_P: Array
    rivals_BP: Array
    """Basins that a resample may fall into, the best first."""
    level: float = 0.95
    """Coverage that the intervals aim at: only the profile needs to know it before it starts."""

    @cached_property
    def fitted_M(self) -> Array:
        """The law at the points, in the solver's terms."""
        return np.asarray(self.prepared.law.evaluate(self.best_P[None], self.prepared.problem.x_MF)[0])

    @property
    def residual_M(self) -> Array:
        """Response minus law, in the solver's terms."""
        return np.asarray(self.prepared.problem.y_SM[0] - self.fitted_M)

    @property
    def weight_M(self) -> Array:
        """Weights of the points, read as inverse variances up to a factor."""
        return np.asarray(np.broadcast_to(self.prepared.problem.w_SM[0], self.residual_M.shape))

    @property
    def objective(self) -> Objective:
        """What was minimised."""
        return self.prepared.problem.objective

    @property
    def free(self) -> int:
        """Points less parameters."""
        return len(self.residual_M) - self.prepared.free

    @property
    def estimated(self) -> list[int]:
        """Entries of theta that are estimated: neither held nor resting at a bound."""
        low_P, high_P = self.prepared.law.bounds_2P
        slack_P = 1e-6 * (high_P - low_P)
        inside_P = (self.best_P > low_P + slack_P) & (self.best_P < high_P - slack_P)
        return [i for i in np.flatnonzero(inside_P).tolist() if i not in self.prepared.settled]

    @cached_property
    def gradient_MQ(self) -> Array:
        """Derivatives of the solver's residual scale with respect to the estimated entries, one row a point."""
        f_1M, j_1PM = self.prepared.law.jacobian(self.best_P[None], self.prepared.problem.x_MF)
        j_MQ = np.asarray(j_1PM[0].T[:, self.estimated])
        return j_MQ * np.exp(f_1M[0])[:, None] if self.prepared.problem.exponentiated else j_MQ

    @cached_property
    def miss_M(self) -> Array:
        """Residuals as the objective sees them: of the response itself where it is on the raw loss."""
        return np.asarray(self.prepared.problem.residuals(self.best_P[None])[0])

    @cached_property
    def copy_M(self) -> np.ndarray:
        """The first run with the same features and the same loss: its own number, unless a row is there twice.

        Responses that are no losses, such as scores of few questions, agree by chance and are left alone.
        """
        problem = self.prepared.problem
        if not problem.law.log_response:
            return np.arange(len(self.residual_M))
        rows_MF = np.column_stack([problem.x_MF, problem.y_SM[0]])
        _, first_K, code_M = np.unique(rows_MF, axis=0, return_index=True, return_inverse=True)
        return np.asarray(first_K[code_M.ravel()])

    @cached_property
    def units(self) -> "Units":
        """What errs independently, kept: two tests ask."""
        from workbench.fitting.diagnostics.misfit import Units

        return Units.of(self)

    @cached_property
    def shared(self) -> float:
        """p of runs of one group erring no more alike than any two, kept: both the intervals and the notes ask."""
        from workbench.fitting.diagnostics.shared import shared_errors

        return shared_errors(self)

    def bounded(self, theta_SP: Array) -> Array:
        """Draws within the law's bounds."""
        return np.asarray(np.clip(theta_SP, *self.prepared.law.bounds_2P))


@dataclass(frozen=True)
class Spread:
    """Draws of theta, how they were made in words, and how to read an interval off them."""

    theta_SP: Array
    method: str
    free: int | None = None
    """Degrees of freedom behind the draws' scale (None: many)."""
    extremes: bool = False
    """The draws are the edge of a region: an interval is their least and their greatest."""


Method = Callable[[Fitted, int, np.random.Generator], Spread]


def nothing(fitted: Fitted, why: str) -> Spread:
    """No draws, and why."""
    return Spread(np.empty((0, len(fitted.best_P))), f"none: {why}")
