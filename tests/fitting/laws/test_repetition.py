"""Repeated data against Muennighoff et al.'s formula, and their published objective on their own runs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fitting.laws import checks
from workbench.fitting.laws.chinchilla import Chinchilla
from workbench.fitting.laws.repetition import DataConstrained
from workbench.fitting.solving.certify import certify

C4 = {"E": np.exp(0.6254804), "A": np.exp(6.255414), "B": np.exp(7.3049974), "alpha": 0.3526596, "beta": 0.3526596}
"""Their constants for C4, of runs that repeat nothing."""

TRUTH = {"E": 1.9, "A": 500.0, "B": 1500.0, "alpha": 0.35, "beta": 0.37, "R_N": 5.3, "R_D": 15.4}


def loss(n, d, u):
    g = (0.35 * 500 / (0.37 * 1500)) ** (1 / (0.35 + 0.37))
    u_d = np.minimum(u, d)
    u_n = np.minimum(g * (g * u_d) ** (0.37 / 0.35), n)
    r_d, r_n = d / u_d - 1, n / u_n - 1
    d_effective = u_d + u_d * 15.4 * (1 - np.exp(-r_d / 15.4))
    n_effective = u_n + u_n * 5.3 * (1 - np.exp(-r_n / 5.3))
    return 1.9 + 500 / n_effective**0.35 + 1500 / d_effective**0.37


SIZES, EPOCHS, UNIQUE = [7e6, 4e7, 2e8, 2e9], [0.5, 1.0, 4.0, 15.0, 60.0], [1e8, 8e8, 6e9]
N, EPOCH, U = (grid.ravel() for grid in np.meshgrid(SIZES, EPOCHS, UNIQUE))
REPEATED = checks.Case(DataConstrained(), TRUTH, {"n": N, "d": U * EPOCH, "u": U}, loss)


@pytest.fixture(scope="module")
def runs(shared_data) -> tuple[checks.Case, np.ndarray]:
    """The 182 runs of the published fit, and their losses."""
    table = pd.read_csv(shared_data / "muennighoff_182.csv")
    columns = {"n": table["params"], "d": table["tokens"], "u": table["unique_tokens"]}
    arrays = {name: values.to_numpy(dtype=np.float64) for name, values in columns.items()}
    case = checks.Case(DataConstrained(), {}, arrays, loss)
    return case, table["loss"].to_numpy(dtype=np.float64)


@pytest.mark.parametrize("check", checks.EACH, ids=lambda check: check.__name__)
def test_the_law(check):
    check(REPEATED)


def test_the_truth_is_recovered_to_five_digits():
    checks.the_truth_is_recovered(REPEATED, rel=1e-5)


def test_without_repetition_and_excess_it_is_chinchilla():
    n, d = np.array([1e7, 5e7]), np.array([5e9, 2e10])
    plain = {name: TRUTH[name] for name in ("E", "A", "B", "alpha", "beta")}
    expected = Chinchilla().predict(plain, n=n, d=d)
    for unique in (d, 10 * d):
        assert DataConstrained().predict(TRUTH, n=n, d=d, u=unique) == pytest.approx(expected)


def test_the_jacobian_is_continuous_where_the_model_is_as_large_as_the_data_can_fill():
    _, centre_F, level = REPEATED.problem()
    theta_1P = REPEATED.law.from_params(TRUTH, centre_F, level)[None]
    ln_n_opt = (np.log(0.35 * 500 / (0.37 * 1500)) + 0.37 * np.log(1e9)) / 0.35
    columns = {"n": np.exp(ln_n_opt + np.array([-1e-7, 1e-7])), "d": np.full(2, 4e9), "u": np.full(2, 1e9)}
    _, j_1PM = REPEATED.law.jacobian(theta_1P, REPEATED.law.features(columns) - centre_F)
    assert j_1PM[:, :, 0] == pytest.approx(j_1PM[:, :, 1], abs=1e-6)


def test_the_published_objective_is_the_sum_of_huber_over_log_residuals(runs):
    case, measured_M = runs
    problem, centre_F, level = case.problem("huber", measured_M)
    published, lower = (
        problem.law.from_params({**C4, "R_N": r_n, "R_D": r_d}, centre_F, level)
        for r_n, r_d in ((5.309743, 15.387756), (1.706, 95.4))
    )
    value_S = problem.objective.value(problem.residuals(np.stack([published, lower])), problem.w_SM)
    assert value_S == pytest.approx([0.01582594, 0.01580466], abs=5e-9)


def test_with_the_published_constants_held_the_certificate_finds_a_lower_basin_than_the_published_pair(runs):
    case, measured_M = runs
    problem, centre_F, level = case.problem("huber", measured_M)
    start_P = case.law.from_params({**C4, "R_N": 5.3, "R_D": 15.4}, centre_F, level)
    found = certify(problem, held=(0, 1, 2, 3, 4), start_P=start_P)
    assert found.values_B[0] <= 0.01580466 + 5e-9
    assert found.basins_BP[0, :5] == pytest.approx(start_P[:5])
    within_B = found.values_B <= found.values_B[0] * 1.002
    assert within_B.sum() > 1, "R_D* is practically unidentified: several basins are as good"


@settings(max_examples=3, deadline=None, derandomize=True)
@given(exponent=st.floats(-9, 9), seed=st.integers(0, 99))
def test_neither_units_nor_order_matter(exponent, seed):
    few = REPEATED.taken(np.random.default_rng(5).permutation(len(N))[:24])
    for units in (("n",), ("d", "u")):
        checks.units_do_not_matter(replace(few, units=units), 10**exponent, noise=0.002)
    checks.the_order_of_rows_does_not_matter(few, seed)
