"""Back-tests by factors, and laws compared out of sample: against fits made one by one, and densities by scipy."""

import numpy as np
import pytest
from scipy.stats import multivariate_t

from tests.fitting.designs import isoflop, repeated
from workbench.errors import BadInput
from workbench.fitting import NotIdentifiable, fit
from workbench.fitting.forecasts.backtests import backtests
from workbench.fitting.forecasts.comparison import candidates_for, compare
from workbench.fitting.forecasts.crossvalidation import aicc, coded, leave_out
from workbench.fitting.laws import LAWS
from workbench.fitting.prepared import prepare
from workbench.fitting.solving.objectives import objective_named
from workbench.fitting.tables.canonical import canonical


def test_each_factor_holds_out_the_runs_above_it_and_fits_the_rest():
    table = isoflop(0.003)
    found = backtests(table, resamples=50)
    assert [test.factor for test in found.tests] == [2, 4, 16]  # 8 holds out what 4 did: budgets are √10 apart
    for test in found.tests:
        held = table["c"] > table["c"].max() / test.factor
        assert len(test.points) == held.sum() and test.fitted == (~held).sum()
        rest = fit(table[~held].reset_index(drop=True), resamples=0)
        error = np.log(rest.predict(n=table[held]["n"].to_numpy(), d=table[held]["d"].to_numpy()) / table[held]["loss"])
        assert test.bias == pytest.approx(error.mean(), rel=1e-6)
        assert test.rms == pytest.approx(np.sqrt((error**2).mean()), rel=1e-6)
        assert test.worst == pytest.approx(error.abs().max(), rel=1e-6)
    assert found.furthest == pytest.approx(10**1.5)
    assert list(found.frame()["coverage"] > 0.6) == [True] * 3
    assert "needs 8" in found.ended and len(found.points) == 36


def test_without_noise_the_errors_vanish_at_every_distance():
    found = backtests(isoflop(), resamples=0)
    assert max(test.worst for test in found.tests) < 1e-4


def test_one_budget_cannot_be_back_tested():
    with pytest.raises(NotIdentifiable, match="no runs can be held out by their compute"):
        backtests(isoflop(budgets=(1e12,), sizes=8), resamples=0)
    with pytest.raises(BadInput, match="a back-test over compute takes"):
        backtests(isoflop(), "kaplan-n")


def test_left_out_groups_are_scored_as_by_refits_one_by_one():
    table = canonical(isoflop(0.005, seed=2))
    prepared = prepare(table, LAWS["chinchilla"], objective_named("log-mse", 1e-3), "n")
    code_M, words = coded(table, "budget", "n")
    found = leave_out(prepared, code_M, words)
    assert words == "budgets" and len(found.score_G) == 5
    for g in (0, 4):
        rest = table[code_M != g].reset_index(drop=True)
        rest.attrs = table.attrs
        alone = fit(rest, objective="log-mse", resamples=0)
        held = table[code_M == g]
        error = np.log(held["loss"] / alone.predict(n=held["n"].to_numpy(), d=held["d"].to_numpy())).to_numpy()
        assert found.error_M[code_M == g] == pytest.approx(error, abs=1e-6)
        own = prepare(rest, LAWS["chinchilla"], objective_named("log-mse", 1e-3), "n")
        theta_P = np.array(alone.diagnostics["theta"])
        x = LAWS["chinchilla"].features({name: held[name].to_numpy() for name in ("n", "d")}) - own.x_centre_F
        j_in = own.law.jacobian(theta_P[None], own.problem.x_MF)[1][0].T
        j_out = own.law.jacobian(theta_P[None], x)[1][0].T
        nu = len(rest) - 5
        shape = np.eye(6) + j_out @ np.linalg.inv(j_in.T @ j_in) @ j_out.T
        shape *= float((alone.residuals["residual"] ** 2).sum()) / nu
        assert found.score_G[g] == pytest.approx(multivariate_t(shape=shape, df=nu).logpdf(error), abs=1e-3)


@pytest.mark.parametrize("by", ["size", "budget", "configuration"])
def test_what_is_left_out_can_be_chosen(by):
    table = canonical(repeated() if by == "size" else isoflop(0.003))
    code_M, words = coded(table, by, "n")
    assert {"size": 4, "budget": 5, "configuration": 30}[by] == code_M.max() + 1
    assert words == {"size": "model sizes", "budget": "budgets", "configuration": "runs"}[by]
    with pytest.raises(BadInput, match="by is 'seed'"):
        coded(table, "seed", "n")


def test_the_true_law_is_chosen_over_a_simpler_wrong_one():
    found = compare(isoflop(0.002, seed=1), ("kaplan-nd", "chinchilla"), resamples=50)
    frame = found.frame()
    assert list(frame["law"]) == ["chinchilla", "kaplan-nd"]
    assert frame["behind"][0] == 0 and frame["behind"][1] > 2 * frame["behind_se"][1]
    assert frame["backtest_rms"][0] < frame["backtest_rms"][1]
    assert frame["aicc"].isna().all()
    assert "By the log score with budgets left out: chinchilla." in found.verdict()
    assert set(found.to_dict()["backtests"]) == {"chinchilla", "kaplan-nd"}


def test_a_richer_law_is_not_chosen_for_its_fit_in_sample():
    table = isoflop(0.02, seed=5)
    tied = fit(table, "chinchilla-tied", "log-mse", resamples=0)
    free = fit(table, "chinchilla", "log-mse", resamples=0)
    assert free.objective_value <= tied.objective_value * (1 + 1e-9)
    found = compare(table, ("chinchilla", "chinchilla-tied"), "log-mse", resamples=0)
    first = found.frame()
    other = first[first["law"] == "chinchilla"].iloc[0]
    tied_row = first[first["law"] == "chinchilla-tied"].iloc[0]
    # The exponents differ by less than these runs can tell, so that nobody out of sample prefers two to one.
    assert tied_row["log_score"] > other["log_score"] - 2 * max(other["behind_se"], tied_row["behind_se"])
    assert tied_row["aicc"] < other["aicc"] + 2


def test_aicc_is_hurvich_and_tsai_s_and_of_likelihood_fits_alone():
    goal = objective_named("log-mse", 1e-3)
    m, p, mean_square = 30, 5, 4e-6
    likelihood = -m / 2 * (np.log(2 * np.pi * mean_square) + 1)
    k = p + 1
    expected = 2 * k - 2 * likelihood + 2 * k * (k + 1) / (m - k - 1)
    assert aicc(mean_square, m, p, goal) == pytest.approx(expected - m * (np.log(2 * np.pi) + 1))
    assert np.isnan(aicc(mean_square, m, p, objective_named("huber", 1e-3)))
    assert np.isnan(aicc(mean_square, 7, p, goal))


def test_candidates_are_the_laws_the_table_allows():
    assert candidates_for(canonical(isoflop())) == ("chinchilla", "chinchilla-tied", "kaplan-nd")
    assert "data-constrained" in candidates_for(canonical(repeated()))


def test_laws_that_cannot_be_compared_are_refused():
    with pytest.raises(BadInput, match="law is 'kaplan-c', which is fitted to runs of its own choice"):
        compare(isoflop(), ("kaplan-c", "chinchilla"))
    with pytest.raises(BadInput, match="predict different things"):
        compare(isoflop(), ("chinchilla", "downstream-error"))
    with pytest.raises(NotIdentifiable, match="none of chinchilla can be compared"):
        compare(isoflop(sizes=3, budgets=(1e11, 1e12)), ("chinchilla",))


def test_runs_of_weight_0_are_as_if_they_were_not_there():
    table = isoflop(0.005, seed=2)
    weighed = table.assign(weight=1.0)
    weighed.loc[3, ["weight", "loss"]] = [0.0, 9.0]
    kept = table.drop(index=3).reset_index(drop=True).assign(weight=1.0)
    expected = compare(kept, ("chinchilla", "chinchilla-tied"), resamples=0)
    found = compare(weighed, ("chinchilla", "chinchilla-tied"), resamples=0)
    assert found.frame()["log_score"].tolist() == pytest.approx(expected.frame()["log_score"].tolist())
    assert found.points == len(kept)
    assert backtests(weighed, resamples=0).tests[0].rms == pytest.approx(backtests(kept, resamples=0).tests[0].rms)


def test_without_resamples_there_is_no_coverage_and_no_width():
    found = compare(isoflop(0.005, seed=2), ("chinchilla",), resamples=0).frame()
    assert found["coverage"].isna().all()
    assert backtests(isoflop(0.005, seed=2), resamples=0).frame()["half_width"].isna().all()


def test_the_width_of_back_tests_is_the_median_of_their_runs():
    test = backtests(isoflop(0.005, seed=2), resamples=50).tests[0]
    widths = np.log(test.points["run_high"] / test.points["run_low"]) / 2
    assert test.half_width == pytest.approx(float(np.median(widths))) and 0.005 < test.half_width < 0.05


def test_of_very_many_groups_several_are_left_out_together(monkeypatch):
    table = canonical(isoflop(0.005, seed=2, sizes=8))
    prepared = prepare(table, LAWS["chinchilla"], objective_named("log-mse", 1e-3), "n")
    code_M, words = np.arange(len(table)), "runs"
    each = leave_out(prepared, code_M, words)
    monkeypatch.setattr("workbench.fitting.forecasts.crossvalidation.CELLS", 1)
    parts = leave_out(prepared, code_M, words)
    assert len(each.score_G) == 40 and len(parts.score_G) == 10 and parts.size_G.tolist() == [4] * 10
    assert parts.words == "parts of the 40 runs, 10 in number,"
    assert parts.total == pytest.approx(each.total, rel=0.1)
    assert np.corrcoef(parts.error_M, each.error_M)[0, 1] > 0.95
