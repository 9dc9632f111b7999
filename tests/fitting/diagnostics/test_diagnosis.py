"""Diagnostics against statsmodels on a power law, whose linearisation is exact, and on sweeps with a known fault."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.fitting.designs import TRUE, isoflop, loss_of
from tests.fitting.uncertainty.test_methods import least_squares, power_law
from workbench.errors import BadInput
from workbench.fitting import fit
from workbench.fitting.diagnostics.diagnosis import diagnose, linear_model, refitted
from workbench.fitting.record import Fit, NotIdentifiable


def ols(table: pd.DataFrame):
    import statsmodels.api as sm

    x = np.log(table["n"])
    return sm.OLS(np.log(table["loss"]), sm.add_constant(-(x - x.mean()))).fit()


def test_influence_is_that_of_ordinary_least_squares():
    table = power_law()
    found = diagnose(fit(table, "kaplan-n", objective="log-mse", resamples=0)).influence.sort_index()
    reference = ols(table).get_influence()
    np.testing.assert_allclose(found["leverage"], reference.hat_matrix_diag, rtol=1e-6)
    np.testing.assert_allclose(found["cook"], reference.cooks_distance[0], rtol=1e-5)
    np.testing.assert_allclose(found["studentised"], reference.resid_studentized_external, rtol=1e-5)


def test_standard_errors_are_hc3_and_the_sandwich_lies_beside_them():
    table = power_law(40)
    found = diagnose(fit(table, "kaplan-n", objective="log-mse", resamples=0)).errors
    np.testing.assert_allclose(found["hc3"], ols(table).get_robustcov_results("HC3").bse, rtol=1e-6)
    np.testing.assert_allclose(found["equal"], ols(table).bse, rtol=1e-6)
    np.testing.assert_allclose(found["sandwich"], found["hc3"], rtol=0.08)


def test_replicated_seeds_add_a_cluster_covariance():
    one = isoflop(0.004).assign(cluster=lambda t: [f"c{i}" for i in range(len(t))])
    again = one.assign(loss=one["loss"] * np.exp(0.004 * np.random.default_rng(9).standard_normal(len(one))))
    found = diagnose(fit(pd.concat([one, again], ignore_index=True), objective="log-mse", resamples=0)).errors
    assert (found["cluster"] > 0).all() and set(found.index) == {"ln E", "ln A", "ln B", "alpha", "beta"}


def test_huber_of_a_power_law_is_statsmodels_robust_regression():
    """RLM with Huber's norm at a fixed scale minimises the same objective: an independent solver, the same optimum."""
    import statsmodels.api as sm

    table = power_law(30, 0.01)
    table["loss"] *= np.where(table.index == 4, 1.2, 1.0)
    x = np.log(table["n"])
    model = sm.RLM(np.log(table["loss"]), sm.add_constant(x - x.mean()), M=sm.robust.norms.HuberT(t=1.2))
    reference = model.fit(update_scale=False, tol=1e-12, maxiter=500)
    found = fit(table, "kaplan-n", delta=1.2 * reference.scale, resamples=0)
    assert found.params["alpha_N"] == pytest.approx(-reference.params.iloc[1], rel=1e-6)


def test_a_run_that_decides_the_fit_is_named():
    table = isoflop(0.002).assign(run_id=lambda t: [f"r{i}" for i in range(len(t))])
    table["loss"] *= np.where(table.index == 0, 1.3, 1.0)
    found = diagnose(fit(table, objective="log-mse", resamples=0))
    assert found.influence.iloc[0]["run_id"] == "r0"
    assert any("Single runs decide the fit" in said and "r0" in said for said in found.warnings)
    unnamed = diagnose(fit(table.drop(columns="run_id"), objective="log-mse", resamples=0))
    assert any(f"the run at N = {table['n'][0]:.3g}" in said for said in unnamed.warnings)


def test_uneven_noise_is_found_and_even_noise_is_not():
    table = isoflop(budgets=tuple(np.geomspace(1e11, 1e15, 8)), sizes=12)
    ln_c = np.log(table["c"] / table["c"].max())
    noise = np.random.default_rng(1).standard_normal(len(table))
    uneven = table.assign(loss=table["loss"] * np.exp(0.002 * np.exp(-0.25 * ln_c) * noise))
    found = diagnose(fit(uneven, resamples=0))
    assert dict(zip(found.evenness["test"], found.evenness["p"], strict=True))["Breusch–Pagan in ln C"] < 0.001
    assert any("The noise is not of one variance" in said and "upper)" in said for said in found.warnings)
    even = diagnose(fit(table.assign(loss=table["loss"] * np.exp(0.005 * noise)), resamples=0))
    assert not any("variance" in said for said in even.warnings)
    assert set(even.evenness["test"]) == {f"Breusch–Pagan in ln {axis}" for axis in "NDC"} | {"White"}


def test_profiles_of_a_sound_design_are_narrow_and_those_of_a_weak_one_are_called_flat():
    sound = diagnose(fit(isoflop(0.003), resamples=0))
    assert (sound.profile["share"] < 0.1).all() and not sound.profile["at_bound"].any()
    assert not any("profile is flat" in said for said in sound.warnings)
    low, high = sound.profile.loc["alpha", ["low", "high"]]
    assert (low, high) == pytest.approx(fit(isoflop(0.003), intervals="profile").interval("alpha"), rel=2e-3)
    weak = diagnose(fit(isoflop(0.1, seed=3, sizes=4), resamples=0))
    assert any("profile is flat along" in said for said in weak.warnings), weak.profile


def test_the_diagnosis_is_of_the_fit_and_its_weights():
    table = isoflop(0.004).assign(weight=np.r_[np.full(15, 3.0), np.full(15, 1.0)])
    found = fit(table, resamples=0)
    point = refitted(found)
    np.testing.assert_allclose(point.residual_M, found.residuals["residual"], atol=1e-9)
    np.testing.assert_allclose(linear_model(point).weights, table["weight"])


def test_a_summary_and_a_record_of_it():
    found = diagnose(fit(isoflop(0.004), resamples=0))
    assert "Most influential runs" in found.summary() and "hc3" in found.summary()
    assert json.loads(json.dumps(found.to_dict(), default=float))["errors"]["hc3"]


def test_what_cannot_be_diagnosed_is_refused():
    sweep = isoflop(0.004)
    with pytest.raises(BadInput, match="isoflop is no fit of a law of single runs"):
        diagnose(fit(sweep, "isoflop", resamples=0))
    with pytest.raises(BadInput, match="was read from a record"):
        diagnose(Fit.from_dict(fit(sweep, resamples=0).to_dict()))
    with pytest.raises(NotIdentifiable, match="no residuals are left"):
        diagnose(fit(sweep.iloc[[0, 7, 14, 21, 29]], resamples=0))


def test_least_squares_of_the_tests_is_statsmodels_own():
    assert -least_squares(power_law()).params.iloc[1] == pytest.approx(ols(power_law()).params.iloc[1])


def test_a_law_with_a_setting_is_diagnosed_as_it_was_fitted():
    n = np.geomspace(1e5, 1e10, 30)
    noise = 0.003 * np.random.default_rng(0).standard_normal(30)
    bend = (1 + (n / 1e7) ** 2) ** -0.05 * (1 + (n / 1e9) ** 2) ** 0.04
    d = pd.DataFrame({"n": n, "d": n, "loss": 20 * n**-0.1 * bend * np.exp(noise)})
    found = fit(d, "broken-d", resamples=0, setting={"breaks": 2})
    assert len(refitted(found).best_P) == len(refitted(found).prepared.law.theta_names) == 9
    np.testing.assert_allclose(refitted(found).residual_M, found.residuals["residual"], atol=1e-9)


def test_runs_that_cannot_tell_parameters_apart_are_said_to_and_nothing_else_is():
    table = isoflop().assign(d=lambda t: 20 * t["n"])
    loss = loss_of(table["n"].to_numpy(), table["d"].to_numpy())
    table["loss"] = loss * np.exp(0.003 * np.random.default_rng(0).standard_normal(30))
    found = diagnose(fit(table, resamples=0))
    assert any("The runs cannot tell ln E" in said for said in found.warnings)


def test_a_law_given_whole_has_nothing_to_diagnose():
    with pytest.raises(NotIdentifiable, match="no parameter that is free"):
        diagnose(fit(isoflop(0.004), fixed=TRUE))
