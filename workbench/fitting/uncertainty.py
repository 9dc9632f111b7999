"""Where intervals come from: each method is a function from a fit to draws of theta, one line in `METHODS`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.errors import BadInput
from workbench.fitting import bootstrap
from workbench.fitting.bootstrap import Resampled
from workbench.fitting.laws.base import Array
from workbench.fitting.prepared import Prepared
from workbench.fitting.problem import Problem
from workbench.fitting.solver import minimise_near


@dataclass(frozen=True)
class Fitted:
    """A point fit, as a method of uncertainty needs it."""

    prepared: Prepared
    best_P: Array
    rivals_BP: Array
    """Basins that a resample may fall into, the best first."""

    @property
    def fitted_M(self) -> Array:
        """The law at the points, in the solver's terms."""
        return np.asarray(self.prepared.law.evaluate(self.best_P[None], self.prepared.problem.x_MF)[0])

    @property
    def residual_M(self) -> Array:
        """Response minus law, in the solver's terms."""
        return np.asarray(self.prepared.problem.y_SM[0] - self.fitted_M)


@dataclass(frozen=True)
class Spread:
    """Draws of theta, how they were made in words, and the degrees of freedom behind their scale (None: many)."""

    theta_SP: Array
    method: str
    free: int | None = None


Method = Callable[[Fitted, int, np.random.Generator], Spread]


def spread(fitted: Fitted, method: str, resamples: int, rng: np.random.Generator) -> Spread:
    """Draws of theta by the method called so; `auto` picks one by the design."""
    if not resamples:
        return Spread(np.empty((0, len(fitted.best_P))), "none asked for")
    name = automatic(fitted) if method == "auto" else method
    return METHODS[name](fitted, resamples, rng)


def checked_method(method: str) -> None:
    """Refuse a method that does not exist."""
    if method != "auto" and method not in METHODS:
        raise BadInput(f"intervals is '{method}'; it must be auto or one of {', '.join(METHODS)}.")


def automatic(fitted: Fitted) -> str:
    """Residuals for small sweeps, whole configurations where there are many or most are replicated."""
    return "cases" if bootstrap.by_case(bootstrap.clusters(fitted.prepared.table)) else "residuals"


def solved(fitted: Fitted, data: Resampled, resamples: int) -> Spread:
    """Every resample solved from every basin, the lowest kept."""
    problem = fitted.prepared.problem
    batch = Problem(problem.law, problem.objective, problem.x_MF, data.y_SM, data.w_SM * problem.w_SM)
    best_SP, least_S = None, np.full(resamples, np.inf)
    for theta_P in fitted.rivals_BP:
        solution = minimise_near(batch, theta_P, resamples, held=fitted.prepared.held)
        if best_SP is None:
            best_SP, least_S = solution.theta_SP, solution.value_S
            continue
        lower = solution.value_S < least_S
        best_SP[lower], least_S[lower] = solution.theta_SP[lower], solution.value_S[lower]
    assert best_SP is not None
    return Spread(best_SP, f"{data.method}, {resamples} resamples", data.free)


def _residuals(fitted: Fitted, resamples: int, rng: np.random.Generator) -> Spread:
    data = bootstrap.residual_resamples(
        fitted.fitted_M, fitted.residual_M, fitted.prepared.free, resamples, rng, fitted.prepared.problem.w_SM[0]
    )
    return solved(fitted, data, resamples)


def _cases(fitted: Fitted, resamples: int, rng: np.random.Generator) -> Spread:
    cluster_M = bootstrap.clusters(fitted.prepared.table)
    data = bootstrap.case_resamples(fitted.prepared.problem.y_SM[0], cluster_M, resamples, rng)
    return solved(fitted, data, resamples)


METHODS: dict[str, Method] = {"residuals": _residuals, "cases": _cases}
"""Name → method."""
