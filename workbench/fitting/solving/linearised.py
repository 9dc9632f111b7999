"""Resamples approach their optima on one linearisation of the law, which all of them share.

Around the point estimate f(theta + s) ≈ f + J·s with one J_PM for every row, so that a step of all rows is three matrix
products and no exponential: r = r₀ − s·J, the gradient −ψ(r)·Jᵀ, and Newton's matrix b(r)·(J ⊗ J). It ends within a few
percent of every row's optimum, where exact steps take over.
"""

import numpy as np

from workbench.fitting.laws.base import Array
from workbench.fitting.solving.blocks import over_blocks
from workbench.fitting.solving.objectives import RIDGE
from workbench.fitting.solving.problem import Problem

STEPS = 12
"""Steps at each corner."""

ENOUGH = 1e-2
"""A row is near enough when a step promises less than this share of its objective: the linearisation errs by more."""


def approach(
    problem: Problem, theta_P: Array, n_rows: int, corners: tuple[float, ...], held: tuple[int, ...] = ()
) -> Array:
    """theta_SP of each row near its optimum, from a theta that all share; corners from wide to narrow."""
    f_1M, j_1PM = problem.law.jacobian(theta_P[None], problem.x_MF)
    j_PM = j_1PM[0]
    j_PM[list(held)] = 0.0
    pairs = np.triu_indices(len(theta_P))
    products_MQ = np.ascontiguousarray((j_PM[pairs[0]] * j_PM[pairs[1]]).T)

    def work(rows: np.ndarray) -> tuple[Array]:
        part = problem.rows(rows)
        w_SM = np.broadcast_to(part.w_SM, (len(rows), len(problem.x_MF)))
        rest_SM = np.broadcast_to(part.y_SM - f_1M, w_SM.shape)
        s_SP = np.zeros((len(rows), len(theta_P)))
        for delta in corners:
            s_SP = _descend(s_SP, rest_SM, w_SM, j_PM, products_MQ, pairs, delta)
        return (s_SP,)

    (s_SP,) = over_blocks(n_rows, len(problem.x_MF), work)
    return np.clip(theta_P + s_SP, *problem.law.bounds_2P)


def _descend(
    s_SP: Array, rest_SM: Array, w_SM: Array, j_PM: Array, products_MQ: Array,
    pairs: tuple[np.ndarray, np.ndarray], delta: float,
) -> Array:  # fmt: skip
    """Damped Newton on the linearised objective at one corner."""
    n_theta = len(j_PM)
    diagonal = np.arange(n_theta)
    active = np.arange(len(s_SP))
    damping_S = np.full(len(s_SP), 1e-8)
    r_SM, size_SM, pull_SM, value_S = _misses(s_SP, rest_SM, w_SM, j_PM, delta)
    for _ in range(STEPS):
        w_part_SM, rest_part_SM = (w_SM, rest_SM) if len(active) == len(w_SM) else (w_SM[active], rest_SM[active])
        g_SP = -np.copysign(pull_SM, r_SM) @ j_PM.T
        # As `objectives.curvature`: 1 inside ±δ, a share of δ/|r| beyond.
        bend_SM = pull_SM / np.maximum(size_SM, 1e-300) * (RIDGE + (1 - RIDGE) * (size_SM <= delta))
        h_SPP = np.empty((len(active), n_theta, n_theta))
        h_SPP[:, pairs[0], pairs[1]] = h_SPP[:, pairs[1], pairs[0]] = bend_SM @ products_MQ
        h_SPP[:, diagonal, diagonal] *= 1 + 1e-12 + damping_S[active, None]
        h_SPP[:, diagonal, diagonal] += 1e-300
        move_SP = np.linalg.solve(h_SPP, -g_SP[:, :, None])[:, :, 0]
        promise_S = -0.5 * np.einsum("sp,sp->s", move_SP, g_SP)
        trial_SP = s_SP[active] + move_SP
        trial = _misses(trial_SP, rest_part_SM, w_part_SM, j_PM, delta)
        better = trial[3] <= value_S
        s_SP[active[better]] = trial_SP[better]
        damping_S[active] = np.where(better, damping_S[active] * 0.1, np.maximum(damping_S[active] * 10, 1e-4))
        if not better.all():
            for old, new in zip((r_SM, size_SM, pull_SM, value_S), trial, strict=True):
                new[~better] = old[~better]
        r_SM, size_SM, pull_SM, value_S = trial
        going = better & (promise_S > ENOUGH * value_S) | (~better & (damping_S[active] < 1e3))
        if not going.any():
            break
        if not going.all():
            active = active[going]
            r_SM, size_SM, pull_SM, value_S = (array[going] for array in trial)
    return s_SP


def _misses(s_SP: Array, rest_SM: Array, w_SM: Array, j_PM: Array, delta: float) -> tuple[Array, Array, Array, Array]:
    """Residuals, their sizes, w·min(|r|, δ), and the objective of each row."""
    r_SM = rest_SM - s_SP @ j_PM
    size_SM = np.abs(r_SM)
    inside_SM = np.minimum(size_SM, delta)
    pull_SM = w_SM * inside_SM
    return r_SM, size_SM, pull_SM, np.einsum("sm,sm->s", pull_SM, size_SM - 0.5 * inside_SM)
