"""The loss along one run, against its formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fitting.laws import checks
from workbench.fitting.laws.learning_curve import LearningCurve

CURVE = checks.Case(
    LearningCurve(),
    {"E": 2.4, "B": 450.0, "beta": 0.33, "D_0": 3e7},
    {"d": np.geomspace(1e7, 2e10, 25)},
    lambda d: 2.4 + 450 / (d + 3e7) ** 0.33,
    units=("d",),
)


@pytest.mark.parametrize("check", checks.EACH, ids=lambda check: check.__name__)
def test_the_law(check):
    check(CURVE)


def test_the_truth_is_recovered_to_five_digits():
    checks.the_truth_is_recovered(CURVE, rel=1e-5)


def test_amplitudes_are_linear_given_exponent_and_shift():
    checks.amplitudes_are_linear_given_the_rest(CURVE)


def test_without_a_shift_it_is_a_power_of_tokens():
    params = {**CURVE.params, "D_0": 0.0}
    assert CURVE.law.predict(params, **CURVE.columns) == pytest.approx(2.4 + 450 / CURVE.columns["d"] ** 0.33)
    problem, centre_F, level = CURVE.problem()
    theta_P = CURVE.law.from_params(params, centre_F, level)
    assert CURVE.law.evaluate(theta_P[None], problem.x_MF)[0] + level == pytest.approx(
        np.log(2.4 + 450 / CURVE.columns["d"] ** 0.33), rel=1e-5
    )


@settings(max_examples=3, deadline=None, derandomize=True)
@given(exponent=st.floats(-9, 9), seed=st.integers(0, 99))
def test_neither_units_nor_order_matter(exponent, seed):
    checks.units_do_not_matter(CURVE, 10**exponent, noise=0.003)
    checks.the_order_of_rows_does_not_matter(CURVE, seed)
