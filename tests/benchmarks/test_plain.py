"""The yardsticks of the speed benchmark are right: formula, gradient, convergence; the published objective is met."""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from tests.benchmarks import plain
from tests.benchmarks.points import BESIROGLU, POINTS, chinchilla_table, simulated
from workbench.errors import BadInput

TRUE_5 = np.array([BESIROGLU[name] for name in ("E", "A", "B", "alpha", "beta")])


def theta_of(params_5: np.ndarray) -> np.ndarray:
    e, a, b, alpha, beta = params_5
    return np.array([np.log(a), np.log(b), np.log(e), alpha, beta])


@pytest.fixture(scope="module")
def data() -> plain.Data:
    points = plain.Data.of(simulated(60, seed=3))
    return points.weighted(np.random.default_rng(4).integers(0, 4, 60).astype(np.float64))


def test_the_gradient_is_that_of_the_value(data: plain.Data) -> None:
    theta_5 = theta_of(TRUE_5) + 0.01
    value, gradient_5 = plain.value_and_gradient(theta_5, data)
    assert value == pytest.approx(plain.value(theta_5, data), rel=1e-13)
    assert gradient_5 == pytest.approx(approx_fprime(theta_5, plain.value, 1e-8, data), rel=1e-4)


def test_the_formula_as_printed_agrees_with_the_log_sum_exp(data: plain.Data) -> None:
    theta_5 = theta_of(TRUE_5) + 0.02
    params_15 = plain.params_of(theta_5)[None]
    assert plain.values_of(params_15, data)[0] == pytest.approx(plain.value(theta_5, data), rel=1e-12)
    assert plain.values_of(params_15, data, data.w_M[None]) == pytest.approx(plain.values_of(params_15, data))


def test_centring_moves_theta_with_the_data(data: plain.Data) -> None:
    theta_5 = theta_of(TRUE_5)
    moved, moved_5 = plain.centred(data, theta_5)
    assert moved.ln_n_M.mean() == pytest.approx(0, abs=1e-12)
    assert plain.value(moved_5, moved) == pytest.approx(plain.value(theta_5, data), rel=1e-11)


def test_the_converged_fit_is_below_the_truth_and_at_a_minimum(data: plain.Data) -> None:
    start_5 = theta_of(TRUE_5)
    lowest = plain.converged(data, start_5)
    assert lowest < plain.value(start_5, data)
    assert lowest <= plain.one_start(start_5, data)[1] * (1 + 1e-12)
    # A start elsewhere ends in the same place.
    assert plain.converged(data, start_5 + np.array([1.0, -1.0, 0.1, 0.05, -0.05])) == pytest.approx(lowest, rel=1e-9)


def test_hoffmanns_grid_has_4500_starts() -> None:
    starts_S5 = plain.hoffmann_starts()
    assert starts_S5.shape == (4500, 5)
    assert len(np.unique(starts_S5, axis=0)) == 4500


def test_the_simulated_table_has_the_noise_of_the_published_one() -> None:
    points = plain.Data.of(simulated(20_000))
    e, a, b, alpha, beta = TRUE_5
    fitted_M = np.log(e + a * np.exp(-alpha * points.ln_n_M) + b * np.exp(-beta * points.ln_d_M))
    assert np.abs(points.y_M - fitted_M).mean() == pytest.approx(1.13 / POINTS, rel=0.03)


def test_the_published_table_has_the_published_objective(shared_data: Path) -> None:
    table, _ = chinchilla_table(shared_data / "chinchilla_svg.csv")
    assert len(table) == POINTS
    # 1.01827401780e-3 at Besiroglu's optimum; the parameters are given to seven digits.
    assert plain.values_of(TRUE_5[None], plain.Data.of(table))[0] == pytest.approx(1.01827401780e-3, rel=1e-8)


def test_a_table_without_the_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("params,loss\n1e8,3.0\n")
    with pytest.raises(BadInput, match=r"t\.csv has no column flops"):
        chinchilla_table(path)
