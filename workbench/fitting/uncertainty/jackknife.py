"""Leave one group out: how far theta moves when a size, a budget or a configuration is missing."""

import numpy as np

from workbench.fitting.laws.base import Array
from workbench.fitting.uncertainty.bootstrap import Resampled
from workbench.fitting.uncertainty.fitted import Fitted, Spread, nothing
from workbench.fitting.uncertainty.groups import FEWEST, groups

MOST = 500
"""Of more groups blocks are left out: the covariance is then known to about 6%, as good as any need."""

FEWEST_BLOCKS = 40
"""However many the runs."""

ENTRIES = 4_000_000
"""Entries of the weights without each group: 32 megabytes."""


def left_out(fitted: Fitted) -> tuple[Resampled, str]:
    """Weights that leave out one group a row, and what the groups are; of very many, blocks of them."""
    code_M, words = groups(fitted.prepared.table)
    code_M, words = blocks(code_M, words)
    many = int(code_M.max()) + 1
    w_GM = (code_M[None] != np.arange(many)[:, None]).astype(np.float64)
    return Resampled(fitted.prepared.problem.y_SM, w_GM, f"jackknife over {many} {words}"), words


def blocks(code_M: np.ndarray, words: str) -> tuple[np.ndarray, str]:
    """Groups so few that weights without each fit in memory: every so many-th group is left out together."""
    many, most = int(code_M.max()) + 1, max(FEWEST_BLOCKS, min(MOST, ENTRIES // len(code_M)))
    if many <= most:
        return code_M, words
    return code_M % most, f"blocks of {words}"


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
