"""The best rate and batch against Step Law as published."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fitting.laws import checks
from workbench.fitting.laws.hyperparameters import BestBatch, BestRate

N, D = (grid.ravel() for grid in np.meshgrid([6e7, 2.5e8, 1e9], [2e9, 1e10, 1e11]))
RATE = checks.Case(
    BestRate(),
    BestRate.published,
    {"n": N, "d": D},
    lambda n, d: 1.79 * n**-0.713 * d**0.307,
    units=("n", "d"),
)
BATCH = checks.Case(BestBatch(), BestBatch.published, {"d": D}, lambda d: 0.58 * d**0.571, units=("d",))
CASES = {"rate": RATE, "batch": BATCH}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", checks.EACH, ids=lambda check: check.__name__)
def test_the_law(check, case):
    check(case)


def test_the_published_constants_give_plausible_settings():
    rate = RATE.law.predict(BestRate.published, n=np.array([1e9]), d=np.array([1e11]))
    batch = BATCH.law.predict(BestBatch.published, d=np.array([1e11]))
    assert rate == pytest.approx(1.79 * 1e9**-0.713 * 1e11**0.307) and 1e-4 < rate[0] < 1e-2
    assert batch == pytest.approx(0.58 * 1e11**0.571) and 5e5 < batch[0] < 4e6


@settings(max_examples=5, deadline=None, derandomize=True)
@given(exponent=st.floats(-9, 9), seed=st.integers(0, 99))
def test_neither_units_nor_order_matter(exponent, seed):
    for case in CASES.values():
        checks.units_do_not_matter(case, 10**exponent)
        checks.the_order_of_rows_does_not_matter(case, seed)
