"""Many robust fits at once: damped Newton steps on arrays, no loop over starts or resamples.

Every row of theta is its own problem (its own start, responses or weights). A row takes Newton steps on the Huber
objective, with Marquardt's damping where a step would not descend, while the corner δ narrows from wide to the
wanted one; rows that have converged leave the batch. A bound is kept by freezing the coordinates that press on it.
"""

from dataclasses import dataclass

import numpy as np

from workbench.fitting.laws.base import Array, Law
from workbench.fitting.objectives import Objective, curvature, psi, rho

TOLERANCE = 1e-13
"""A row is done when a Newton step promises less than this share of its objective."""


@dataclass(frozen=True)
class Problem:
    """The data of a batch: features x_MF, responses y and weights w, each (1, M) when shared or (S, M) when not."""

    law: Law
    objective: Objective
    x_MF: Array
    y_SM: Array
    w_SM: Array

    def rows(self, index: np.ndarray) -> "Problem":
        """The problem of some rows only."""
        y_SM = self.y_SM if len(self.y_SM) == 1 else self.y_SM[index]
        w_SM = self.w_SM if len(self.w_SM) == 1 else self.w_SM[index]
        return Problem(self.law, self.objective, self.x_MF, y_SM, w_SM)

    def residuals(self, theta_SP: Array) -> Array:
        """Response minus prediction; on the raw loss where the objective wants it (y is then the centred ln L)."""
        f_SM = self.law.evaluate(theta_SP, self.x_MF)
        if self.objective.on_raw_loss:
            return np.exp(self.y_SM) - np.exp(f_SM)
        return self.y_SM - f_SM

    def value(self, theta_SP: Array, delta: float) -> Array:
        """The sum of ρ_δ, which the steps descend."""
        return np.asarray((self.w_SM * rho(self.residuals(theta_SP), delta)).sum(axis=1))

    def derivatives(self, theta_SP: Array, delta: float) -> tuple[Array, Array, Array]:
        """Gradient (S, P), the Newton matrix, and the positive definite Gauss–Newton matrix that damps it."""
        f_SM, j_SPM = self.law.jacobian(theta_SP, self.x_MF)
        if self.objective.on_raw_loss:
            level_SM = np.exp(f_SM)
            r_SM = np.exp(self.y_SM) - level_SM
        else:
            r_SM = self.y_SM - f_SM
        pull_SM = self.w_SM * psi(r_SM, delta)
        bend_SM = self.w_SM * curvature(r_SM, delta)
        if self.objective.on_raw_loss:
            bend_SM = bend_SM * level_SM**2 - pull_SM * level_SM
            pull_SM = pull_SM * level_SM
        g_SP = -np.einsum("spm,sm->sp", j_SPM, pull_SM)
        gauss_SPP = (j_SPM * np.maximum(bend_SM, 0.0)[:, None, :]) @ j_SPM.transpose(0, 2, 1)
        second_SPP = self.law.curvature(theta_SP, self.x_MF, pull_SM)
        return g_SP, gauss_SPP if second_SPP is None else gauss_SPP - second_SPP, gauss_SPP


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
        theta_SP, left_S, taken = _descend(problem, theta_SP, delta, TOLERANCE if last else 1e-4, max_steps)
        steps += taken
    if problem.objective.name == "lad":
        theta_SP = _to_vertex(problem, theta_SP)
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


def _to_vertex(problem: Problem, theta_SP: Array) -> Array:
    """Least absolute deviations have their optimum where P points are met exactly: solve for that vertex by Newton.

    The P nearest points of each row are met in a few steps of r = 0; a row keeps the vertex if its sum of |r| is less.
    """
    n_theta = theta_SP.shape[1]
    r_SM = problem.residuals(theta_SP)
    weights_SM = np.broadcast_to(problem.w_SM, r_SM.shape)
    start_S = (weights_SM * np.abs(r_SM)).sum(axis=1)
    nearest_SP = np.argsort(np.where(weights_SM > 0, np.abs(r_SM), np.inf), axis=1)[:, :n_theta]
    best_SP = theta_SP.copy()
    trial_SP = theta_SP.copy()
    for _ in range(6):
        _, j_SPM = problem.law.jacobian(trial_SP, problem.x_MF)
        square_SPP = np.take_along_axis(j_SPM, nearest_SP[:, None, :], axis=2).transpose(0, 2, 1)
        miss_SP = np.take_along_axis(problem.residuals(trial_SP), nearest_SP, axis=1)
        ridge = 1e-14 * np.eye(n_theta)
        trial_SP = trial_SP + np.linalg.solve(square_SPP + ridge, miss_SP[:, :, None])[:, :, 0]
        trial_SP = np.clip(trial_SP, *problem.law.bounds_2P)
    value_S = (weights_SM * np.abs(problem.residuals(trial_SP))).sum(axis=1)
    better = np.isfinite(value_S) & (value_S < start_S)
    best_SP[better] = trial_SP[better]
    return best_SP
