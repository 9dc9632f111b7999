"""The threshold curve against its formula."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fitting.laws import checks
from workbench.errors import BadInput
from workbench.fitting import fit
from workbench.fitting.laws.threshold import Threshold

N = np.geomspace(1e5, 1e9, 24)


def rise(n, floor=0.1):
    return floor + (0.85 - floor) / (1 + np.exp(-(np.log(n) - np.log(8e6)) / 0.7))


TRUTH = {"N_c": 8e6, "width": 0.7, "floor": 0.1, "ceiling": 0.85}
FREE = checks.Case(Threshold(), TRUTH, {"n": N}, lambda n: rise(n), units=("n",))
HELD = checks.Case(Threshold(floor=0.25), {**TRUTH, "floor": 0.25}, {"n": N}, lambda n: rise(n, 0.25), units=("n",))
CASES = {"floor fitted": FREE, "floor at chance": HELD}
# Where floor and rise pass 1 together the ceiling is cut, so that the reader's curve differs from the solver's.
ALL = [check for check in checks.EACH if check is not checks.solver_and_reader_see_the_same_law]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", ALL, ids=lambda check: check.__name__)
def test_the_law(check, case):
    check(case)


def test_solver_and_reader_see_the_same_law_below_the_ceiling():
    theta_SP = np.array([[0.3, np.log(0.4), 0.1, 0.6], [-2.0, 0.2, 0.0, 1.0]])
    problem, x_centre_F, _ = FREE.problem()
    params = {name: value[:, None] for name, value in FREE.law.to_params(theta_SP, x_centre_F, 0.0).items()}
    assert FREE.law.predict(params, n=N) == pytest.approx(FREE.law.evaluate(theta_SP, problem.x_MF), rel=1e-12)


def test_floor_and_rise_are_linear_given_the_bend():
    checks.amplitudes_are_linear_given_the_rest(FREE)


def test_a_fixed_floor_leaves_nothing_to_separate():
    assert HELD.law.separable(np.zeros((1, 2)), np.zeros((3, 1))) is None


def test_the_setting_is_the_range_of_sizes_and_the_chance_of_the_table():
    table = pd.DataFrame({"n": [1e4, 1e6], "value": [0.3, 0.9], "chance": [0.25, 0.25]})
    law = Threshold().configured(**Threshold.setting_of(table))
    (low, high), _, floor, _ = law.theta_bounds
    assert (low, high) == pytest.approx((-np.log(100), np.log(100))) and floor == (0.25, 0.25)
    again = law.configured()
    assert again.theta_bounds == law.theta_bounds


def test_without_chance_the_floor_is_free():
    law = Threshold().configured(**Threshold.setting_of(pd.DataFrame({"n_non_embedding": [1e4, 1e6]})))
    assert law.theta_bounds[2] == (0.0, 1.0)


@pytest.mark.parametrize(
    ("chance", "message"), [([0.2, 0.3], "chance is 0.2 and 0.3"), ([1.0, 1.0], "chance is 1; it must be at least 0")]
)
def test_a_chance_that_is_none_is_refused(chance, message):
    with pytest.raises(BadInput, match=message):
        Threshold().configured(**Threshold.setting_of(pd.DataFrame({"n": [1e4, 1e6], "chance": chance})))


def test_a_metric_that_is_no_share_is_refused():
    with pytest.raises(BadInput, match="value is 55; a threshold is fitted to a share"):
        fit(pd.DataFrame({"n": N, "value": np.linspace(10, 55, len(N))[::-1]}), "threshold")


def test_the_threshold_is_fitted_like_any_law():
    found = fit(pd.DataFrame({"n": N, "value": rise(N)}), "threshold", "log-mse", resamples=0)
    assert found.params == pytest.approx(TRUTH, rel=1e-3)
    assert found.predict(n=8e6) == pytest.approx((0.1 + 0.85) / 2)


@settings(max_examples=3, deadline=None, derandomize=True)
@given(exponent=st.floats(-9, 9), seed=st.integers(0, 99))
def test_neither_units_nor_order_matter(exponent, seed):
    checks.units_do_not_matter(FREE, 10**exponent)
    checks.the_order_of_rows_does_not_matter(FREE, seed)
