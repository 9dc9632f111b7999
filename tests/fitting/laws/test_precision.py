"""Laws of precision against Kumar et al.'s formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fitting.laws import checks
from workbench.errors import BadInput
from workbench.fitting.laws.precision import PostTrainingQuantisation, Precision

N, D, BITS = (
    grid.ravel() for grid in np.meshgrid([3e7, 6e7, 1.1e8, 2.2e8], [1.5e9, 6e9, 2.6e10], [3.0, 4.0, 6.0, 8.0, 16.0])
)
TRUTH = {"E": 2.7648, "A": 4299.0, "B": 18060.0, "alpha": 0.4965, "beta": 0.4526, "gamma": 2.6745}


def loss(n, d, bits, kinds):
    effective = n * (1 - np.exp(-bits / 2.6745)) ** kinds
    return 4299 / effective**0.4965 + 18060 / d**0.4526 + 2.7648


COLUMNS = {"n": N, "d": D, "bits": BITS}
ONE = checks.Case(Precision(), TRUTH, COLUMNS, lambda n, d, bits: loss(n, d, bits, 1), units=("n", "d"))
THREE = checks.Case(
    Precision().configured(kinds=3), TRUTH, COLUMNS, lambda n, d, bits: loss(n, d, bits, 3), units=("n", "d")
)
POST = checks.Case(
    PostTrainingQuantisation(),
    {"C_T": 0.0598, "gamma_D": 0.5068, "gamma_N": 0.3439, "gamma_post": 0.5907},
    COLUMNS,
    lambda n, d, bits: 0.0598 * d**0.5068 / n**0.3439 * np.exp(-bits / 0.5907),
    units=("n", "d"),
)
CASES = {"one kind": ONE, "three kinds": THREE, "after training": POST}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", checks.EACH, ids=lambda check: check.__name__)
def test_the_law(check, case):
    check(case)


def test_amplitudes_are_linear_given_exponents_and_gamma():
    checks.amplitudes_are_linear_given_the_rest(THREE)


def test_full_precision_is_chinchilla():
    exact = ONE.law.predict(TRUTH, n=N, d=D, bits=np.full(len(N), 1000.0))
    assert exact == pytest.approx(4299 / N**0.4965 + 18060 / D**0.4526 + 2.7648, rel=1e-12)


def test_the_allocation_at_one_precision_is_chinchillas():
    found = ONE.law.derived({name: np.array([value]) for name, value in TRUTH.items()})
    assert found["a"] == pytest.approx(0.4526 / (0.4965 + 0.4526))
    assert found["a"] + found["b"] == pytest.approx(1)


def test_a_fourth_kind_of_tensor_is_refused():
    with pytest.raises(BadInput, match="kinds is 4; there are three"):
        Precision().configured(kinds=4)


@settings(max_examples=2, deadline=None, derandomize=True)
@given(exponent=st.floats(-9, 9), seed=st.integers(0, 99))
def test_neither_units_nor_order_matter(exponent, seed):
    checks.units_do_not_matter(POST, 10**exponent)
    checks.the_order_of_rows_does_not_matter(POST, seed)
    checks.units_do_not_matter(ONE, 10**exponent, noise=0.001)
