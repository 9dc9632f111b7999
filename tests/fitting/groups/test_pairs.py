"""Points of equal N and D against SciPy's paired t test."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.fitting.groups import pairs


def runs(group: str, points: list[tuple[float, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(points, columns=["n", "d", "loss"]).assign(group=group)


BEFORE = runs("a", [(1e5, 1e7, 4.0), (1e5, 1e7, 4.1), (2e5, 1e7, 3.8), (4e5, 2e7, 3.3), (9e5, 1e7, 3.0)])
AFTER = runs("b", [(1e5, 1.004e7, 3.9), (2e5, 1e7, 3.75), (4e5, 2e7, 3.2), (5e5, 1e7, 3.4)])
TABLE = pd.concat([BEFORE, AFTER], ignore_index=True)


def test_points_are_those_of_both_and_seeds_are_one_point():
    points = pairs.points(TABLE, "b", "a")
    assert points["n"].tolist() == [1e5, 2e5, 4e5]
    assert points["runs_ref"].tolist() == [2, 1, 1] and points["runs"].tolist() == [1, 1, 1]
    assert points["loss_ref"].iloc[0] == pytest.approx(np.sqrt(4.0 * 4.1))


def test_the_interval_is_that_of_a_paired_t_test():
    points = pairs.points(TABLE, "b", "a")
    found = pairs.compared(points, 0.9)
    expected = stats.ttest_rel(np.log(points["loss"]), np.log(points["loss_ref"])).confidence_interval(0.9)
    assert found.difference.interval == pytest.approx((expected.low, expected.high))
    assert found.times is None


def test_points_of_a_size_may_err_together():
    rng = np.random.default_rng(0)
    n = np.repeat([1e5, 2e5, 4e5, 8e5], 6)
    log = np.repeat([0.0, 0.03, -0.03, 0.01], 6) + 1e-4 * rng.standard_normal(24)
    points = pd.DataFrame({"n": n, "loss": 3 * np.exp(log), "loss_ref": 3.0, "difference": log})
    low, high = pairs.compared(points, 0.95).difference.interval
    alone = stats.t.interval(0.95, 23, log.mean(), stats.sem(log))
    sizes = log.reshape(4, 6).mean(axis=1)
    whole = stats.t.interval(0.95, 3, sizes.mean(), stats.sem(sizes))
    assert (low, high) == pytest.approx(whole, rel=1e-6) and high - low > 2 * (alone[1] - alone[0])


def test_in_compute_it_is_the_reducible_losses_by_gamma_and_the_price():
    points = pairs.points(TABLE, "b", "a")
    found = pairs.compared(points, 0.95, floor=1.5, gamma=0.2, cost=1.3)
    ratio = (points["loss"] - 1.5) / (points["loss_ref"] - 1.5)
    assert found.times is not None and found.times.value == pytest.approx(1.3 * float(stats.gmean(ratio)) ** 5)


def test_a_single_point_has_no_interval():
    found = pairs.compared(pairs.points(TABLE[TABLE["n"] == 2e5], "b", "a"), 0.95)
    assert np.isnan(found.difference.interval).all()
