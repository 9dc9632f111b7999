"""Each method against ordinary least squares, where the answer is known; then on a sweep, and where it cannot."""

import numpy as np
import pandas as pd
import pytest

from tests.fitting.designs import TRUE, isoflop, loss_of
from workbench.errors import BadInput
from workbench.fitting import LAWS, allocate, fit, prediction_interval
from workbench.fitting.prepared import prepare
from workbench.fitting.record import NotIdentifiable
from workbench.fitting.solving.certify import certify
from workbench.fitting.solving.objectives import objective_named
from workbench.fitting.tables.canonical import canonical
from workbench.fitting.uncertainty.fitted import Fitted, nothing
from workbench.fitting.uncertainty.groups import groups, level_codes
from workbench.fitting.uncertainty.jackknife import blocks, left_out
from workbench.fitting.uncertainty.methods import METHODS, automatic, solve
from workbench.fitting.uncertainty.profile import named, walk
from workbench.fitting.uncertainty.sandwich import covariance
from workbench.fitting.uncertainty.scores import moments
from workbench.fitting.uncertainty.weighting import weighed
from workbench.fitting.uncertainty.wild import KINDS, errors, parametric_resamples, wild_resamples


def power_law(points: int = 14, noise: float = 0.01, seed: int = 0) -> pd.DataFrame:
    """ln L is linear in ln N: what statsmodels knows exactly."""
    rng = np.random.default_rng(seed)
    n = np.geomspace(1e6, 1e9, points)
    return pd.DataFrame({"n": n, "loss": 12 * n**-0.08 * np.exp(noise * rng.standard_normal(points))})


def fitted(table: pd.DataFrame, law: str = "kaplan-n", objective: str = "log-mse", delta: float = 1e-3) -> Fitted:
    prepared = prepare(canonical(table), LAWS[law], objective_named(objective, delta), "n")
    certificate = certify(prepared.problem)
    return Fitted(prepared, certificate.basins_BP[0], certificate.rivals_BP)


def least_squares(table: pd.DataFrame, **settings):
    """The same fit by statsmodels: intercept and slope −α of ln L on centred ln N."""
    import statsmodels.api as sm

    x = np.log(table["n"])
    weight = settings.pop("weights", np.ones(len(table)))
    return sm.WLS(np.log(table["loss"]), sm.add_constant(x - x.mean()), weights=weight).fit(**settings)


def test_the_sandwich_of_squared_errors_is_hc2():
    table = power_law()
    found, free = covariance(fitted(table), np.arange(len(table)))
    reference = least_squares(table, cov_type="HC2").cov_params().to_numpy()
    assert free == len(table) - 2
    np.testing.assert_allclose(np.sqrt(np.diag(found)), np.sqrt(np.diag(reference)), rtol=1e-6)


def test_the_sandwich_with_weights_is_weighted_hc2():
    table = power_law().assign(weight=np.geomspace(1, 10, 14))
    found, _ = covariance(fitted(table), np.arange(len(table)))
    reference = least_squares(table, weights=table["weight"], cov_type="HC2").cov_params().to_numpy()
    # The intercept is at the mean of ln N in both.
    np.testing.assert_allclose(np.diag(found), np.diag(reference), rtol=1e-6)


def test_a_cluster_of_copies_says_no_more_than_one():
    table = power_law()
    one, _ = covariance(fitted(table), np.arange(14))
    copies = pd.concat([table] * 3, ignore_index=True)
    many, free = covariance(fitted(copies), np.tile(np.arange(14), 3))
    assert free == 13
    np.testing.assert_allclose(np.diag(many), np.diag(one), rtol=1e-2)


def test_the_jackknife_refits_without_each_group():
    table = power_law(9)
    point = fitted(table)
    data, words = left_out(point)
    theta_GP = solve(point, data, 9)
    assert words == "runs"
    for g in range(9):
        rest = least_squares(table.drop(index=g))
        assert theta_GP[g, 1] == pytest.approx(-rest.params.iloc[1], rel=1e-6)


def test_the_profile_of_squared_errors_is_students_interval():
    table = power_law()
    found = fit(table, "kaplan-n", objective="log-mse", intervals="profile")
    low, high = -least_squares(table).conf_int().iloc[1].to_numpy()[::-1]
    assert found.interval("alpha_N") == pytest.approx((low, high), rel=2e-3)


def test_a_profile_ends_where_the_statistic_is_students_quantile():
    point = fitted(isoflop(0.005), "chinchilla")
    functions = named(point)
    edge = walk([point], list(functions.values()))
    assert {"E", "alpha", "a", "N 1000", "L 1000"} <= set(functions)
    np.testing.assert_allclose(edge.root_S, 1, rtol=0.02)
    # At the ends of alpha every other parameter is at its best: the objective is stationary along the rest.
    index = 2 * list(functions).index("alpha")
    _, g_SP, _ = point.prepared.problem.expand(edge.theta_SP[index : index + 2], np.inf)
    size_SP = np.abs(g_SP)
    assert (size_SP[:, [0, 1, 2, 4]] < 1e-4 * size_SP[:, [3]]).all()


def test_a_profile_of_other_laws_and_counts_of_n():
    rng = np.random.default_rng(0)
    table = isoflop(0.004).assign(u=lambda t: t["d"] / rng.choice([1, 4, 16], len(t)))
    repeated = fit(table, "data-constrained", intervals="profile", resamples=1, objective="log-mse")
    assert "none" not in repeated.interval_method and np.isfinite(repeated.interval("alpha")).all()
    # Embeddings as large as a fifth of the smallest model's parameters: forecasts are of the count that was fitted.
    table = isoflop(0.004).assign(n_non_embedding=lambda t: t["n"] - 0.2 * t["n"].min())
    found = fit(table, convention="n_non_embedding", intervals="profile")
    forecast = allocate(found, 1e15)
    low, high = forecast.intervals["n"]
    assert low < forecast.n < high < 1.5 * low


def test_profiles_of_several_fits_in_one_batch_are_those_of_each():
    law, tables = "chinchilla", [isoflop(0.005, seed=seed) for seed in (0, 1)]
    points = [fitted(table, law, "huber") for table in tables]
    functions = [lambda theta_SP: theta_SP[:, 3], lambda theta_SP: theta_SP[:, 4]]
    both = walk(points, functions).theta_SP
    for k, point in enumerate(points):
        np.testing.assert_allclose(both[4 * k : 4 * k + 4], walk([point], functions).theta_SP, atol=2e-4)


def test_the_moments_of_hubers_score_are_those_of_its_noise():
    """At δ = σ/5 and normal noise E ψ′ = P(|z| < 0.2) and E ψ² = δ²·P(|z| > 0.2) + E[r², |z| < 0.2]."""
    from scipy.stats import norm

    table = power_law(400, 0.01)
    found = moments(fitted(table, objective="huber", delta=0.002))
    inside = norm.cdf(0.2) - norm.cdf(-0.2)
    square = 1e-4 * (inside - 2 * 0.2 * norm.pdf(0.2)) + 4e-6 * (1 - inside)
    assert found.slope_M[0] == pytest.approx(inside, rel=0.1)
    assert found.square_M[0] == pytest.approx(square, rel=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_wild_weights_have_mean_zero_and_variance_one(kind):
    drawn = KINDS[kind]((200_000, 1), np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(0, abs=0.01)
    assert drawn.var() == pytest.approx(1, abs=0.02)


def test_wild_errors_are_hc3_residuals_and_clusters_share_a_sign():
    table = power_law(10).assign(cluster=["a", "a", *"bcdefghi"])
    point = fitted(table)
    reference = least_squares(table)
    q, _ = np.linalg.qr(reference.model.exog)
    hc3 = reference.resid / (1 - (q**2).sum(axis=1))
    ratio = errors(point) / hc3
    np.testing.assert_allclose(ratio, ratio.iloc[0], rtol=1e-6)
    drawn = wild_resamples(point, 50, np.random.default_rng(0)).y_SM - point.fitted_M
    np.testing.assert_allclose(drawn[:, 0] / drawn[:, 1], errors(point)[0] / errors(point)[1])


def test_parametric_noise_follows_a_variance_that_goes_with_compute():
    table = isoflop(budgets=tuple(np.geomspace(1e11, 1e15, 8)), sizes=12)
    ln_c = np.log(table["c"] / table["c"].max())
    rng = np.random.default_rng(0)
    uneven = table.assign(loss=table["loss"] * np.exp(0.002 * np.exp(-0.2 * ln_c) * rng.standard_normal(len(table))))
    data = parametric_resamples(fitted(uneven, "chinchilla"), 4000, rng)
    spread = data.y_SM.std(axis=0)
    slope = np.polyfit(ln_c, np.log(spread), 1)[0]
    assert slope == pytest.approx(-0.2, abs=0.06) and "goes as C^" in data.method
    even = table.assign(loss=table["loss"] * np.exp(0.005 * rng.standard_normal(len(table))))
    data = parametric_resamples(fitted(even, "chinchilla"), 10, rng)
    assert "one variance" in data.method


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_intervals_and_forecasts_around_the_point(method):
    found = fit(isoflop(0.004, seed=2), resamples=100, intervals=method)
    for name in ("E", "alpha", "beta", "a"):
        low, high = found.interval(name)
        assert low < found.value(name) < high, name
        truth = TRUE.get(name, TRUE["beta"] / (TRUE["alpha"] + TRUE["beta"]))
        assert high - low < 0.6 * truth, name
    forecast = allocate(found, 1e15)
    low, high = forecast.intervals["loss"]
    assert low < forecast.loss < high
    (run_low,), (run_high,) = prediction_interval(found, n=forecast.n, d=forecast.d)
    assert run_low < low < high < run_high < 1.2 * forecast.loss
    assert found.interval_method and not found.interval_method.startswith("none")


@pytest.mark.parametrize("method", METHODS)
def test_as_many_parameters_as_points_have_no_intervals_and_it_is_said(method):
    found = fit(isoflop(0.004).iloc[[0, 7, 14, 21, 29]], resamples=50, intervals=method)
    assert found.interval_method.startswith("none: ")
    assert found.resamples == 0 and not found.intervals


def test_two_groups_are_too_few_to_resample():
    """Two configurations of many seeds: nothing to draw from, which is said."""
    n = np.repeat([1e6, 1e8], 6)
    table = pd.DataFrame({"n": n, "loss": 12 * n**-0.08, "cluster": np.repeat(["a", "b"], 6)})
    table["loss"] *= np.exp(0.01 * np.random.default_rng(0).standard_normal(12))
    for method in ("cases", "groups", "sandwich", "jackknife"):
        assert fit(table, "kaplan-n", intervals=method, resamples=50).interval_method.startswith("none"), method


def test_groups_are_sizes_else_budgets_else_configurations():
    table = isoflop(sizes=4)
    assert groups(table)[1] == "budgets"
    grid = pd.DataFrame({"n": np.repeat([1e6, 1e7, 1e8], 3), "d": np.tile([1e8, 1e9, 1e10], 3)})
    code, words = groups(grid)
    assert words == "model sizes" and code.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert groups(power_law())[1] == "runs"
    assert groups(power_law(4).assign(cluster=list("aabb")))[1] == "configurations"
    assert level_codes(np.array([1.0, 2.0, 1.01]), 1.05).tolist() == [0, 1, 0]


def test_a_method_that_does_not_exist_is_refused():
    with pytest.raises(BadInput, match=r"intervals is 'magic'; it must be .*one of .*residuals, cases"):
        fit(isoflop(), intervals="magic")


def test_weights_from_the_standard_error_of_the_loss():
    """With a noise that loss_se explains in full, the weights are its inverse variance."""
    rng = np.random.default_rng(0)
    table = isoflop(budgets=tuple(np.geomspace(1e11, 1e14, 8)), sizes=10)
    relative = rng.choice([0.001, 0.01], len(table))
    table["loss_se"] = relative * table["loss"]
    table["loss"] *= np.exp(relative * rng.standard_normal(len(table)))
    prepared = prepare(canonical(table), LAWS["chinchilla"], objective_named("log-mse", 1e-3), "n")
    found, notes = weighed(prepared, "column")
    weight = found.problem.w_SM[0]
    ratio = weight[relative == 0.001].mean() / weight[relative == 0.01].mean()
    assert 50 < ratio <= 100.01
    assert "loss_se" in notes[0]
    with pytest.raises(NotIdentifiable, match="not every run has a loss_se"):
        fit(isoflop(), noise="column")


def test_weights_from_a_variance_that_goes_with_compute():
    table = isoflop(budgets=tuple(np.geomspace(1e11, 1e15, 8)), sizes=12)
    ln_c = np.log(table["c"] / table["c"].max())
    noise = 0.002 * np.exp(-0.2 * ln_c) * np.random.default_rng(1).standard_normal(len(table))
    table["loss"] *= np.exp(noise)
    found = fit(table, noise="by-compute", objective="log-mse", resamples=100)
    (said,) = (note for note in found.notes if "Runs weighed by the inverse variance" in note)
    assert float(said.rstrip(".").split("C^")[1]) == pytest.approx(-0.4, abs=0.12)
    plain = fit(table, objective="log-mse", resamples=100)
    low, high = found.interval("a")
    wide_low, wide_high = plain.interval("a")
    assert high - low < wide_high - wide_low


def test_a_noise_that_does_not_exist_is_refused():
    with pytest.raises(BadInput, match="noise is 'pink'; it must be one of equal, column, by-compute"):
        fit(isoflop(), noise="pink")
    with pytest.raises(BadInput, match="isoflop weighs no single runs"):
        fit(isoflop(), law="isoflop", noise="by-compute")
    table = pd.DataFrame({"error": [0.4, 0.3, 0.2], "loss": [3.0, 2.5, 2.0]}).assign(loss_se=0.01)
    prepared = prepare(table, LAWS["downstream-error"], objective_named("log-mse", 1e-3), "n")
    with pytest.raises(BadInput, match="loss_se is of the loss"):
        weighed(prepared, "column")


def three_seeds(noise: float, shared: float) -> pd.DataFrame:
    """Nine configurations of three seeds each, with noise of their own and noise that the three share."""
    rng = np.random.default_rng(1)
    table = isoflop(sizes=3, budgets=(1e11, 1e12, 1e13)).assign(cluster=range(9))
    together = shared * rng.standard_normal(9)
    return pd.concat(
        [table.assign(loss=table["loss"] * np.exp(together + noise * rng.standard_normal(9))) for _ in range(3)],
        ignore_index=True,
    )


def test_seeds_are_drawn_together_only_where_they_miss_together():
    assert automatic(fitted(three_seeds(0.005, 0.0), "chinchilla", "huber")) == "profile"
    assert automatic(fitted(three_seeds(0.0005, 0.01), "chinchilla", "huber")) == "cases"


def test_shared_errors_are_asked_for_before_the_number_of_runs():
    rng = np.random.default_rng(0)
    table = isoflop(budgets=tuple(np.geomspace(1e11, 1e15, 10)), sizes=12)
    budget = np.unique(table["budget"], return_inverse=True)[1]
    for shared, method in ((0.0, "cases"), (0.01, "groups")):
        error = shared * rng.standard_normal(10)[budget] + 0.002 * rng.standard_normal(len(table))
        assert automatic(fitted(table.assign(loss=table["loss"] * np.exp(error)), "chinchilla")) == method


def test_one_wrong_run_does_not_widen_the_default_interval():
    table = isoflop(0.004, seed=1)
    wrong = table.assign(loss=table["loss"] * np.where(table.index == 7, 1.1, 1.0))
    for method in ("auto", "studentised"):
        widths = [np.ptp(fit(each, resamples=200, intervals=method).interval("alpha")) for each in (table, wrong)]
        assert widths[1] < 1.5 * widths[0], method
    assert fit(wrong, resamples=10).interval_method.startswith("profile")
    assert fit(wrong, resamples=0).interval_method == "none asked for"


def test_what_cannot_be_profiled_is_resampled_and_it_is_said(monkeypatch):
    monkeypatch.setitem(METHODS, "profile", lambda point, resamples, rng: nothing(point, "no edge"))
    found = fit(isoflop(0.004, seed=1), resamples=50)
    assert found.resamples == 50 and found.interval_method.endswith("in place of profile (no edge)")


def test_forecasts_of_repeated_data_are_walked_and_a_law_that_does_not_allocate_is_not():
    table = isoflop(0.004).assign(u=lambda t: t["d"] / np.resize([1, 4, 16], len(t)))
    assert "L 1000" in named(fitted(table, "data-constrained"))
    rates = table.assign(rate=1e-3 * (table["n"] / 1e5) ** -0.2 * (table["d"] / 1e7) ** 0.1)
    assert not any(name.startswith("L ") for name in named(fitted(rates, "best-rate")))


def test_groups_without_number_are_left_out_in_blocks():
    code, words = blocks(np.arange(100_000), "runs")
    assert words == "blocks of runs" and len(np.unique(code)) == 40
    assert blocks(np.arange(240), "runs")[1] == "runs"


def test_a_law_given_whole_is_scored_without_intervals():
    table = isoflop(0.004)
    for rows in (table, table.iloc[:2]):
        found = fit(rows, fixed=TRUE)
        assert not found.intervals and found.params == pytest.approx(TRUE)
        r = np.abs(np.log(rows["loss"]) - np.log(loss_of(rows["n"].to_numpy(), rows["d"].to_numpy())))
        assert found.objective_value == pytest.approx(np.where(r < 1e-3, r**2 / 2, 1e-3 * (r - 5e-4)).sum())
        assert sum(note.startswith("Held: ") for note in found.notes) == 5 and "held" in found.summary()


def test_a_floor_at_known_chance_is_held():
    n = np.geomspace(1e5, 1e9, 16)
    value = 0.25 + 0.6 / (1 + np.exp(-(np.log(n) - np.log(1e7)) / 0.5))
    value += 0.01 * np.random.default_rng(0).standard_normal(16)
    found = fit(pd.DataFrame({"n": n, "value": value, "chance": 0.25}), "threshold", resamples=100)
    assert found.diagnostics["free_parameters"] == 3 and found.diagnostics["held"] == [2]
    assert found.identified, found.notes
    assert not any("floor" in note and "bound" in note for note in found.notes)
