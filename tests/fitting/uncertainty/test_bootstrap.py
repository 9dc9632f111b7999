"""What a resample sees, against what theory says of it; and how an interval is read off draws."""

import numpy as np
import pandas as pd
import pytest

from workbench.fitting.uncertainty.bootstrap import (
    case_resamples,
    clusters,
    many,
    percentile,
    replicated,
    residual_resamples,
    tail,
)


def test_cases_are_drawn_as_whole_clusters_and_as_often_as_there_are_clusters():
    cluster = np.array(["a", "a", "b", "c", "c", "c"])
    data = case_resamples(np.zeros(6), cluster, 2000, np.random.default_rng(0))
    weights = data.w_SM
    assert (weights[:, 0] == weights[:, 1]).all() and (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert data.n_units == 3
    # Each is missing from (1 − 1/3)³ of the resamples.
    assert (weights[:, 2] == 0).mean() == pytest.approx((2 / 3) ** 3, abs=0.04)


def test_residuals_have_the_unbiased_variance_and_the_weights_share_of_it():
    rng = np.random.default_rng(0)
    residual = rng.standard_normal(20)
    weight = np.r_[np.full(10, 4.0), np.full(10, 1.0)]
    data = residual_resamples(np.zeros(20), residual / np.sqrt(weight), 5, 20_000, rng, weight)
    assert data.free == 15
    variance = data.y_SM.var(axis=0)
    expected = (residual**2).sum() / 15 / weight
    np.testing.assert_allclose(variance, expected, rtol=0.06)


def test_the_points_a_robust_fit_meets_exactly_are_not_drawn():
    residual = np.r_[np.zeros(3), np.linspace(-1, 1, 10)]
    data = residual_resamples(np.zeros(13), residual, 3, 500, np.random.default_rng(0))
    assert (np.abs(data.y_SM) > 1e-6).all()


def test_without_residuals_nothing_is_drawn():
    data = residual_resamples(np.zeros(3), np.zeros(3), 3, 10, np.random.default_rng(0))
    assert np.isnan(data.y_SM).all() and "no residuals" in data.method


def test_student_tails_of_normal_draws_give_students_interval():
    from scipy.stats import norm, t

    share = tail(0.95, 6)
    assert norm.ppf(1 - share) == pytest.approx(t.ppf(0.975, 6))
    assert tail(0.9) == pytest.approx(0.05)
    draws = norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    assert percentile(draws, share) == pytest.approx((-t.ppf(0.975, 6), t.ppf(0.975, 6)), rel=1e-3)


def test_an_interval_of_too_few_draws_is_unknown():
    assert np.isnan(percentile(np.arange(19.0), 0.025)).all()
    assert percentile(np.r_[np.arange(20.0), np.nan], 0.0) == (0.0, 19.0)


def test_sweeps_are_large_from_a_hundred_clusters_and_replicated_where_most_have_two_runs():
    assert many(np.arange(100)) and not many(np.arange(99))
    assert replicated(np.repeat(np.arange(6), 2)) and not replicated(np.r_[np.arange(6), 0, 1, 2])
    assert list(clusters(pd.DataFrame({"cluster": ["x", "x", "y"]}))) == ["x", "x", "y"]
    assert list(clusters(pd.DataFrame({"n": [1.0, 2.0], "cluster": ["x", None]}))) == [0, 1]
