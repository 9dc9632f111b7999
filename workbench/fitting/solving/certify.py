"""Is there a better basin? The objective on a dense grid of a law's exponents, and every basin solved to its bottom.

At each node of the grid the amplitudes, in which the law is linear, are fitted by reweighted least squares (variable
projection: Golub and Pereyra 1973; Czech 2603.22339 for scaling laws). Each node lower than its neighbours starts a
full solution; so does each on a finer grid around the best. Laws that are not separable, or have more than two
exponents, are solved from a list of starts instead, and the certificate says which it was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.fitting.laws.base import Array, Separable, grid_of
from workbench.fitting.solving.blocks import over_blocks
from workbench.fitting.solving.objectives import rho
from workbench.fitting.solving.problem import Problem
from workbench.fitting.solving.solver import NEARLY, Solution, minimise

POINTS = 2000
"""Of a longer table this many points, evenly strewn, tell where the basins are; they are then solved on all points."""

ROUNDS = 7
"""Reweightings at a node: the objective there is then within about a percent of its least, or within some ten percent
where an amplitude vanishes."""

ROUGH, FAR = 3, 3.0
"""After so many rounds a node this many times above the least is left there: more lower it by 2.6 times at most."""

EVEN = 40
"""Values of an entry, evenly between its bounds, where all but one or two are held."""

FINE = 11
"""Values of each exponent of the finer grid, from 25% below the best to 25% above."""

CORNER = 1e-3
"""The narrowest corner that amplitudes are reweighted at; a fit with a narrower one passes wider ones on its way."""

SHRINK = 0.03
"""The share of itself that an amplitude keeps in a round that would make it negative."""

MOST = 12
"""Local minima of a grid that are solved to their bottoms, the lowest first."""

LOWEST = 6
"""Nodes of the finer grid that are solved besides, for a rough objective has many small basins near its least."""

EXACT = 1e-17
"""The lowest basin is solved until a Newton step promises less than this share: to its parameters' last digits."""

STEPS = 400
"""At most so many steps to the bottom of a basin: a valley that leads to a bound takes some hundred, all others few."""

RIVAL = 0.5
"""A basin within this share of the least objective is a rival: resamples start from it too …"""

RIVALS = 8
"""… but from no more basins than this, the lowest."""

Profile = Callable[[Array], tuple[Array, Array]]
"""Nodes of a grid → theta_SP there and the objective."""


@dataclass(frozen=True)
class Certificate:
    """What was searched, and the basins found, the lowest first."""

    basins_BP: Array
    values_B: Array
    left: float
    """The relative decrease that a Newton step from the lowest still promises."""
    searched: str
    """In words."""
    nodes: int
    agree: float
    """The share of solved starts that ended in the lowest basin."""
    dense: bool
    """Whether a dense grid was searched, or a list of starts solved."""

    @property
    def rivals_BP(self) -> Array:
        """The lowest basin, and those that a resample may find lower."""
        return np.asarray(self.basins_BP[self.values_B <= self.values_B[0] * (1 + RIVAL) + 1e-30][:RIVALS])

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "searched": self.searched,
            "nodes": self.nodes,
            "dense": self.dense,
            "basins": len(self.values_B),
            "runner_up": float(self.values_B[1] / self.values_B[0] - 1) if len(self.values_B) > 1 else None,
            "agree": self.agree,
        }


def certify(problem: Problem, held: tuple[int, ...] = (), start_P: Array | None = None) -> Certificate:
    """Search the exponents, solve every basin. Entries `held` stay at `start_P`; `problem` has one row."""
    law = problem.law
    small = _fewer_points(problem)
    entries, axes, profile = _searched(small, held, start_P)
    if profile is None:
        return _from_starts(problem, held, start_P)
    nodes_SK = grid_of(axes)
    starts_SP = _minima(profile, nodes_SK, axes)
    near = [
        axis if len(axis) == 1 else _around(float(starts_SP[0, entry]), axis, law.theta_bounds[entry])
        for entry, axis in zip(entries, axes, strict=True)
    ]
    fine_SK = grid_of(near)
    starts_SP = np.concatenate([starts_SP, _minima(profile, fine_SK, near, LOWEST)])
    if problem.objective.name == "lad" and not held:
        # Absolute deviations have a small basin at every vertex: blind starts now and then find one lower by 1e-5.
        starts_SP = np.concatenate([starts_SP, law.starts()])
    found = _solved(problem, starts_SP, held, near=problem.objective.delta >= CORNER)
    names = " × ".join(law.theta_names[entry] for entry in entries)
    said = f"a grid of {' × '.join(str(len(axis)) for axis in axes)} values of {names}, and a finer one around the best"
    return _sorted(found, said, len(nodes_SK) + len(fine_SK), True)


def _solved(problem: Problem, starts_SP: Array, held: tuple[int, ...], near: bool = False) -> Solution:
    """Every start at the bottom of its basin, the lowest to its last digits."""
    found = minimise(problem, starts_SP, STEPS, held, NEARLY, near)
    best = np.argsort(found.value_S, kind="stable")[:1]
    exact = minimise(problem, found.theta_SP[best], STEPS, held, tolerance=EXACT, near=True)
    if exact.value_S[0] <= found.value_S[best[0]]:
        found.theta_SP[best], found.value_S[best], found.gradient_S[best] = (
            exact.theta_SP,
            exact.value_S,
            exact.gradient_S,
        )
    return found


def _searched(
    problem: Problem, held: tuple[int, ...], start_P: Array | None
) -> tuple[tuple[int, ...], list[Array], Profile | None]:
    """The entries a grid is laid over, their values, and what profiles the objective there; None where nothing can."""
    law = problem.law
    free = tuple(entry for entry in range(len(law.theta_bounds)) if entry not in held)
    if start_P is not None and 0 < len(free) <= 2 and set(free) != set(law.nonlinear):
        # All else is held: the objective itself is laid out.
        axes = [np.linspace(*law.theta_bounds[entry], EVEN) for entry in free]
        return free, axes, lambda nodes_SK: _with(problem, start_P, free, nodes_SK)
    axes = [
        np.array([start_P[entry]]) if entry in held and start_P is not None else axis
        for entry, axis in zip(law.nonlinear, law.axes(), strict=True)
    ]
    loose = set(held) - set(law.nonlinear)
    if not 0 < len(axes) <= 2 or loose or law.separable(grid_of(axes)[:1], problem.x_MF) is None:
        return (), [], None
    return law.nonlinear, axes, lambda nodes_SK: profiled(problem, nodes_SK)


def _with(problem: Problem, start_P: Array, entries: tuple[int, ...], nodes_SK: Array) -> tuple[Array, Array]:
    """theta with some entries set to the nodes', and the objective there."""
    theta_SP = np.repeat(start_P[None], len(nodes_SK), axis=0)
    theta_SP[:, list(entries)] = nodes_SK
    value = over_blocks(
        len(theta_SP), len(problem.x_MF), lambda rows: (problem.value(theta_SP[rows], problem.objective.delta),)
    )
    return theta_SP, value[0]


def _around(best: float, axis: Array, bounds: tuple[float, float]) -> Array:
    """A finer axis: a quarter of the value to either side, or two steps of the coarse one where that is more."""
    reach = max(0.25 * abs(best), 2 * float(np.diff(axis).min()))
    return np.clip(np.linspace(best - reach, best + reach, FINE), *bounds)


def _from_starts(problem: Problem, held: tuple[int, ...], start_P: Array | None) -> Certificate:
    starts_SP = problem.law.starts()
    if held and start_P is not None:
        starts_SP = starts_SP.copy()
        starts_SP[:, list(held)] = start_P[list(held)]
        starts_SP = np.unique(starts_SP, axis=0)
    small = _fewer_points(problem)
    rough = minimise(small, starts_SP, STEPS if small is problem else 80, held)
    if small is problem:
        solved = rough
    else:
        order = np.argsort(rough.value_S, kind="stable")[:MOST]
        solved = _solved(problem, rough.theta_SP[order], held)
    return _sorted(solved, f"{len(starts_SP)} starts", len(starts_SP), False)


def _sorted(found: Solution, said: str, nodes: int, dense: bool) -> Certificate:
    """Solutions as distinct basins, the lowest first."""
    value_S = np.where(np.isfinite(found.value_S), found.value_S, np.inf)
    order = np.argsort(value_S, kind="stable")
    least = value_S[order[0]]
    basins: list[int] = []
    for row in order:
        # Along a flat valley solutions stop at different places of one basin: their objectives agree.
        if not any(value_S[row] <= value_S[other] * (1 + 1e-7) + 1e-25 for other in basins):
            basins.append(int(row))
    agree = float((value_S <= least * (1 + 1e-6) + 1e-18).mean())
    left = float(found.gradient_S[order[0]])
    return Certificate(found.theta_SP[basins], value_S[basins], left, said, nodes, agree, dense)


def _fewer_points(problem: Problem) -> Problem:
    n_points = len(problem.x_MF)
    if n_points <= POINTS:
        return problem
    kept = np.linspace(0, n_points - 1, POINTS).astype(np.int64)
    # By the order of the responses, so that an evenly strewn sample spans them whatever the table's order.
    kept = np.argsort(problem.y_SM[0], kind="stable")[kept]
    y_SM, w_SM = (array[:, kept] for array in (problem.y_SM, np.broadcast_to(problem.w_SM, (1, n_points))))
    return Problem(problem.law, problem.objective, problem.x_MF[kept], y_SM, w_SM)


def _minima(profile: Profile, nodes_SK: Array, axes: list[Array], lowest: int = 0) -> Array:
    """theta at the nodes no higher than their neighbours in the profiled objective, the lowest first; then more of the
    `lowest`."""
    from scipy.ndimage import minimum_filter

    theta_SP, value_S = profile(nodes_SK)
    grid = value_S.reshape([len(axis) for axis in axes])
    low = (grid <= minimum_filter(grid, size=3, mode="nearest")).ravel()
    order = np.argsort(value_S, kind="stable")
    rows = order[low[order]][:MOST]
    return theta_SP[np.concatenate([rows, np.setdiff1d(order[:lowest], rows)])]


def profiled(problem: Problem, nodes_SK: Array) -> tuple[Array, Array]:
    """theta_SP with the amplitudes fitted at each node, and the objective there: roughly where it is far from least."""
    theta_SP, value_S, c_SQ = _rounds(problem, nodes_SK, ROUGH)
    near = np.flatnonzero(value_S <= FAR * value_S.min())
    theta_SP[near], value_S[near], _ = _rounds(problem, nodes_SK[near], ROUNDS - ROUGH, c_SQ[near])
    return theta_SP, value_S


def _rounds(
    problem: Problem, nodes_SK: Array, rounds: int, start_SQ: Array | None = None
) -> tuple[Array, Array, Array]:
    """theta_SP, the objective and the amplitudes after so many reweightings, from amplitudes where they are known."""

    def work(rows: np.ndarray) -> tuple[Array, Array, Array]:
        separable = problem.law.separable(nodes_SK[rows], problem.x_MF)
        assert separable is not None
        c_SQ, value_S = _amplitudes(problem, separable, len(rows), rounds, None if start_SQ is None else start_SQ[rows])
        return separable.join(np.log(c_SQ) if problem.law.log_response else c_SQ), value_S, c_SQ

    theta_SP, value_S, c_SQ = over_blocks(len(nodes_SK), len(problem.x_MF), work)
    return theta_SP, value_S, c_SQ


def _amplitudes(
    problem: Problem, separable: Separable, n_rows: int, rounds: int, start_SQ: Array | None
) -> tuple[Array, Array]:
    """Reweighted least squares for the amplitudes of each node, positive where the response has a logarithm."""
    y_M, w_M = problem.y_SM[0], np.broadcast_to(problem.w_SM[0], problem.y_SM[0].shape)
    if problem.exponentiated:
        # Misses of the response are misses of its logarithm times the response, to first order.
        w_M = w_M * np.exp(2 * y_M)
    delta = max(problem.objective.delta, CORNER)
    shape = (n_rows, len(y_M))
    basis = [part if part.size == 1 else np.broadcast_to(part, shape) for part in separable.basis]
    power_S1 = separable.power_S[:, None]
    log = problem.law.log_response
    if start_SQ is None:
        start_SQ = _first_amplitudes(basis, y_M / power_S1, w_M) if log else np.zeros((n_rows, len(basis)))
    c_SQ = best_SQ = start_SQ
    least_S = np.full(n_rows, np.inf)
    step_SQ, scale_S1 = np.zeros_like(c_SQ), np.ones((n_rows, 1))
    for _ in range(rounds):
        total_SM = sum((c_SQ[:, q, None] * part for q, part in enumerate(basis[1:], 1)), c_SQ[:, :1] * basis[0])
        r_SM = y_M - (power_S1 * np.log(total_SM) if log else total_SM)
        value_S = rho(r_SM, delta) @ w_M
        better = value_S < least_S
        best_SQ, least_S = np.where(better[:, None], c_SQ, best_SQ), np.minimum(value_S, least_S)
        b_SM = w_M / np.maximum(np.abs(r_SM), delta) if np.isfinite(delta) else np.broadcast_to(w_M, r_SM.shape)
        found_SQ = _least_squares(basis, r_SM, b_SM, power_S1 / total_SM if log else None)
        # A step that did not descend is tried again at a third of its length.
        step_SQ = np.where(better[:, None], found_SQ, step_SQ)
        scale_S1 = np.where(better[:, None], 1.0, scale_S1 / 3)
        c_SQ = best_SQ + scale_S1 * step_SQ
        if log:
            # An amplitude that would turn negative shrinks instead, and so vanishes in a few rounds.
            c_SQ = np.maximum(c_SQ, best_SQ * SHRINK)
    return best_SQ, least_S


def _first_amplitudes(basis: list[Array], y_SM: Array, w_M: Array) -> Array:
    """The amplitudes that fit the response in relative terms; one that would be negative becomes small."""
    scale_SM = np.exp(-y_SM)
    n_rows = max(len(part) for part in basis)
    scaled = [np.broadcast_to(part * scale_SM, (n_rows, len(w_M))) for part in basis]
    ones_SM = np.ones((n_rows, len(w_M)))
    weights_SM = np.broadcast_to(w_M, ones_SM.shape)
    small_SQ = 1e-3 / np.stack([part.mean(axis=1) for part in scaled], axis=1)
    c_SQ = _least_squares(scaled, ones_SM, weights_SM)
    # Without the columns that would be negative the others are smaller: they are fitted once more.
    kept_SQ = c_SQ > small_SQ
    again = np.flatnonzero(~kept_SQ.all(axis=1))
    if len(again):
        kept = [part[again] * kept_SQ[again, q, None] for q, part in enumerate(scaled)]
        c_SQ[again] = _least_squares(kept, ones_SM[again], weights_SM[again])
    return np.asarray(np.maximum(c_SQ, small_SQ))


def _least_squares(columns: list[Array], target_SM: Array, b_SM: Array, scale_SM: Array | None = None) -> Array:
    """Weighted least squares of the target on the columns times a scale, a row at a time, with a trace of ridge."""
    many = len(columns)
    if scale_SM is not None:
        # The scale is put into the weights and the target, once, rather than into each column.
        target_SM = target_SM / scale_SM
        b_SM = b_SM * scale_SM * scale_SM
    gram_SQQ = np.empty((len(target_SM), many, many))
    right_SQ = np.empty((len(target_SM), many))
    for i, one in enumerate(columns):
        weighted_SM = b_SM if one.size == 1 else b_SM * one
        right_SQ[:, i] = np.vecdot(weighted_SM, target_SM)
        for j in range(i, many):
            column = columns[j]
            found_S = weighted_SM.sum(axis=1) if column.size == 1 else np.vecdot(weighted_SM, column)
            gram_SQQ[:, i, j] = gram_SQQ[:, j, i] = found_S
    size_SQ = np.sqrt(np.maximum(np.einsum("sqq->sq", gram_SQQ), 1e-200))
    gram_SQQ /= size_SQ[:, :, None] * size_SQ[:, None, :]
    gram_SQQ += 1e-9 * np.eye(many)
    return np.asarray(np.linalg.solve(gram_SQQ, (right_SQ / size_SQ)[:, :, None])[:, :, 0] / size_SQ)
