"""Leave one group out: how far theta moves when a size, a budget or a configuration is missing."""

import numpy as np

from workbench.fitting.laws.base import Array
from workbench.fitting.uncertainty.bootstrap import Resampled
from workbench.fitting.uncertainty.fitted import Fitted, Spread, nothing
from workbench.fitting.uncertainty.groups import FEWEST, groups


def left_out(fitted: Fitted) -> tuple[Resampled, str]:
    """Weights that leave out one group a row, and what the groups are."""
    code_M, words = groups(fitted.prepared.table)
    many = int(code_M.max()) + 1
    w_GM = (code_M[None] != np.arange(many)[:, None]).astype(np.float64)
    return Resampled(fitted.prepared.problem.y_SM, w_GM, f"jackknife over {many} {words}"), words


def jackknife(fitted: Fitted, resamples: int, rng: np.random.Generator) -> Spread:
    """Normal draws with the jackknife's covariance, (G − 1)/G Σ (θ_(g) − mean)² (Efron 1982), tails as Student's."""
    from workbench.fitting.uncertainty.methods import solve

    data, words = left_out(fitted)
    many = len(data.w_SM)
    largest = round(float(len(fitted.residual_M) - data.w_SM.sum(axis=1).min()))
    if many < FEWEST or len(fitted.residual_M) - largest < fitted.prepared.free:
        return nothing(fitted, f"without one of {many} {words} fewer runs than parameters are left")
    theta_GP = solve(fitted, data, many)
    return spread_of(fitted, theta_GP, f"{data.method}, {resamples} normal draws, tails as Student's", resamples, rng)


def spread_of(fitted: Fitted, theta_GP: Array, method: str, resamples: int, rng: np.random.Generator) -> Spread:
    """Draws from the refits."""
    many = len(theta_GP)
    moves_GP = (theta_GP - theta_GP.mean(axis=0)) * np.sqrt((many - 1) / many)
    draws_SP = fitted.best_P + rng.standard_normal((resamples, many)) @ moves_GP
    return Spread(fitted.bounded(draws_SP), method, many - 1)
