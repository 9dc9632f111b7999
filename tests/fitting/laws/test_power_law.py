"""One power with an irreducible loss, against its formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fitting.laws import checks
from workbench.fitting.laws.power_law import PowerC, PowerD, PowerN

CASES = {
    "size": checks.Case(
        PowerN(),
        {"E": 1.9, "A": 110.0, "alpha": 0.31},
        {"n": np.geomspace(1e6, 3e9, 9)},
        lambda n: 1.9 + 110 * n**-0.31,
        units=("n",),
    ),
    "data": checks.Case(
        PowerD(),
        {"E": 2.2, "A": 900.0, "alpha": 0.4},
        {"d": np.geomspace(1e7, 1e11, 9)},
        lambda d: 2.2 + 900 / d**0.4,
        units=("d",),
    ),
    "compute": checks.Case(
        PowerC(),
        {"E": 1.6, "A": 2500.0, "alpha": 0.17},
        {"c": np.geomspace(1e16, 1e22, 11)},
        lambda c: 1.6 + 2500 * c**-0.17,
        units=("c",),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", checks.EACH, ids=lambda check: check.__name__)
def test_the_law(check, case):
    check(case)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_truth_is_recovered_to_five_digits(case):
    checks.the_truth_is_recovered(case, rel=1e-5)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_amplitudes_are_linear_given_the_exponent(case):
    checks.amplitudes_are_linear_given_the_rest(case)


@settings(max_examples=3, deadline=None, derandomize=True)
@given(exponent=st.floats(-9, 9), seed=st.integers(0, 99))
def test_neither_units_nor_order_matter(exponent, seed):
    for case in CASES.values():
        checks.units_do_not_matter(case, 10**exponent, noise=0.003)
        checks.the_order_of_rows_does_not_matter(case, seed)
