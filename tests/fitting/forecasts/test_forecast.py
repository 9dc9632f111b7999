"""Allocation against a numerical minimum, back-tests against the truth, forecasts as a person asks for them."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar

from tests.fitting.designs import isoflop, repeated
from workbench.errors import BadInput
from workbench.fitting import allocate, backtest, fit, forecast
from workbench.fitting.forecasts.backtests import backtests
from workbench.fitting.forecasts.comparison import compare
from workbench.fitting.forecasts.question import Question
from workbench.fitting.tables.canonical import canonical


@pytest.mark.parametrize("law", ["chinchilla", "kaplan-nd"])
def test_the_closed_form_is_the_minimum_at_fixed_compute(law):
    found = fit(isoflop(0.002), law, resamples=0)
    answer = allocate(found, 1e15)
    numeric = minimize_scalar(
        lambda ln_n: float(found.predict(n=np.exp(ln_n), d=1e15 / 6 / np.exp(ln_n))), bounds=(5, 25), method="bounded",
        options={"xatol": 1e-9},
    )  # fmt: skip
    assert answer.loss == pytest.approx(numeric.fun, rel=1e-10)
    assert answer.n == pytest.approx(np.exp(numeric.x), rel=1e-4)
    assert 6 * answer.n * answer.d == pytest.approx(1e15, rel=1e-9)


def test_compute_counted_otherwise_is_divided_by_its_own_factor():
    table = isoflop()
    table["c"] *= 1.3
    table["budget"] *= 1.3
    answer = allocate(fit(table, resamples=0), 1.3e15)
    assert 6 * answer.n * answer.d == pytest.approx(1e15, rel=1e-9)


def test_isoflop_allocates_but_knows_no_loss():
    found = fit(isoflop(0.002), "isoflop", resamples=100)
    answer = allocate(found, 1e15)
    assert answer.n == pytest.approx(found.params["k_N"] * 1e15 ** found.params["a"])
    assert answer.intervals["n"][0] < answer.n < answer.intervals["n"][1]
    assert np.isnan(answer.loss)


def test_a_law_of_one_resource_allocates_nothing():
    with pytest.raises(BadInput, match="kaplan-c does not say how compute divides"):
        allocate(fit(isoflop(), "kaplan-c", resamples=0), 1e15)
    with pytest.raises(BadInput, match="compute is -1"):
        allocate(fit(isoflop(), resamples=0), -1.0)


def test_without_noise_the_law_forecasts_the_held_out_budget():
    tested = backtest(isoflop(), resamples=0)
    assert len(tested.points) == 6 and tested.fit.n_points == 24
    assert tested.held_out == "the largest budget, 1e+13 FLOPs: 6 of 30 runs"
    assert tested.relative_error == pytest.approx(0, abs=1e-6)
    assert tested.points["relative_error"].abs().max() < 1e-6
    assert tested.distance == pytest.approx(10**0.5)


def test_a_pure_power_law_of_the_frontier_misses_low_where_a_floor_bends_it():
    tested = backtest(isoflop(), "kaplan-c", resamples=0)
    assert len(tested.points) == 1
    assert -0.05 < tested.relative_error < -0.001


def test_without_budgets_the_top_of_the_range_of_compute_is_held_out():
    table = isoflop(0.002).drop(columns="budget")
    table["c"] *= np.exp(0.4 * np.random.default_rng(0).standard_normal(len(table)))
    table["d"] = table["c"] / 6 / table["n"]
    tested = backtest(table, resamples=0)
    assert tested.held_out.startswith("the top half decade of compute")
    assert tested.points["c"].min() > tested.points["c"].max() / 10**0.5


def test_a_back_test_says_why_it_cannot_be_made():
    with pytest.raises(BadInput, match="all runs have one budget"):
        backtest(isoflop(budgets=(1e12,)))
    with pytest.raises(BadInput, match="a back-test over compute takes"):
        backtest(isoflop(), "kaplan-n")


def test_a_forecast_defaults_to_ten_and_a_hundred_times_the_largest_budget():
    found = forecast(isoflop(0.002), resamples=100)
    assert found.largest == pytest.approx(1e13)
    assert [(one.law, round(one.flops / 1e13)) for one in found.allocations] == [
        ("chinchilla", 10), ("isoflop", 10), ("chinchilla", 100), ("isoflop", 100),
    ]  # fmt: skip
    assert "the law missed its best loss" in found.said
    assert found.backtest is not None and abs(found.backtest.relative_error) < 0.02
    assert found.backtests is not None
    reach = f"at 100× the compute of the largest run; the back-test reached {found.backtests.furthest:.3g}×"
    assert any(reach in note for note in found.notes)


def test_a_loss_is_forecast_at_a_size_and_a_horizon():
    found = forecast(isoflop(0.002), at=(1e6, 1e9), resamples=100)
    (point,) = found.points
    assert point.interval[0] < point.loss < point.interval[1]
    assert point.run[0] < point.interval[0] and point.interval[1] < point.run[1]
    assert not found.allocations


def test_any_two_of_size_tokens_and_compute_give_the_third():
    table = isoflop(0.002)
    (both,) = forecast(table, at=(1e6, 2e8), resamples=0).points
    (by_size,) = forecast(table, question=Question((1.2e15,), (1e6,)), resamples=0).points
    (by_tokens,) = forecast(table, question=Question((1.2e15,), (), (2e8,)), resamples=0).points
    for one in (by_size, by_tokens):
        assert (one.n, one.d, one.flops) == pytest.approx((both.n, both.d, 1.2e15), rel=1e-9)
        assert one.loss == pytest.approx(both.loss, rel=1e-12)
    with pytest.raises(BadInput, match="any two of them give the third"):
        forecast(table, question=Question((1e15,), (1e6,), (2e8,)))


@pytest.mark.parametrize("question", [Question(sizes=(1e6,)), Question(tokens=(3e7,))])
def test_a_size_or_tokens_alone_are_completed_to_an_optimum(question):
    found = forecast(isoflop(0.002), question=question, resamples=0)
    (point,) = found.points
    best = allocate(found.fit, point.flops)
    assert (best.n, best.d) == pytest.approx((point.n, point.d), rel=1e-9)
    assert point.overhead.value == pytest.approx(1, abs=1e-6) and point.excess.value == pytest.approx(0, abs=1e-9)


def test_a_loss_to_reach_has_the_compute_whose_optimum_it_is():
    found = forecast(isoflop(), question=Question(losses=(3.0, 1.5)), resamples=0)
    reached, never = found.targets
    assert allocate(found.fit, reached.flops.value).loss == pytest.approx(3.0, rel=1e-10)
    assert never.flops.value == np.inf  # the law's floor is 1.8


def test_every_law_of_size_and_data_forecasts():
    table = isoflop(0.002)
    for law in ("chinchilla-tied", "over-training", "kaplan-nd"):
        found = forecast(table, (1e14,), law=law, resamples=20)
        assert found.allocations[0].law == law and found.backtest is not None
    with pytest.raises(BadInput, match="law is 'kaplan-c'; a forecast takes a law of N and D"):
        forecast(table, law="kaplan-c")


def test_what_noise_leaves_open_is_not_determined():
    found = forecast(isoflop(0.1, seed=3, sizes=4), (1e15,), resamples=100)
    assert not found.fit.identified
    assert not any(one.determined for one in found.allocations)
    assert all(one.determined for one in forecast(isoflop(0.002), (1e15,), resamples=100).allocations)
    assert found.to_dict()["compute"][0]["determined"] is False


def test_repeats_in_the_table_are_said_and_fitted_where_the_unique_tokens_are_known():
    table = repeated()
    found = forecast(table, question=Question((1e15,), unique_tokens=1e7), resamples=20)
    assert any("saw tokens more than once" in note for note in found.notes)
    assert any("by data-constrained, fitted to all runs" in note for note in found.notes)
    as_fresh, best = found.repetition
    assert not as_fresh.borrowed and best.repeated.value <= as_fresh.repeated.value
    borrowed = forecast(isoflop(0.002), question=Question((1e15,), unique_tokens=1e7), resamples=20)
    assert borrowed.repetition[0].borrowed and any("borrowed, not fitted" in note for note in borrowed.notes)


def test_one_budget_forecasts_without_isoflop_and_without_back_test_and_says_so():
    found = forecast(isoflop(0.002, budgets=(1e12,), sizes=8), (1e13,), resamples=20)
    assert found.beside is None and found.backtest is None
    assert "not possible" in found.said and any("No isoFLOP law" in note for note in found.notes)


def test_nonsense_asked_is_refused():
    with pytest.raises(BadInput, match="--compute is -5"):
        forecast(isoflop(), (-5.0,))
    with pytest.raises(BadInput, match="--tokens is 0"):
        forecast(isoflop(), at=(1e6, 0.0))


def test_a_run_that_might_fall_anywhere_is_not_determined_and_that_is_said_first():
    few = isoflop(0.15, seed=5, budgets=(1e11, 1e12), sizes=4)
    found = forecast(few, (1e17,), at=None, resamples=100)
    one = next(one for one in found.allocations if one.law == "chinchilla")
    low, high = one.intervals["run"]
    assert high > 2 * low and not one.determined
    assert one.reason.startswith(f"one run would fall anywhere from {low:.3g} to {high:.3g}")
    assert found.to_dict()["notes"][0] == f"Not determined: chinchilla at C = 1e+17: {one.reason}."
    sound = forecast(isoflop(0.003), (1e14,), resamples=100)
    assert sound.open == () and sound.allocations[0].determined
    point = forecast(few, resamples=100, question=Question(sizes=(1e9,), tokens=(1e12,)))
    assert point.points[0].determined == (point.points[0].run[1] <= 2 * point.points[0].run[0] and point.fit.identified)


def test_a_forecast_s_back_tests_are_those_of_the_other_commands():
    table = isoflop(0.003)
    found = forecast(table, (1e14,), resamples=300).backtests
    alone, compared = backtests(canonical(table)), compare(canonical(table), ("chinchilla",)).candidates[0].tests
    assert found is not None and compared is not None
    for one in (alone, compared):
        pd.testing.assert_frame_equal(found.frame(), one.frame())
