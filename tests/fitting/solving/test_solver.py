"""The batched solver against SciPy's, one row at a time; and what it must leave alone."""

import numpy as np
import pytest
from scipy.optimize import minimize

from tests.fitting.designs import isoflop
from workbench.fitting.laws import LAWS
from workbench.fitting.solving.objectives import objective_named
from workbench.fitting.solving.problem import Penalty, Problem
from workbench.fitting.solving.solver import minimise, minimise_near
from workbench.fitting.uncertainty import bootstrap

LAW = LAWS["chinchilla"]


def problem_of(noise: float = 0.01, objective: str = "huber", seed: int = 0) -> Problem:
    table = isoflop(noise, seed)
    x, y = np.log(table[["n", "d"]].to_numpy()), np.log(table["loss"].to_numpy())
    return Problem(LAW, objective_named(objective, 1e-3), x - x.mean(axis=0), (y - y.mean())[None], np.ones((1, 30)))


def plain_huber(theta: np.ndarray, problem: Problem, weights: np.ndarray) -> float:
    x, y = problem.x_MF, problem.y_SM[0]
    e, a, b, alpha, beta = theta
    r = np.abs(y - np.log(np.exp(e) + np.exp(a - alpha * x[:, 0]) + np.exp(b - beta * x[:, 1])))
    return float((weights * np.where(r <= 1e-3, r**2 / 2, 1e-3 * (r - 5e-4))).sum())


def test_every_resample_is_as_low_as_scipy_can_get_it():
    problem = problem_of()
    best = minimise(problem, LAW.starts())
    theta = best.theta_SP[np.argmin(best.value_S)]
    data = bootstrap.case_resamples(problem.y_SM[0], np.arange(30), 12, np.random.default_rng(0))
    batch = Problem(LAW, problem.objective, problem.x_MF, data.y_SM, data.w_SM)
    solved = minimise_near(batch, theta, 12)
    for row in range(12):
        weights = data.w_SM[row]
        scale = 1e-3 * weights.sum()

        def scaled(t: np.ndarray, weights: np.ndarray = weights, scale: float = scale) -> float:
            return plain_huber(t, problem, weights) / scale

        found = [minimize(scaled, start, method="BFGS") for start in (theta, solved.theta_SP[row])]
        least = min(one.fun for one in found) * scale
        assert solved.value_S[row] == pytest.approx(plain_huber(solved.theta_SP[row], problem, weights), rel=1e-12)
        assert solved.value_S[row] <= least * (1 + 1e-6)


def test_rows_solved_together_end_where_they_end_alone():
    problem = problem_of()
    together = minimise(problem, LAW.starts()[::13])
    for row, start in enumerate(LAW.starts()[::13]):
        alone = minimise(problem, start[None])
        assert alone.value_S[0] == pytest.approx(together.value_S[row], rel=1e-9)


@pytest.mark.parametrize("objective", ["huber", "log-mse", "mse"])
def test_the_expansion_is_that_of_the_objective(objective):
    problem = problem_of(0.3, objective)
    theta = LAW.starts()[[17, 60]]
    delta = 0.2 if objective == "huber" else np.inf
    value, gradient, second = problem.expand(theta, delta)
    assert value == pytest.approx(problem.value(theta, delta))
    for p in range(5):
        step = np.zeros(5)
        step[p] = 1e-6
        up, down = (problem.expand(theta + sign * step, delta) for sign in (1, -1))
        assert gradient[:, p] == pytest.approx((up[0] - down[0]) / 2e-6, rel=1e-5, abs=1e-7)
        if objective != "huber":  # the Huber curvature carries a ridge beyond the corner
            assert second[:, p] == pytest.approx((up[1] - down[1]) / 2e-6, rel=1e-4, abs=1e-5)


def test_entries_that_are_held_stay_where_they_are():
    problem = problem_of()
    starts = LAW.starts()[:6].copy()
    starts[:, 3] = 0.4
    solved = minimise(problem, starts, held=(3,))
    assert (solved.theta_SP[:, 3] == 0.4).all()
    near = minimise_near(problem, solved.theta_SP[0], 1, held=(3,))
    assert near.theta_SP[0, 3] == 0.4 and near.value_S[0] == pytest.approx(solved.value_S[0], rel=1e-9)


def test_a_penalty_finds_the_constrained_optimum():
    problem = problem_of(objective="log-mse")
    held = LAW.starts()[60].copy()
    held[3] = 0.5
    fixed = minimise(problem, held[None], held=(3,))

    def alpha(theta: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return theta[:, 3], np.tile(np.eye(5)[3], (len(theta), 1))

    penalty = Penalty(alpha, np.array([0]), np.array([0.5]), np.array([1e8]))
    pulled = minimise(
        Problem(LAW, problem.objective, problem.x_MF, problem.y_SM, problem.w_SM, penalty), fixed.theta_SP
    )
    assert pulled.theta_SP[0] == pytest.approx(fixed.theta_SP[0], abs=1e-4)


def test_weights_count_as_rows_seen_so_often():
    problem = problem_of(0.02)
    counts = np.random.default_rng(1).integers(1, 4, 30)
    weighted = Problem(LAW, problem.objective, problem.x_MF, problem.y_SM, counts[None].astype(float))
    repeated = Problem(
        LAW, problem.objective, np.repeat(problem.x_MF, counts, axis=0),
        np.repeat(problem.y_SM, counts, axis=1), np.ones((1, counts.sum())),
    )  # fmt: skip
    one, other = (minimise(each, LAW.starts()[::7]) for each in (weighted, repeated))
    assert one.value_S.min() == pytest.approx(other.value_S.min(), rel=1e-10)
