"""Loss after S steps and critical batch against Kaplan et al.'s equations 1.4, 1.6 and 5.4, with their constants."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from tests.fitting.laws import checks
from workbench.fitting.laws.kaplan_steps import CriticalBatch, KaplanNS

N, S, BATCH = (
    grid.ravel() for grid in np.meshgrid([1e6, 1e7, 1e8, 1e9], [1e3, 5e3, 2.5e4, 1e5], [1.6e4, 1.3e5, 5e5, 4e6])
)


def loss(n, s, batch):
    """The loss at which both sides of eq. 1.6 agree, one run at a time."""

    def right(value, n, s, batch):
        s_min = s / (1 + 2e8 / value ** (1 / 0.21) / batch)
        return (6.5e13 / n) ** 0.077 + (2.1e3 / s_min) ** 0.76

    runs = zip(n, s, batch, strict=True)
    return np.array([brentq(lambda value, run=run: right(value, *run) - value, 0.1, 1e3, xtol=1e-14) for run in runs])


STEPS = checks.Case(
    KaplanNS(),
    {"alpha_N": 0.077, "alpha_S": 0.76, "N_c": 6.5e13, "S_c": 2.1e3, "B_star": 2e8, "alpha_B": 0.21},
    {"n": N, "s": S, "batch": BATCH},
    loss,
)
CRITICAL = checks.Case(
    CriticalBatch(),
    {"B_star": 2e8, "alpha_B": 0.21},
    {"loss": np.linspace(2.4, 6.0, 9)},
    lambda loss: 2e8 / loss ** (1 / 0.21),
    units=("loss",),
)
CASES = {"steps": STEPS, "critical batch": CRITICAL}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", checks.EACH, ids=lambda check: check.__name__)
def test_the_law(check, case):
    check(case)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_truth_is_recovered_to_five_digits(case):
    checks.the_truth_is_recovered(case, rel=1e-5)


def test_amplitudes_are_linear_given_the_exponent():
    checks.amplitudes_are_linear_given_the_rest(CRITICAL)


def test_large_batches_and_small_ones_need_least_steps_and_least_tokens():
    params, n, s = STEPS.params, np.array([1e8]), np.array([1e4])
    (many,) = KaplanNS().predict(params, n=n, s=s, batch=np.array([1e14]))
    assert many == pytest.approx((6.5e13 / 1e8) ** 0.077 + (2.1e3 / 1e4) ** 0.76, rel=1e-5)
    # Far below the critical batch the loss depends on the tokens seen alone.
    few = KaplanNS().predict(params, n=np.array([1e8, 1e8]), s=np.array([1e8, 2e8]), batch=np.array([1.0, 0.5]))
    assert few[0] == pytest.approx(few[1], rel=1e-5)


def test_newton_finds_the_loss_at_the_corners_of_the_bounds():
    low_P, high_P = KaplanNS().bounds_2P
    rng = np.random.default_rng(0)
    theta_SP = np.where(rng.random((64, 6)) < 0.5, low_P, high_P)
    x_MF = rng.normal(size=(20, 3)) * 4
    at = KaplanNS()._solved(theta_SP, x_MF)
    u, v, k, alpha_n, alpha_s, gamma = (theta_SP[:, i, None] for i in range(6))
    steps_SM = v - alpha_s * x_MF[:, 1] + alpha_s * np.logaddexp(0, k - x_MF[:, 2] - gamma * at["f"])
    right_SM = np.logaddexp(u - alpha_n * x_MF[:, 0], steps_SM)
    assert (right_SM - at["f"]) / at["slope"] == pytest.approx(0, abs=1e-12)


@settings(max_examples=3, deadline=None, derandomize=True)
@given(exponent=st.floats(-9, 9), seed=st.integers(0, 99))
def test_neither_units_nor_order_matter(exponent, seed):
    few = STEPS.taken(np.random.default_rng(5).permutation(len(N))[:24])
    for unit in few.columns:
        checks.units_do_not_matter(replace(few, units=(unit,)), 10**exponent, noise=0.003)
    checks.units_do_not_matter(CRITICAL, 10 ** (exponent / 9))
    for case in (few, CRITICAL):
        checks.the_order_of_rows_does_not_matter(case, seed)
