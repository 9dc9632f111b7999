"""The ladder of nested laws on simulated groups: what it says of what they share, and F and p by their definition."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from tests.benchmarks.group_truths import GROUPS, Truth
from workbench.fitting import fit
from workbench.fitting.groups.nested import SEPARATE, WORDS, ladder


@pytest.fixture(scope="module")
def alike():
    return ladder(Truth().draw(np.random.default_rng(1)), GROUPS)


def test_each_law_has_more_parameters_and_misses_less(alike):
    assert [step.law for step in alike.steps] == list(WORDS)
    assert [step.free for step in alike.steps] == [5, 6, 7, 8, 10]
    rms = [step.rms for step in alike.steps]
    assert all(more <= less * (1 + 1e-9) for less, more in pairwise(rms))


def test_f_is_that_of_the_sums_of_squares(alike):
    table = Truth().draw(np.random.default_rng(1))
    parts = [fit(table[table["group"] == group], "chinchilla", "log-mse", resamples=0) for group in GROUPS]
    full = sum(float((one.residuals["residual"] ** 2).sum()) for one in parts)
    shared = fit(table, "shared-exponents", "log-mse", resamples=0)
    restricted = float((shared.residuals["residual"] ** 2).sum())
    expected = (restricted - full) / 3 / (full / 40)
    step = alike.get("shared-exponents")
    assert step.f == pytest.approx(expected, rel=1e-3)
    assert step.p == pytest.approx(stats.f.sf(expected, 3, 40), rel=1e-3)


def test_groups_that_share_all_but_a_multiplier_are_so_judged(alike):
    assert alike.get("chinchilla").p < 1e-6
    assert alike.get("family").p > 0.05
    assert alike.best.law in ("family", "shared-exponents") and alike.units == "model sizes"
    assert alike.get("family").behind < 2 * alike.get("family").behind_se + 1e-9
    assert alike.get(SEPARATE).behind > 0 and alike.get("chinchilla").behind > 20


def test_another_exponent_is_found():
    found = ladder(Truth(alpha=0.45).draw(np.random.default_rng(1)), GROUPS)
    shared = found.get("shared-exponents-corpora")
    assert shared is not None and shared.p < 1e-3
    assert found.best is not None and found.best.law == SEPARATE


def test_groups_too_small_for_a_law_of_their_own_get_no_test():
    table = Truth(budgets=2, sizes=2).draw(np.random.default_rng(0))
    found = ladder(table, GROUPS)
    assert "parameters" in found.reason and found.get(SEPARATE) is None
    assert all(np.isnan(step.p) for step in found.steps)
