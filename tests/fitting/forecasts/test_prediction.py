"""Intervals of a new run: against the textbook's for a linear regression, and against runs that came."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from tests.fitting.designs import isoflop, loss_of
from workbench.fitting import Fit, allocate, fit
from workbench.fitting.forecasts.prediction import Prediction, of_extremes, prediction_interval


def test_of_a_straight_line_they_are_the_textbook_s():
    rng = np.random.default_rng(0)
    n = np.geomspace(1e4, 1e7, 12)
    table = pd.DataFrame({"n": n, "loss": np.exp(2 - 0.08 * np.log(n) + 0.02 * rng.standard_normal(12))})
    found = fit(table, "kaplan-n", objective="log-mse", resamples=4000, intervals="residuals")
    x, y, new = np.log(n), np.log(table["loss"].to_numpy()), np.log(1e9)
    design = np.column_stack([np.ones(12), x])
    beta, *_ = np.linalg.lstsq(design, y, rcond=None)
    sigma = np.sqrt(((y - design @ beta) ** 2).sum() / 10)
    row = np.array([1, new])
    half = student.ppf(0.975, 10) * sigma * np.sqrt(1 + row @ np.linalg.inv(design.T @ design) @ row)
    low, high = prediction_interval(found, n=1e9)
    assert np.log(low[0]) == pytest.approx(row @ beta - half, abs=0.06 * half)
    assert np.log(high[0]) == pytest.approx(row @ beta + half, abs=0.06 * half)


def test_they_cover_new_runs_and_the_law_s_own_intervals_do_not():
    inside, of_law, many = 0, 0, 24
    rng = np.random.default_rng(1)
    for seed in range(many):
        found = fit(isoflop(0.01, seed=seed, sizes=5), objective="log-mse", resamples=200)
        run = float(loss_of(np.array([3e5]), np.array([2e7]))[0] * np.exp(0.01 * rng.standard_normal()))
        (low,), (high,) = prediction_interval(found, n=3e5, d=2e7)
        inside += low <= run <= high
        (low,), (high,) = found.predict_interval(n=3e5, d=2e7)
        of_law += low <= run <= high
    assert inside >= 0.85 * many > of_law


def test_a_run_outside_the_range_is_never_taken_to_be_less_noisy_than_the_average():
    table = isoflop(sizes=12)
    rng = np.random.default_rng(2)
    # Noise that falls with compute, steeply enough for the test to see it.
    table["loss"] *= np.exp(0.03 * (table["c"] / 1e11) ** -0.5 * rng.choice([-1, 1], len(table)))
    found = Prediction.of(fit(table, objective="log-mse", resamples=0))
    assert found is not None and found.noise.slopes_F
    average = found.noise.variance**0.5
    n, d = table[["n", "d"]].iloc[-6]
    assert found.sigma(n=n, d=d)[0] < average
    assert found.sigma(n=100 * n, d=100 * d)[0] == pytest.approx(average)


def test_without_draws_or_residuals_there_are_none():
    found = fit(isoflop(0.002), resamples=0)
    assert np.isnan(prediction_interval(found, n=1e6, d=1e8)).all()
    assert np.isnan(prediction_interval(Fit.from_dict(found.to_dict()), n=1e6, d=1e8)).all()


def test_one_number_stands_for_all_points_that_are_asked_of():
    found = fit(isoflop(0.005, seed=1), resamples=100)
    low, high = prediction_interval(found, n=1e6, d=[1e8, 2e8])
    each = [prediction_interval(found, n=1e6, d=d) for d in (1e8, 2e8)]
    assert low == pytest.approx([ends[0][0] for ends in each]) and high == pytest.approx([ends[1][0] for ends in each])
    assert np.isnan(prediction_interval(fit(isoflop(), resamples=0), n=1e6, d=[1e8, 2e8])).shape == (2, 2)
    grouped = pd.concat([isoflop(0.002, seed).assign(group=name) for seed, name in enumerate("ab")], ignore_index=True)
    family = fit(grouped, law="family", resamples=50)
    assert prediction_interval(family, n=[1e6, 2e6], d=1e8, group="a")[0].shape == (2,)


def test_of_the_edge_of_a_region_the_range_is_read_and_gives_the_textbook_s_interval():
    rng = np.random.default_rng(0)
    n = np.geomspace(1e4, 1e7, 12)
    table = pd.DataFrame({"n": n, "loss": np.exp(2 - 0.08 * np.log(n) + 0.02 * rng.standard_normal(12))})
    found = fit(table, "kaplan-n", objective="log-mse", resamples=100, intervals="profile")
    assert of_extremes(found) and of_extremes(Fit.from_dict(found.to_dict()))
    x, y, new = np.log(n), np.log(table["loss"].to_numpy()), np.log(1e9)
    design = np.column_stack([np.ones(12), x])
    beta, *_ = np.linalg.lstsq(design, y, rcond=None)
    sigma = np.sqrt(((y - design @ beta) ** 2).sum() / 10)
    row = np.array([1, new])
    half = student.ppf(0.975, 10) * sigma * np.sqrt(1 + row @ np.linalg.inv(design.T @ design) @ row)
    low, high = prediction_interval(found, n=1e9)
    assert np.log(low[0]) == pytest.approx(row @ beta - half, abs=0.03 * half)
    assert np.log(high[0]) == pytest.approx(row @ beta + half, abs=0.03 * half)


def test_many_points_are_taken_in_blocks_with_the_same_result(monkeypatch):
    found = fit(isoflop(0.005, seed=1), resamples=50)
    d = np.geomspace(1e7, 1e9, 11)
    whole = prediction_interval(found, n=1e6, d=d)
    monkeypatch.setattr("workbench.fitting.forecasts.prediction.CELLS", 200)
    assert np.array(prediction_interval(found, n=1e6, d=d)) == pytest.approx(np.array(whole))


def test_a_run_is_never_surer_than_the_law():
    found = fit(isoflop(0.002, seed=1), resamples=200, intervals="residuals")
    # Half of the draws lie together at one end, as where a parameter rests at its bound.
    lumpy = found.resample_params.copy()
    lumpy[:100] = lumpy[np.argmin(lumpy[:, 0])]
    found = replace(found, resample_params=lumpy)
    n, d = np.geomspace(1e5, 1e10, 6), np.geomspace(1e7, 1e12, 6)
    of_run, of_law = prediction_interval(found, n=n, d=d), found.predict_interval(n=n, d=d)
    assert (of_run[0] <= of_law[0] * (1 + 1e-6)).all() and (of_run[1] >= of_law[1] * (1 - 1e-6)).all()


@pytest.mark.parametrize("intervals", ["residuals", "profile"])
@pytest.mark.parametrize("seed", range(3))
def test_the_interval_of_one_run_contains_that_of_the_least_loss_far_beyond_the_runs(intervals, seed):
    found = fit(isoflop(0.02, seed=seed, sizes=4), objective="log-mse", resamples=200, intervals=intervals)
    for beyond in (1e12, 1e14, 1e16):
        best = allocate(found, beyond)
        (law_low, law_high), (low, high) = best.intervals["loss"], best.intervals["run"]
        assert low < law_low < law_high < high
        (at_low,), (at_high,) = prediction_interval(found, n=best.n, d=best.d)
        assert low <= at_low and at_high <= high
