"""Many robust fits at once: damped Newton steps on arrays, no loop over starts or resamples.

Every row of theta is its own problem (its own start, responses or weights). A row takes Newton steps on the Huber
objective, with Marquardt's damping where a step would not descend, while the corner δ narrows from wide to the
wanted one; rows that have converged leave the batch. A bound is kept by freezing the coordinates that press on it.
"""

from dataclasses import dataclass

import numpy as np

from workbench.fitting.laws.base import Array
from workbench.fitting.solving import linearised, vertices
from workbench.fitting.solving.blocks import over_blocks
from workbench.fitting.solving.problem import Problem

TOLERANCE = 1e-11
"""A row is done when a Newton step promises less than this share of its objective."""

NEARLY = 1e-9
"""The same for resamples, of which there are many: a thousandth of what the bootstrap could notice."""

ON_THE_WAY = 40
"""Steps at a corner wider than the final one: enough to reach its basin, few enough that stragglers do not dominate."""

TOGETHER = 8
"""Steps that a block of rows takes before its stragglers are gathered with those of the others."""


@dataclass(frozen=True)
class Solution:
    """Where every row ended. `value` is the objective as published; `gradient` the promised relative decrease left."""

    theta_SP: Array
    value_S: Array
    gradient_S: Array

    @property
    def converged_S(self) -> np.ndarray:
        """Rows whose last Newton step promised nothing more."""
        return np.asarray(self.gradient_S < 1e-8)


def minimise(
    problem: Problem,
    theta_SP: Array,
    max_steps: int = 80,
    held: tuple[int, ...] = (),
    tolerance: float = TOLERANCE,
    near: bool = False,
) -> Solution:
    """Solve every row from its start; the entries `held` stay where they are. A start that is `near` its optimum passes
    no wider corners on the way."""
    theta_SP = np.clip(np.array(theta_SP, dtype=np.float64), *problem.law.bounds_2P)
    *wider, narrow = problem.objective.continuation
    for delta in () if near else wider:
        # On the way a rough minimum will do; the last corner is solved to the end.
        theta_SP, _ = _solve(problem, theta_SP, delta, 1e-4, ON_THE_WAY, held)
    theta_SP, left_S = _solve(problem, theta_SP, narrow, tolerance, max_steps, held)
    return _finished(problem, theta_SP, left_S, held)


def minimise_near(
    problem: Problem, theta_P: Array, n_rows: int, max_steps: int = 80, held: tuple[int, ...] = ()
) -> Solution:
    """Solve `n_rows` rows whose optima lie around one theta, such as resamples around the point estimate.

    The wide corners are passed on the law's linearisation at theta, which all rows share.
    """
    corners = problem.objective.approach
    if corners:
        theta_SP = linearised.approach(problem, theta_P, n_rows, corners, held)
    else:
        theta_SP = np.repeat(theta_P[None], n_rows, axis=0)
    theta_SP, left_S = _solve(problem, theta_SP, problem.objective.delta, NEARLY, max_steps, held)
    return _finished(problem, theta_SP, left_S, held)


def _finished(problem: Problem, theta_SP: Array, left_S: Array, held: tuple[int, ...]) -> Solution:
    if problem.objective.name == "lad" and problem.penalty is None and not held:
        theta_SP = vertices.polish(problem, theta_SP)

    def value(rows: np.ndarray) -> tuple[Array]:
        part = problem.rows(rows)
        return (problem.objective.value(part.residuals(theta_SP[rows]), part.w_SM),)

    (value_S,) = over_blocks(len(theta_SP), len(problem.x_MF), value)
    return Solution(theta_SP, value_S, left_S)


def _solve(
    problem: Problem, theta_SP: Array, delta: float, tolerance: float, max_steps: int, held: tuple[int, ...]
) -> tuple[Array, Array]:
    """Newton at one corner, in blocks; the few rows that need many steps are gathered and go on together."""
    held_P = np.zeros(theta_SP.shape[1], dtype=bool)
    held_P[list(held)] = True
    theta_SP, left_S = theta_SP.copy(), np.full(len(theta_SP), np.inf)
    rows = np.arange(len(theta_SP))
    for steps in (TOGETHER, max_steps - TOGETHER):

        def descend(block: np.ndarray, rows: np.ndarray = rows, steps: int = steps) -> tuple[Array, ...]:
            chosen = rows[block]
            return _descend(problem.rows(chosen), theta_SP[chosen], delta, tolerance, steps, held_P)

        theta_SP[rows], left_S[rows], done = over_blocks(len(rows), len(problem.x_MF), descend)
        rows = rows[done == 0]
        if len(rows) == 0:
            break
    return theta_SP, left_S


def _descend(
    problem: Problem, theta_SP: Array, delta: float, tolerance: float, max_steps: int, held_P: np.ndarray
) -> tuple[Array, Array, Array]:
    """Damped Newton at one corner; returns theta, the relative decrease still promised, and 1 where a row is done."""
    low_P, high_P = problem.law.bounds_2P
    theta_SP = theta_SP.copy()
    damping_S, left_S = np.full(len(theta_SP), 1e-6), np.full(len(theta_SP), np.inf)
    done_S = np.zeros(len(theta_SP))
    active, part = np.arange(len(theta_SP)), problem
    value_S, g_SP, h_SPP = problem.expand(theta_SP, delta)
    for _ in range(max_steps):
        here_SP = theta_SP[active]
        frozen_SP = held_P | ((here_SP <= low_P) & (g_SP > 0)) | ((here_SP >= high_P) & (g_SP < 0))
        move_SP, promise_S = _step(part, here_SP, g_SP, h_SPP, damping_S[active], frozen_SP, delta)
        left_S[active] = promise_S / (value_S + 1e-30)
        done = (left_S[active] < tolerance) | (value_S < 1e-28) | (damping_S[active] >= 1e10)
        if done.any():
            done_S[active[done]] = 1
            active, going = active[~done], ~done
            if len(active) == 0:
                break
            part = problem.rows(active)
            here_SP, move_SP = here_SP[going], move_SP[going]
            value_S, g_SP, h_SPP = value_S[going], g_SP[going], h_SPP[going]
        trial_SP = np.clip(here_SP + move_SP, low_P, high_P)
        trial = part.expand(trial_SP, delta)
        better = trial[0] <= value_S
        theta_SP[active[better]] = trial_SP[better]
        damping_S[active] = np.where(
            better, np.maximum(damping_S[active] * 0.1, 1e-12), np.maximum(damping_S[active] * 10, 1e-4)
        )
        if not better.all():
            # A row that did not descend stays where it was, and steps again with more damping.
            for new, old in zip(trial, (value_S, g_SP, h_SPP), strict=True):
                new[~better] = old[~better]
        value_S, g_SP, h_SPP = trial
    return theta_SP, left_S, done_S


def _step(
    problem: Problem, here_SP: Array, g_SP: Array, h_SPP: Array, damping_S: Array, frozen_SP: np.ndarray, delta: float
) -> tuple[Array, Array]:
    """The damped Newton step, and the decrease it promises; Gauss–Newton where Newton's matrix is not descending."""
    g_SP = np.where(frozen_SP, 0.0, g_SP)
    move_SP, promise_S = _damped(h_SPP, g_SP, damping_S, frozen_SP)
    uphill = np.flatnonzero(~(promise_S >= 0) | ~np.isfinite(move_SP).all(axis=1))
    if len(uphill):
        gauss_SPP = problem.rows(uphill).gauss(here_SP[uphill], delta)
        damping_S = np.maximum(damping_S[uphill], 1e-8)
        move_SP[uphill], promise_S[uphill] = _damped(gauss_SPP, g_SP[uphill], damping_S, frozen_SP[uphill])
    return np.nan_to_num(move_SP), np.nan_to_num(promise_S, nan=np.inf)


def _damped(h_SPP: Array, g_SP: Array, damping_S: Array, frozen_SP: np.ndarray) -> tuple[Array, Array]:
    """−(H + damping·diag H)⁻¹ g over the coordinates that are free, and the decrease of the quadratic model."""
    scale_SP = np.abs(np.einsum("spp->sp", h_SPP))
    scale_SP = np.maximum(scale_SP, 1e-12 * scale_SP.max(axis=1, keepdims=True) + 1e-300)
    root_SP = 1 / np.sqrt(scale_SP)
    gs_SP = g_SP * root_SP
    scaled_SPP = h_SPP * (root_SP[:, :, None] * root_SP[:, None, :])
    if frozen_SP.any():
        scaled_SPP *= ~(frozen_SP[:, :, None] | frozen_SP[:, None, :])
    # A relative floor of 1e-14 keeps a singular matrix solvable; flat directions then move little.
    diagonal = np.arange(h_SPP.shape[1])
    scaled_SPP[:, diagonal, diagonal] += damping_S[:, None] + np.where(frozen_SP, 1.0, 1e-14)
    move_SP = np.linalg.solve(scaled_SPP, -gs_SP[:, :, None])[:, :, 0]
    return move_SP * root_SP, -0.5 * np.einsum("sp,sp->s", move_SP, gs_SP)
