"""The criterion and its searches, held against closed forms and brute force."""

import itertools

import numpy as np
import pytest

from workbench.fitting.design.criterion import Criterion, Limits, continuous, whole


def line(x_M):
    """A straight line known a little everywhere; the target is its slope."""
    rows = np.stack([np.ones_like(x_M), x_M], axis=1)[None]
    return Criterion(1e-6 * np.eye(2)[None], rows, np.array([[[0.0, 1.0]]]))


def random_criterion(n_candidates=7, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((4, n_candidates, 3))
    base = rng.standard_normal((4, 6, 3))
    return Criterion(np.swapaxes(base, 1, 2) @ base, rows, rng.standard_normal((4, 2, 3)))


def test_the_derivative_is_that_of_finite_differences():
    criterion = random_criterion()
    at = np.arange(7.0)
    value, g_M = criterion.derivative(at)
    assert value == pytest.approx(criterion.value(at))
    steps = [(criterion.value(at + 1e-6 * e) - criterion.value(at - 1e-6 * e)) / 2e-6 for e in np.eye(7)]
    np.testing.assert_allclose(-g_M, steps, rtol=1e-5)


def test_the_gain_of_a_run_is_the_difference_it_makes():
    criterion = random_criterion()
    at = np.array([0, 1, 0, 2, 0, 0, 1.0])
    brute = [criterion.value(at) - criterion.value(at + e) for e in np.eye(7)]
    np.testing.assert_allclose(criterion.gains(at), brute, rtol=1e-9, atol=1e-12)


def test_the_slope_of_a_line_is_told_from_its_ends_half_each():
    ideal_M, bound, _ = continuous(line(np.linspace(-1, 1, 21)), Limits(np.ones(21), 10, 100))
    assert ideal_M[[0, -1]] == pytest.approx([5, 5], rel=1e-2) and ideal_M[1:-1].max() < 0.1
    assert bound == pytest.approx(np.log(1 / 10), abs=1e-3)


def test_a_dearer_end_gets_fewer_runs_as_the_root_of_its_price():
    # The slope's variance is (1/k_1 + 1/k_2)/4; under k_1 c_1 + k_2 c_2 = B Lagrange gives k ∝ 1/√c.
    ideal_M, bound, _ = continuous(line(np.array([-1.0, 1.0])), Limits(np.array([1.0, 9.0]), 120, 10_000))
    assert ideal_M == pytest.approx([30, 10], rel=1e-2)
    assert bound == pytest.approx(np.log((1 / 30 + 1 / 10) / 4), abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_whole_runs_equal_the_best_of_all_enumerated(seed):
    criterion = random_criterion(5, seed)
    cost_M = np.array([1.0, 1.5, 2.0, 3.0, 4.0])
    limits = Limits(cost_M, 8, 4)
    ideal_M, bound, prices_2 = continuous(criterion, limits)
    found = whole(criterion, limits, ideal_M, prices_2)
    every = [np.array(k, dtype=float) for k in itertools.product(range(5), repeat=5)]
    feasible = [k for k in every if k @ cost_M <= 8 and k.sum() <= 4]
    best = min(criterion.value(k) for k in feasible)
    assert found @ cost_M <= 8 and found.sum() <= 4
    assert criterion.value(found) <= best + 0.02
    assert bound <= best + 1e-9 and criterion.value(ideal_M) <= best + 1e-3
