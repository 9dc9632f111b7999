"""Where intervals come from: each method is a function from a fit to draws of theta, one line in `METHODS`.

Mean coverage in percent of 95% intervals of E, α, β, a, and of loss and N_opt at 1,000 times the largest compute; the
least and most over cells and targets; and the interval score over the best method's (Gneiting and Raftery 2007). 2,000
sweeps a cell, equal and independent errors; the designs that chose the default, then the others' least, most and score:

    method        E     α     β     a  L 1000x  N 1000x   least  most  score   least  most  score
    profile     95.6  95.2  95.8  95.3   95.7     95.5     93.8  97.2  1.001    94.2  96.5  1.010
    residuals   96.2  96.0  96.2  96.0   96.3     96.2     94.8  98.2  1.061    95.3  98.1  1.048
    parametric  96.4  96.4  96.5  96.4   96.4     96.4     95.3  98.9  1.075    95.7  98.7  1.081
    cases       98.2  97.9  98.2  98.6   98.1     98.4     97.3  99.0  1.097    96.2  99.4  1.121
    wild        95.4  95.3  95.8  95.4   95.5     95.4     93.6  97.5  1.108    94.8  97.5  1.101
    sandwich    96.3  96.4  96.4  96.3   92.4     96.4     86.2  98.0  1.139    75.7  97.5  1.193
    studentised 95.0  94.8  95.1  95.1   95.3     95.3     94.0  96.5  1.155    94.3  97.2  1.194
    auto        95.9  95.6  95.6  95.7   96.0     95.8     94.1  97.7  1.045    94.3  97.2  1.054

Where all runs of a size err together only groups reach 95 (97, the profile 84 to 91); where noise falls with compute on
240 points cases cover 96.6 on average and the profile 93.7. docs/coverage.md has the rest.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from workbench.errors import BadInput
from workbench.fitting.diagnostics.shared import SHARED, replicates_alike
from workbench.fitting.laws.base import Array
from workbench.fitting.solving.problem import Problem
from workbench.fitting.solving.solver import minimise_near
from workbench.fitting.uncertainty import bootstrap
from workbench.fitting.uncertainty.bootstrap import Resampled
from workbench.fitting.uncertainty.fitted import Fitted, Method, Spread, nothing
from workbench.fitting.uncertainty.groups import FEWEST, clusters, groups, share_trunks
from workbench.fitting.uncertainty.jackknife import jackknife
from workbench.fitting.uncertainty.profile import profile
from workbench.fitting.uncertainty.sandwich import sandwich
from workbench.fitting.uncertainty.wild import parametric_resamples, wild_resamples

__all__ = ["METHODS", "RESAMPLING", "Fitted", "Method", "Spread", "automatic", "checked_method", "solve", "spread"]


def spread(fitted: Fitted, method: str, resamples: int, rng: np.random.Generator) -> Spread:
    """Draws of theta by the method called so; `auto` picks one by the design."""
    if not resamples:
        return Spread(np.empty((0, len(fitted.best_P))), "none asked for")
    if not fitted.estimated:
        return nothing(fitted, "no parameter is free to vary: each is held or at a bound")
    if method != "auto":
        return METHODS[method](fitted, resamples, rng)
    name = automatic(fitted)
    found = METHODS[name](fitted, resamples, rng)
    if len(found.theta_SP):
        return found
    rest = METHODS["residuals"](fitted, resamples, rng)
    if not len(rest.theta_SP):
        return found
    why = found.method.removeprefix("none: ")
    return replace(rest, method=f"{rest.method}, in place of {name} ({why})")


def checked_method(method: str) -> None:
    """Refuse a method that does not exist."""
    if method != "auto" and method not in METHODS:
        raise BadInput(f"intervals is '{method}'; it must be auto or one of {', '.join(METHODS)}.")


def automatic(fitted: Fitted) -> str:
    """Groups where those miss together, or where runs were branched off one trunk, and must; configurations where there
    are many, whose noise may then be uneven, or where their seeds miss together; else the profile, whose coverage and
    intervals were the best under equal noise."""
    if fitted.shared < SHARED or share_trunks(fitted.prepared.table):
        return "groups"
    cluster_M = clusters(fitted.prepared.table)
    if bootstrap.many(cluster_M):
        return "cases"
    if bootstrap.replicated(cluster_M) and replicates_alike(fitted) < SHARED:
        return "cases"
    return "profile"


def solve(fitted: Fitted, data: Resampled, rows: int) -> Array:
    """Every resample solved from every basin, the lowest kept."""
    problem = fitted.prepared.problem
    # Where all runs weigh alike a resample's weights stay the small integers that they are.
    w_SM = data.w_SM if (problem.w_SM == 1).all() else data.w_SM * problem.w_SM
    batch = Problem(problem.law, problem.objective, problem.x_MF, data.y_SM, w_SM)
    best_SP, least_S = None, np.full(rows, np.inf)
    for theta_P in fitted.rivals_BP:
        solution = minimise_near(batch, theta_P, rows, held=fitted.prepared.held)
        if best_SP is None:
            best_SP, least_S = solution.theta_SP, solution.value_S
            continue
        lower = solution.value_S < least_S
        best_SP[lower], least_S[lower] = solution.theta_SP[lower], solution.value_S[lower]
    assert best_SP is not None
    return best_SP


Resampling = Callable[[Fitted, int, np.random.Generator], Resampled]


def _residuals(fitted: Fitted, resamples: int, rng: np.random.Generator) -> Resampled:
    return bootstrap.residual_resamples(
        fitted.fitted_M, fitted.residual_M, fitted.prepared.free, resamples, rng, fitted.weight_M
    )


def _cases(fitted: Fitted, resamples: int, rng: np.random.Generator) -> Resampled:
    cluster_M = clusters(fitted.prepared.table)
    words = "runs" if len(np.unique(cluster_M)) == len(cluster_M) else "configurations (all seeds of one together)"
    return bootstrap.case_resamples(fitted.prepared.problem.y_SM[0], cluster_M, resamples, rng, words)


def _groups(fitted: Fitted, resamples: int, rng: np.random.Generator) -> Resampled:
    code_M, words = groups(fitted.prepared.table)
    return bootstrap.case_resamples(fitted.prepared.problem.y_SM[0], code_M, resamples, rng, words)


RESAMPLING: dict[str, Resampling] = {
    "residuals": _residuals,
    "cases": _cases,
    "groups": _groups,
    "wild": wild_resamples,
    "parametric": parametric_resamples,
}
"""Name of a bootstrap → the data its resamples see."""


def _bootstrap(make: Resampling) -> Method:
    """The bootstrap of a kind of resamples, each solved."""

    def method(fitted: Fitted, resamples: int, rng: np.random.Generator) -> Spread:
        if fitted.free < 1:
            return nothing(fitted, "as many parameters as points leave no residuals to resample")
        data = make(fitted, resamples, rng)
        if data.n_units < FEWEST:
            return nothing(fitted, f"{data.method} has only {data.n_units} to draw from")
        return Spread(solve(fitted, data, resamples), f"{data.method}, {resamples} resamples", data.free)

    return method


MOST = 3.0
"""The largest factor by which a draw is moved away from the estimate for having too small a scale of its own."""


def studentise(fitted: Fitted, y_SM: Array, theta_SP: Array) -> Array:
    """Draws moved as far as they would be if each resample's own residuals had the scale of the fit's.

    (θ* − θ̂)/s* has the distribution of (θ̂ − θ)/ŝ: the tails of an unknown scale then come from the resamples, in place
    of Student's, and so does the correction of Σ r²/(M − P) for an objective that is not least squares.
    """
    f_SM = fitted.prepared.law.evaluate(theta_SP, fitted.prepared.problem.x_MF)
    scale_S = _scale(fitted, np.sqrt(fitted.weight_M) * (y_SM - f_SM))
    own = float(_scale(fitted, (np.sqrt(fitted.weight_M) * fitted.residual_M)[None])[0])
    ratio_S = np.minimum(own / np.maximum(scale_S, 1e-300), MOST)
    moved_SP = fitted.bounded(fitted.best_P + (theta_SP - fitted.best_P) * ratio_S[:, None])
    # What a resample left at a bound stays there: the interval ends at the bound, and that can be said.
    low_P, high_P = fitted.prepared.law.bounds_2P
    slack_P = 1e-6 * (high_P - low_P)
    return np.where((theta_SP <= low_P + slack_P) | (theta_SP >= high_P - slack_P), theta_SP, moved_SP)


def _scale(fitted: Fitted, r_SM: Array) -> Array:
    """The scale of each row of residuals: of a robust objective their median size, which one wrong run cannot move."""
    if np.isfinite(fitted.objective.delta):
        return np.asarray(np.median(np.abs(r_SM), axis=1))
    return np.sqrt((r_SM**2).mean(axis=1))


def studentised(fitted: Fitted, resamples: int, rng: np.random.Generator) -> Spread:
    """The bootstrap of residuals, each resample held against its own scale."""
    if fitted.free < 1:
        return nothing(fitted, "as many parameters as points leave no residuals to resample")
    data = _residuals(fitted, resamples, rng)
    theta_SP = studentise(fitted, data.y_SM, solve(fitted, data, resamples))
    return Spread(theta_SP, f"bootstrap of residuals, studentised by each resample's scale, {resamples} resamples")


METHODS: dict[str, Method] = {
    **{name: _bootstrap(make) for name, make in RESAMPLING.items()},
    "studentised": studentised,
    "sandwich": sandwich,
    "jackknife": jackknife,
    "profile": profile,
}
"""Name → method."""
