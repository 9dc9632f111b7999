"""The law of vocabularies against Tao et al.'s formula."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from tests.fitting.laws import checks
from workbench.fitting import fit
from workbench.fitting.laws.vocabulary import Vocabulary

SIZES, VOCABULARIES, TOKENS = [3.3e7, 8.5e7, 3e8, 1.1e9], [3e6, 1e7, 3e7, 1e8], [5e8, 3e9, 2e10]
NV, V, D = (grid.ravel() for grid in np.meshgrid(SIZES, VOCABULARIES, TOKENS))
TRUTH = {"E": 5.5, "A_1": 900.0, "A_2": 60000.0, "B": 5000.0, "alpha_1": 0.42, "alpha_2": 0.7, "beta": 0.45}
CASE = checks.Case(
    Vocabulary(),
    TRUTH,
    {"n": NV, "n_vocab": V, "d": D},
    lambda n, n_vocab, d: -5.5 + 900 / n**0.42 + 60000 / n_vocab**0.7 + 5000 / d**0.45,
    units=("n", "n_vocab", "d"),
)


@pytest.mark.parametrize("check", [*checks.EACH, checks.amplitudes_are_linear_given_the_rest], ids=lambda c: c.__name__)
def test_the_law(check):
    check(CASE)


def test_the_normalised_loss_may_be_negative():
    assert (CASE.response < 0).all() and not CASE.law.log_response


def test_gamma_is_the_growth_of_the_best_vocabulary():
    def best(compute: float) -> np.ndarray:
        def loss(ln: np.ndarray) -> float:
            n, v = np.exp(ln)
            return float(CASE.law.predict(TRUTH, n=n, n_vocab=v, d=compute / 6 / (n + v)))

        found = minimize(loss, np.log([1e8, 1e7]), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-15})
        return found.x

    (n0, v0), (n1, v1) = best(1e19), best(1e22)
    gamma = CASE.law.derived({name: np.array([value]) for name, value in TRUTH.items()})["gamma"][0]
    assert (v1 - v0) / (n1 - n0) == pytest.approx(gamma, rel=1e-4)


@settings(max_examples=3, deadline=None, derandomize=True)
@given(exponent=st.floats(-9, 9), seed=st.integers(0, 99))
def test_neither_units_nor_order_matter(exponent, seed):
    checks.units_do_not_matter(CASE, 10**exponent)
    checks.the_order_of_rows_does_not_matter(CASE, seed)


def test_a_table_with_both_counts_is_fitted_under_the_smaller():
    table = pd.DataFrame(
        {"n_params": NV + V, "n_non_embedding": NV, "n_vocab": V, "tokens": D, "loss_u": CASE.response}
    )
    found = fit(table, "vocabulary", "log-mse", convention="n_non_embedding", resamples=0)
    assert found.params == pytest.approx(TRUTH, rel=1e-3)
