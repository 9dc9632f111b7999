"""The compute for a loss against a search over sizes, the ratio of groups against the one they were made with."""

import numpy as np
import pandas as pd
import pytest

from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.groups.costs import costs
from workbench.fitting.groups.frontiers import Frontier, times

SHARED = {"alpha": 0.34, "beta": 0.28}


def frontier(e: float, a: float, b: float, cost: Cost | None = None, rows: int = 1) -> Frontier:
    params = {"E": e, "A": a, "B": b, **SHARED}
    return Frontier({name: np.full(rows, float(value)) for name, value in params.items()}, cost or Cost())


@pytest.mark.parametrize("cost", [Cost(), Cost(8.0, -0.08)])
def test_the_frontier_is_the_least_loss_over_sizes(cost):
    n = np.geomspace(1e4, 1e13, 400_001)
    for flops in (1e18, 1e22):
        brute = (1.7 + 400 / n**0.34 + 410 / cost_tokens(cost, n, flops) ** 0.28).min()
        assert frontier(1.7, 400, 410, cost).loss(np.array([flops]))[0, 0] == pytest.approx(brute, rel=1e-9)


def cost_tokens(cost: Cost, n: np.ndarray, flops: float) -> np.ndarray:
    return flops / (cost.k * n ** (1 + cost.tilt))


def test_compute_is_the_inverse_of_the_loss():
    one = frontier(1.7, 400, 410, Cost(8.0, -0.08))
    flops = np.geomspace(1e16, 1e24, 9)
    assert np.exp(one.log_compute(one.loss(flops)[0])[0]) == pytest.approx(flops, rel=1e-9)


def test_of_one_irreducible_loss_the_ratio_is_the_same_at_every_loss_and_holds_the_price():
    mine, theirs = frontier(1.7, 300, 450, Cost(9.0)), frontier(1.7, 400, 410, Cost(6.0))
    expected = 9 / 6 * (300 / 400) ** (1 / 0.34) * (450 / 410) ** (1 / 0.28)
    found = [one.value for one in times(mine, theirs, np.array([3.5, 2.5, 1.9]), 0.025)]
    assert found == pytest.approx([expected] * 3, rel=1e-9)


def test_a_loss_below_the_irreducible_one_takes_infinite_compute():
    low, high = frontier(1.7, 400, 410), frontier(2.0, 400, 410)
    assert times(high, low, np.array([1.9]), 0.025)[0].value == np.inf
    assert times(low, high, np.array([1.9]), 0.025)[0].value == 0


def test_the_interval_is_of_the_draws():
    reference, group = frontier(1.7, 400, 410, rows=101), frontier(1.7, 400, 410, rows=101)
    group.params["A"][1:] = 400 * np.exp(np.linspace(-0.1, 0.1, 100))
    found = times(group, reference, np.array([2.5]), 0.25)[0]
    ends = np.exp(np.quantile(np.linspace(-0.1, 0.1, 100), [0.25, 0.75]) / 0.34)
    assert found.value == pytest.approx(1) and found.interval == pytest.approx(tuple(ends), rel=1e-3)


def table(k: dict[str, float], tilt: float) -> pd.DataFrame:
    n, d = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e4, 1e6, 5), np.geomspace(1e6, 1e8, 4)))
    parts = [pd.DataFrame({"n": n, "d": d, "c": own * n ** (1 + tilt) * d, "group": name}) for name, own in k.items()]
    return pd.concat(parts, ignore_index=True)


def test_groups_that_pay_alike_have_one_price_and_others_their_own():
    same = costs(table({"a": 7.0, "b": 7.03}, -0.05), ["a", "b"], "n")
    assert same["a"] == same["b"] and same["a"].tilt == pytest.approx(-0.05)
    apart = costs(table({"a": 7.0, "b": 9.1}, -0.05), ["a", "b"], "n")
    assert apart["b"].k / apart["a"].k == pytest.approx(1.3) and apart["a"].tilt == apart["b"].tilt
