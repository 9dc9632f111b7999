"""Broken power laws against Caballero et al.'s formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fitting.laws import checks
from workbench.errors import BadInput
from workbench.fitting.laws.broken import BrokenC, BrokenD, BrokenN


def once(x):
    return 1.2 + 30 * x**-0.25 * (1 + (x / 3e6) ** (1 / 0.4)) ** (-0.3 * 0.4)


def twice(x):
    rise = (1 + (x / 3e5) ** (1 / 0.3)) ** (0.5 * 0.3)
    return 1.1 + 20 * x**-0.2 * rise * (1 + (x / 1e8) ** (1 / 0.5)) ** (-0.6 * 0.5)


ONE = {"a": 1.2, "b": 30.0, "c_0": 0.25, "c_1": 0.3, "d_1": 3e6, "f_1": 0.4}
TWO = {"a": 1.1, "b": 20.0, "c_0": 0.2, "c_1": -0.5, "d_1": 3e5, "f_1": 0.3, "c_2": 0.6, "d_2": 1e8, "f_2": 0.5}
X = np.geomspace(1e4, 1e10, 40)
CASES = {
    "size": checks.Case(BrokenN(), ONE, {"n": X}, lambda n: once(n), units=("n",)),
    "tokens": checks.Case(BrokenD(), ONE, {"d": X}, lambda d: once(d), units=("d",)),
    "compute, two bends": checks.Case(BrokenC().configured(breaks=2), TWO, {"c": X}, lambda c: twice(c), units=("c",)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", checks.EACH, ids=lambda check: check.__name__)
def test_the_law(check, case):
    check(case)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_limit_and_amplitude_are_linear_given_the_bends(case):
    checks.amplitudes_are_linear_given_the_rest(case)


def test_a_sharp_bend_joins_two_straight_pieces():
    params = {**ONE, "a": 0.0, "f_1": 0.02}
    x = np.array([1e4, 1e5, 1e8, 1e9])
    slopes = np.diff(np.log(CASES["size"].law.predict(params, n=x)))[[0, 2]] / np.log(10)
    assert slopes == pytest.approx([-0.25, -0.55], abs=1e-9)
    past = CASES["size"].law.derived({name: np.array([value]) for name, value in params.items()})
    assert past["exponent_past_1"] == pytest.approx([0.55])


def test_bends_are_named_in_the_order_of_their_places():
    case = CASES["compute, two bends"]
    swapped = {**TWO, **{f"{k}_{i}": TWO[f"{k}_{3 - i}"] for k in "cdf" for i in (1, 2)}}
    theta_P = case.law.from_params(swapped, np.array([15.0]), 0.3)
    back = case.law.to_params(theta_P[None], np.array([15.0]), 0.3)
    assert {name: float(value[0]) for name, value in back.items()} == pytest.approx(TWO)


@pytest.mark.parametrize("breaks", [0, 5])
def test_a_number_of_bends_that_no_table_determines_is_refused(breaks):
    with pytest.raises(BadInput, match=f"breaks is {breaks}; broken-n takes 1 to 4"):
        BrokenN().configured(breaks=breaks)


@settings(max_examples=2, deadline=None, derandomize=True)
@given(exponent=st.floats(-9, 9), seed=st.integers(0, 99))
def test_neither_units_nor_order_matter(exponent, seed):
    checks.units_do_not_matter(CASES["size"], 10**exponent, noise=0.001)
    checks.the_order_of_rows_does_not_matter(CASES["size"], seed)
