"""Least absolute deviations to the last digit: a walk from vertex to vertex, every row of a batch at once.

The optimum of Σ|r| lies where P points are met exactly (a vertex). At a vertex, the edge of steepest descent lets one
of those points go and is followed to the weighted median of the points it crosses, which takes its place (Barrodale and
Roberts 1973); a few Newton steps of r = 0 bring the curved law back to the new vertex.
"""

import numpy as np

from workbench.fitting.laws.base import Array
from workbench.fitting.solving.problem import Problem


def polish(problem: Problem, start_SP: Array, max_steps: int = 200) -> Array:
    """Walk every row down from the vertex nearest to its start; a row never ends higher than it began."""
    low_P, high_P = problem.law.bounds_2P
    # A row that presses on a bound has fewer free directions than P and is left as it is.
    rows = np.flatnonzero(((start_SP > low_P) & (start_SP < high_P)).all(axis=1))
    whole = problem.rows(rows)
    r_SM = whole.residuals(start_SP[rows])
    w_SM = np.broadcast_to(whole.w_SM, r_SM.shape)
    start_S = (w_SM * np.abs(r_SM)).sum(axis=1)
    basis_SP = np.argsort(np.where(w_SM > 0, np.abs(r_SM), np.inf), axis=1)[:, : start_SP.shape[1]]
    theta_SP, value_S = _meet(whole, start_SP[rows], basis_SP)
    barred_SP = np.zeros(basis_SP.shape, dtype=bool)
    active = np.flatnonzero(np.isfinite(value_S))
    for _ in range(max_steps):
        if len(active) == 0:
            break
        part = whole.rows(active)
        edge_S, enters_S = _edge(part, theta_SP[active], basis_SP[active], barred_SP[active])
        going = edge_S >= 0
        active, edge_S, enters_S = active[going], edge_S[going], enters_S[going]
        trial_basis = basis_SP[active].copy()
        trial_basis[np.arange(len(active)), edge_S] = enters_S
        trial_SP, trial_S = _meet(whole.rows(active), theta_SP[active], trial_basis)
        better = trial_S < value_S[active] * (1 - 1e-14)
        # An edge that leads nowhere is barred until the row has moved.
        barred_SP[active[~better], edge_S[~better]] = True
        moved = active[better]
        barred_SP[moved] = False
        theta_SP[moved], value_S[moved], basis_SP[moved] = trial_SP[better], trial_S[better], trial_basis[better]
    best_SP = start_SP.copy()
    lower = value_S < start_S
    best_SP[rows[lower]] = theta_SP[lower]
    return best_SP


def _meet(problem: Problem, theta_SP: Array, basis_SP: np.ndarray) -> tuple[Array, Array]:
    """Newton towards the vertex where the points of the basis have no residual, and the sum of |r| there."""
    ridge_PP = 1e-14 * np.eye(theta_SP.shape[1])
    for _ in range(4):
        square_SPP = _at_basis(problem, theta_SP, basis_SP)
        miss_SP = np.take_along_axis(problem.residuals(theta_SP), basis_SP, axis=1)
        theta_SP = theta_SP + np.linalg.solve(square_SPP + ridge_PP, miss_SP[:, :, None])[:, :, 0]
        theta_SP = np.clip(np.nan_to_num(theta_SP), *problem.law.bounds_2P)
    return theta_SP, np.asarray((problem.w_SM * np.abs(problem.residuals(theta_SP))).sum(axis=1))


def _at_basis(problem: Problem, theta_SP: Array, basis_SP: np.ndarray) -> Array:
    """The jacobian at the points of the basis: row k is the gradient of the prediction of point k."""
    _, j_SPM = problem.law.jacobian(theta_SP, problem.x_MF)
    return np.take_along_axis(j_SPM, basis_SP[:, None, :], axis=2).transpose(0, 2, 1)


def _edge(
    problem: Problem, theta_SP: Array, basis_SP: np.ndarray, barred_SP: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The edge to follow (−1 where none descends) and the point that enters at its end."""
    n_rows = len(theta_SP)
    rows = np.arange(n_rows)
    _, j_SPM = problem.law.jacobian(theta_SP, problem.x_MF)
    square_SPP = np.take_along_axis(j_SPM, basis_SP[:, None, :], axis=2).transpose(0, 2, 1)
    # Column k moves the prediction of basis point k by one and leaves the others of the basis where they are.
    edges_SPK = np.linalg.inv(square_SPP + 1e-14 * np.eye(theta_SP.shape[1]))
    change_SKM = edges_SPK.transpose(0, 2, 1) @ j_SPM
    r_SM = problem.residuals(theta_SP)
    w_SM = np.array(np.broadcast_to(problem.w_SM, r_SM.shape))
    w_basis_SP = np.take_along_axis(w_SM, basis_SP, axis=1)
    np.put_along_axis(w_SM, basis_SP, 0.0, axis=1)
    pull_SK = np.einsum("sm,skm->sk", w_SM * np.sign(r_SM), change_SKM)
    descent_SK = np.where(barred_SP, -np.inf, np.abs(pull_SK) - w_basis_SP)
    edge_S = descent_SK.argmax(axis=1)
    slope_S = -descent_SK[rows, edge_S]
    t_SM = change_SKM[rows, edge_S] * np.sign(pull_SK[rows, edge_S])[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        cross_SM = np.where((w_SM > 0) & (r_SM * t_SM > 0), r_SM / t_SM, np.inf)
    order_SM = cross_SM.argsort(axis=1)
    rise_SM = np.take_along_axis(np.where(np.isfinite(cross_SM), 2 * w_SM * np.abs(t_SM), 0.0), order_SM, axis=1)
    first_S = (slope_S[:, None] + rise_SM.cumsum(axis=1) >= 0).argmax(axis=1)
    enters_S = order_SM[rows, first_S]
    usable = (slope_S < 0) & np.isfinite(cross_SM[rows, enters_S])
    return np.where(usable, edge_S, -1), enters_S


__all__ = ["polish"]
