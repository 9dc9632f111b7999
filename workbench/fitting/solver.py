"""Many robust fits at once: damped Newton steps on arrays, no loop over starts or resamples.

Every row of theta is its own problem (its own start, responses or weights). A row takes Newton steps on the Huber
objective, with Marquardt's damping where a step would not descend, while the corner δ narrows from wide to the
wanted one; rows that have converged leave the batch. A bound is kept by freezing the coordinates that press on it.
"""

from dataclasses import dataclass

import numpy as np

from workbench.fitting import vertices
from workbench.fitting.laws.base import Array
from workbench.fitting.problem import Problem

TOLERANCE = 1e-13
"""A row is done when a Newton step promises less than this share of its objective."""

ON_THE_WAY = 40
"""Steps at a corner wider than the final one: enough to reach its basin, few enough that stragglers do not dominate."""


@dataclass(frozen=True)
class Solution:
    """Where every row ended. `value` is the objective as published; `gradient` the promised relative decrease left."""

    theta_SP: Array
    value_S: Array
    gradient_S: Array
    iterations: int

    @property
    def converged_S(self) -> np.ndarray:
        """Rows whose last Newton step promised nothing more."""
        return np.asarray(self.gradient_S < 1e-8)


def minimise(problem: Problem, theta_SP: Array, max_steps: int = 80) -> Solution:
    """Solve every row from its start."""
    theta_SP = np.clip(np.array(theta_SP, dtype=np.float64), *problem.law.bounds_2P)
    steps = 0
    left_S = np.full(len(theta_SP), np.inf)
    corners = problem.objective.continuation
    for delta in corners:
        # On the way a rough minimum will do; the last corner is solved to the end.
        last = delta == corners[-1]
        tolerance, most = (TOLERANCE, max_steps) if last else (1e-4, ON_THE_WAY)
        theta_SP, left_S, taken = _descend(problem, theta_SP, delta, tolerance, most)
        steps += taken
    if problem.objective.name == "lad":
        theta_SP = vertices.polish(problem, theta_SP)
    residuals_SM = problem.residuals(theta_SP)
    return Solution(theta_SP, problem.objective.value(residuals_SM, problem.w_SM), left_S, steps)


def _descend(
    problem: Problem, theta_SP: Array, delta: float, tolerance: float, max_steps: int
) -> tuple[Array, Array, int]:
    """Damped Newton at one corner; returns theta, the relative decrease still promised, and the steps taken."""
    low_P, high_P = problem.law.bounds_2P
    n_rows = len(theta_SP)
    damping_S = np.full(n_rows, 1e-6)
    left_S = np.full(n_rows, np.inf)
    active = np.arange(n_rows)
    steps = 0
    value_S = problem.value(theta_SP, delta)
    for steps in range(1, max_steps + 1):  # noqa: B007
        part = problem.rows(active)
        here_SP = theta_SP[active]
        g_SP, newton_SPP, gauss_SPP = part.derivatives(here_SP, delta)
        frozen_SP = ((here_SP <= low_P) & (g_SP > 0)) | ((here_SP >= high_P) & (g_SP < 0))
        move_SP, promise_S = _step(g_SP, newton_SPP, gauss_SPP, damping_S[active], frozen_SP)
        trial_SP = np.clip(here_SP + move_SP, low_P, high_P)
        trial_S = part.value(trial_SP, delta)
        better = trial_S <= value_S[active]
        rows = active[better]
        theta_SP[rows] = trial_SP[better]
        value_S[rows] = trial_S[better]
        damping_S[rows] = np.maximum(damping_S[rows] * 0.1, 1e-12)
        damping_S[active[~better]] = np.minimum(np.maximum(damping_S[active[~better]] * 10, 1e-4), 1e12)
        left_S[active] = promise_S / (value_S[active] + 1e-30)
        done = (left_S[active] < tolerance) | (value_S[active] < 1e-28) | (~better & (damping_S[active] >= 1e10))
        active = active[~done]
        if len(active) == 0:
            break
    return theta_SP, left_S, steps


def _step(
    g_SP: Array, newton_SPP: Array, gauss_SPP: Array, damping_S: Array, frozen_SP: np.ndarray
) -> tuple[Array, Array]:
    """The damped Newton step, and the decrease it promises; Gauss–Newton where Newton's matrix is not descending."""
    n_theta = g_SP.shape[1]
    eye = np.eye(n_theta)
    g_SP = np.where(frozen_SP, 0.0, g_SP)
    keep_SPP = ~(frozen_SP[:, :, None] | frozen_SP[:, None, :])
    scale_SP = np.einsum("spp->sp", gauss_SPP)
    scale_SP = np.maximum(scale_SP, 1e-12 * scale_SP.max(axis=1, keepdims=True) + 1e-300)
    root_SP = 1 / np.sqrt(scale_SP)
    scaling_SPP = root_SP[:, :, None] * root_SP[:, None, :] * keep_SPP
    gs_SP = g_SP * root_SP

    def solve(matrix_SPP: Array, damping: Array) -> Array:
        scaled = matrix_SPP * scaling_SPP
        scaled = scaled + eye * (damping[:, None, None] + np.where(frozen_SP, 1.0, 0.0)[:, :, None])
        return np.asarray(np.linalg.solve(scaled, -gs_SP[:, :, None])[:, :, 0])

    # A relative floor of 1e-14 keeps a singular matrix solvable; flat directions then move little.
    move_SP = solve(newton_SPP, damping_S + 1e-14)
    promise_S = -0.5 * np.einsum("sp,sp->s", move_SP, gs_SP)
    uphill = ~(promise_S >= 0) | ~np.isfinite(move_SP).all(axis=1)
    if uphill.any():
        other_SP = solve(gauss_SPP, np.maximum(damping_S, 1e-8))
        move_SP = np.where(uphill[:, None], other_SP, move_SP)
        promise_S = -0.5 * np.einsum("sp,sp->s", move_SP, gs_SP)
    return np.nan_to_num(move_SP * root_SP), np.nan_to_num(promise_S, nan=np.inf)
