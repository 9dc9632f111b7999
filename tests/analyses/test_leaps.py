"""Whether a leap survives in a continuous metric, against metrics whose rise is known."""

import numpy as np
import pandas as pd
import pytest

from workbench.analyses import leaps, thresholds
from workbench.analyses.leaps import Span
from workbench.fitting.record import Fit

SIZES = np.geomspace(1e4, 1e7, 12)


def metric(name: str, width: float, exponent: float = 1.0) -> pd.DataFrame:
    """A sigmoid in ln N of this width, to a power, with noise of one percent."""
    value = (0.02 + 0.96 / (1 + np.exp(-(np.log(SIZES) - np.log(2e5)) / width))) ** exponent
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(SIZES))
    frame = pd.DataFrame({"n": SIZES, "d": 1e6, "c": 6e6 * SIZES, "loss": 3.0, "value": (value + noise).clip(0, 1)})
    return frame.assign(metric=name, key="", run_id=range(len(SIZES)), items=400)


def said(*metrics: pd.DataFrame, beside: str = "token_probability") -> str:
    fitted = thresholds.fits(pd.concat(metrics, ignore_index=True), resamples=100)
    (sentence,) = leaps.sentences(fitted, beside)
    return sentence


def test_a_span_is_where_ten_to_ninety_percent_of_the_rise_is_done():
    fit = thresholds.fits(metric("exact_match", 0.5), resamples=0)["exact_match", ""]
    assert isinstance(fit, Fit)
    found = leaps.span(fit)
    rise = [0.1, 0.9]
    low, high = (fit.params["N_c"] * np.exp(fit.params["width"] * np.log(p / (1 - p))) for p in rise)
    assert found.value == pytest.approx(high / low)


def test_a_leap_of_the_tokens_themselves_survives():
    text = said(metric("exact_match", 0.2), metric("token_probability", 0.3))
    assert "the leap survives" in text
    assert "over a factor of 2." in text


def test_a_power_of_a_gradual_probability_leaps_and_does_not_survive():
    assert "does not survive" in said(metric("exact_match", 0.7, exponent=8), metric("token_probability", 0.7))


def test_a_gradual_exact_match_has_no_leap_to_explain():
    assert "no leap to explain" in said(metric("exact_match", 0.9), metric("token_probability", 0.9))


def test_intervals_that_reach_both_sides_leave_it_open():
    leap, open_, slope = Span(2, 1.5, 3), Span(9, 6, 14), Span(30, 20, 40)
    assert "at all is open" in leaps.verdict(open_, slope, "token_probability")
    assert "survives is open" in leaps.verdict(leap, open_, "token_probability")


def test_a_metric_that_never_rises_or_is_no_share_decides_nothing():
    flat = metric("exact_match", 0.3).assign(value=0.01)
    assert "cannot be said, for the curve of exact match" in said(flat, metric("token_probability", 0.3))
    nats = metric("answer_nll", 0.3).assign(value=2.5)
    text = said(metric("exact_match", 0.3), nats, beside="answer_nll")
    assert "the curve of the surprise per token is not determined. Value is 2.5" in text


def test_against_the_loss_nothing_is_judged():
    one = metric("exact_match", 0.2)
    falling = one.assign(loss=4.0 * (SIZES / SIZES[0]) ** -0.1)
    both = pd.concat([falling, falling.assign(metric="token_probability")])
    (text,) = leaps.sentences(thresholds.fits(both, resamples=50, x="loss"), "token_probability", "loss")
    assert "survive" not in text
    assert "of L" in text
