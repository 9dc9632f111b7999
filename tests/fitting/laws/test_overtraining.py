"""Over-training and downstream error against Gadre et al.'s formulas, with their constants for C4."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fitting.laws import checks
from workbench.fitting.laws.chinchilla import ChinchillaTied
from workbench.fitting.laws.overtraining import DownstreamError, OverTraining

N, M = (grid.ravel() for grid in np.meshgrid([1.1e7, 8e7, 1.5e8, 4e8], [5.0, 20.0, 80.0, 320.0, 640.0]))


def loss(n, d):
    c, m = 6 * n * d, d / n
    return 1.51 + (141 * m**0.121 + 190 * m**-0.121) * c**-0.121


TRAINED = checks.Case(
    OverTraining(),
    {"E": 1.51, "a": 141.0, "b": 190.0, "eta": 0.121},
    {"n": N, "d": N * M},
    loss,
    units=("n", "d"),
)
ERROR = checks.Case(
    DownstreamError(),
    {"epsilon": 0.850, "k": 2.08, "gamma": 0.756},
    {"loss": np.linspace(2.2, 5.5, 14)},
    lambda loss: 0.850 - 2.08 * np.exp(-0.756 * loss),
)
CASES = {"over-training": TRAINED, "downstream error": ERROR}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", checks.EACH, ids=lambda check: check.__name__)
def test_the_law(check, case):
    check(case)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_truth_is_recovered_to_five_digits(case):
    checks.the_truth_is_recovered(case, rel=1e-5)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_amplitudes_are_linear_given_the_rest(case):
    checks.amplitudes_are_linear_given_the_rest(case)


def test_over_training_is_chinchillas_law_with_one_exponent():
    a, b = 141 * 6**-0.121, 190 * 6**-0.121
    same = {"E": 1.51, "A": a, "B": b, "alpha": 0.242}
    assert ChinchillaTied().predict(same, **TRAINED.columns) == pytest.approx(TRAINED.response, rel=1e-12)
    ln_a, alpha, ln_b, beta = TRAINED.law.balance({name: np.array([value]) for name, value in TRAINED.params.items()})
    assert [np.exp(ln_a)[0], alpha[0], np.exp(ln_b)[0], beta[0]] == pytest.approx([a, 0.242, b, 0.242])


def test_the_best_multiplier_has_the_least_loss_at_its_compute():
    (best,) = TRAINED.law.derived({name: np.array([value]) for name, value in TRAINED.params.items()})["M_opt"]
    m = np.append(best, best * np.geomspace(0.5, 2, 9))
    n = np.sqrt(1e20 / (6 * m))
    assert TRAINED.law.predict(TRAINED.params, n=n, d=n * m).argmin() in (0, 5)


def test_a_robust_objective_finds_the_same_errors():
    wrong = ERROR.response.copy()
    wrong[3] += 0.1
    params, _ = checks.solved(ERROR, "lad", wrong)
    assert params == pytest.approx(ERROR.params, rel=1e-4)


@settings(max_examples=3, deadline=None, derandomize=True)
@given(exponent=st.floats(-9, 9), seed=st.integers(0, 99))
def test_neither_units_nor_order_matter(exponent, seed):
    checks.units_do_not_matter(replace(TRAINED, units=("n",)), 10**exponent, noise=0.002)
    checks.units_do_not_matter(replace(TRAINED, units=("d",)), 10**exponent, noise=0.002)
    for case in CASES.values():
        checks.the_order_of_rows_does_not_matter(case, seed)
