"""Designs of the next runs, held against closed forms, brute force and simulation."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.fitting.designs import TRUE, isoflop
from workbench.errors import BadInput
from workbench.fitting import fit
from workbench.fitting.design.candidates import Bounds, bounds_of, candidates, sizes_between
from workbench.fitting.design.criterion import Criterion, Limits, continuous, whole
from workbench.fitting.design.departures import Departures, p_values
from workbench.fitting.design.noise import noise_of
from workbench.fitting.design.proposing import criterion_of, departure, known, propose
from workbench.fitting.design.targets import Target
from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.laws import LAWS
from workbench.fitting.solving.objectives import objective_named
from workbench.fitting.solving.problem import Problem
from workbench.fitting.solving.solver import minimise

LAW = LAWS["chinchilla"]
BUDGET = 3e13


@pytest.fixture(scope="module")
def pilot():
    return fit(isoflop(0.004, budgets=(1e11, 1e12, 1e13), sizes=5), "chinchilla", resamples=100)


@pytest.fixture(scope="module")
def pool(pilot):
    return pool_for(pilot)


def pool_for(fitted, budget=BUDGET):
    bounds = bounds_of(fitted.residuals, "n", budget)
    sizes = sizes_between(fitted.residuals, "n", bounds)
    return candidates(sizes, 6 * sizes, bounds)


def line(x_M):
    """A straight line known a little everywhere; the target is its slope."""
    rows = np.stack([np.ones_like(x_M), x_M], axis=1)[None]
    return Criterion(1e-6 * np.eye(2)[None], rows, np.array([[[0.0, 1.0]]]))


def random_criterion(n_candidates=7, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((4, n_candidates, 3))
    base = rng.standard_normal((4, 6, 3))
    return Criterion(np.swapaxes(base, 1, 2) @ base, rows, rng.standard_normal((4, 2, 3)))


# --- the criterion and its searches


def test_the_derivative_is_that_of_finite_differences():
    criterion = random_criterion()
    at = np.arange(7.0)
    value, g_M = criterion.derivative(at)
    assert value == pytest.approx(criterion.value(at))
    steps = [(criterion.value(at + 1e-6 * e) - criterion.value(at - 1e-6 * e)) / 2e-6 for e in np.eye(7)]
    np.testing.assert_allclose(-g_M, steps, rtol=1e-5)


def test_the_gain_of_a_run_is_the_difference_it_makes():
    criterion = random_criterion()
    at = np.array([0, 1, 0, 2, 0, 0, 1.0])
    brute = [criterion.value(at) - criterion.value(at + e) for e in np.eye(7)]
    np.testing.assert_allclose(criterion.gains(at), brute, rtol=1e-9, atol=1e-12)


def test_the_slope_of_a_line_is_told_from_its_ends_half_each():
    ideal_M, bound, _ = continuous(line(np.linspace(-1, 1, 21)), Limits(np.ones(21), 10, 100))
    assert ideal_M[[0, -1]] == pytest.approx([5, 5], rel=1e-2) and ideal_M[1:-1].max() < 0.1
    assert bound == pytest.approx(np.log(1 / 10), abs=1e-3)


def test_a_dearer_end_gets_fewer_runs_as_the_root_of_its_price():
    # The slope's variance is (1/k_1 + 1/k_2)/4; under k_1 c_1 + k_2 c_2 = B Lagrange gives k ∝ 1/√c.
    ideal_M, bound, _ = continuous(line(np.array([-1.0, 1.0])), Limits(np.array([1.0, 9.0]), 120, 10_000))
    assert ideal_M == pytest.approx([30, 10], rel=1e-2)
    assert bound == pytest.approx(np.log((1 / 30 + 1 / 10) / 4), abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_whole_runs_equal_the_best_of_all_enumerated(seed):
    criterion = random_criterion(5, seed)
    cost_M = np.array([1.0, 1.5, 2.0, 3.0, 4.0])
    limits = Limits(cost_M, 8, 4)
    ideal_M, bound, prices_2 = continuous(criterion, limits)
    found = whole(criterion, limits, ideal_M, prices_2)
    every = [np.array(k, dtype=float) for k in itertools.product(range(5), repeat=5)]
    feasible = [k for k in every if k @ cost_M <= 8 and k.sum() <= 4]
    best = min(criterion.value(k) for k in feasible)
    assert found @ cost_M <= 8 and found.sum() <= 4
    assert criterion.value(found) <= best + 0.02
    assert bound <= best + 1e-9 and criterion.value(ideal_M) <= best + 1e-3


# --- targets


def test_the_gradient_of_a_is_the_closed_form():
    centre_F = np.array([12.0, 16.0])
    theta_P = LAW.from_params(TRUE, centre_F, 1.0)
    c_STP = Target("a").gradient(LAW, theta_P[None], centre_F, 1.0, Cost())
    total = (TRUE["alpha"] + TRUE["beta"]) ** 2
    np.testing.assert_allclose(c_STP[0, 0], [0, 0, 0, -TRUE["beta"] / total, TRUE["alpha"] / total], atol=1e-8)


def test_loss_and_n_opt_are_those_of_the_allocation(pilot):
    params = {name: np.array([value]) for name, value in pilot.params.items()}
    n, d = pilot.cost.optimum(LAW, params, 1e14)
    assert np.exp(Target("n-opt", 1e14).values(LAW, params, pilot.cost)) == pytest.approx(n[0])
    assert Target("loss", 1e14).values(LAW, params, pilot.cost) == pytest.approx(pilot.predict(n=n, d=d)[0])


@pytest.mark.parametrize(
    ("name", "flops", "message"),
    [
        ("gamma", None, "target is 'gamma'"),
        ("loss", None, "target loss needs a compute C"),
        ("n-opt", -1.0, "it has -1"),
        ("a", 1e14, "the same at every compute"),
    ],
)
def test_a_target_that_means_nothing_is_refused(name, flops, message):
    with pytest.raises(BadInput, match=message):
        Target(name, flops)


def test_a_law_without_the_target_is_refused():
    kaplan = LAWS["kaplan-n"]
    params = kaplan.to_params(kaplan.starts()[:1], np.array([12.0]), 1.0)
    with pytest.raises(BadInput, match="kaplan-n has no beta"):
        Target("beta").values(kaplan, params, Cost())
    with pytest.raises(BadInput, match="does not say how compute divides"):
        Target("loss", 1e14).values(kaplan, params, Cost())


# --- noise


def test_noise_is_constant_unless_the_residuals_show_otherwise():
    rng = np.random.default_rng(0)
    x_MF = rng.uniform(-2, 2, (60, 2))
    even = pd.DataFrame({"residual": 0.01 * rng.standard_normal(60)})
    assert noise_of(even, x_MF, 5).slopes_F == ()
    assert noise_of(even, x_MF, 5).at(x_MF) ** 0.5 == pytest.approx(np.full(60, 0.01), rel=0.25)


def test_noise_that_falls_with_size_is_followed_but_never_beyond_the_points():
    rng = np.random.default_rng(1)
    x_MF = rng.uniform(-2, 2, (200, 2))
    falling = pd.DataFrame({"residual": 0.01 * np.exp(-0.5 * x_MF[:, 0]) * rng.standard_normal(200)})
    noise = noise_of(falling, x_MF, 5)
    assert noise.slopes_F == pytest.approx((-1.0, 0.0), abs=0.25)
    assert noise.at(np.array([[50.0, 0.0]])) == pytest.approx(np.exp(noise.within[0]))
    assert "not constant" in noise.said[1]


def test_seeds_of_one_configuration_tell_the_pure_error():
    table = pd.DataFrame({"cluster": ["a", "a", "b"], "residual": [0.01, 0.03, 0.5]})
    assert noise_of(table, np.zeros((3, 2)), 1).pure == pytest.approx(0.0002)


# --- departures


def test_the_test_of_departures_is_level_and_sees_a_bend():
    rng = np.random.default_rng(0)
    x_MF = rng.uniform(-2, 2, (40, 2))
    theta_P = np.array([-0.5, -1.5, -1.5, 0.3, 0.4])
    j_MP = LAW.jacobian(theta_P[None], x_MF)[1][0].T
    shape_MQ = Departures.over(x_MF).shapes(x_MF)
    noise = rng.standard_normal((2000, 40))
    assert (p_values(j_MP, shape_MQ, noise) < 0.05).mean() == pytest.approx(0.05, abs=0.015)
    assert (p_values(j_MP, shape_MQ, noise + 30 * shape_MQ[:, 1]) < 0.05).mean() > 0.9


# --- the proposal


@pytest.mark.parametrize("target", [Target("a"), Target("E"), Target("loss", 1e14), Target("losses", 1e14)])
def test_a_proposal_keeps_its_limits_and_is_near_the_best_possible(pilot, pool, target):
    found = propose(pilot, target, pool, BUDGET, max_runs=12, draws=8)
    checks = found.runs[found.runs["purpose"] == "check"]
    assert found.flops <= BUDGET and found.runs["repeats"].sum() <= 12
    assert len(checks) and (checks["c"] * checks["repeats"]).sum() <= 0.5 * BUDGET
    assert 0.85 < found.efficiency <= 1 and 0 < found.width_then < found.width_now
    assert found.target.words in found.summary() or found.target.words[1:] in found.summary()


def test_without_checks_every_run_is_for_the_target_and_the_promise_is_better(pilot, pool):
    trusting = propose(pilot, Target("n-opt", 1e14), pool, BUDGET, robust=0, draws=8)
    robust = propose(pilot, Target("n-opt", 1e14), pool, BUDGET, robust=0.4, draws=8)
    assert set(trusting.runs["purpose"]) == {"target"}
    assert trusting.width_then < robust.width_then
    assert "nothing would show it" in trusting.notes[0]


@pytest.mark.parametrize(("robust", "flops", "max_runs"), [(0.01, BUDGET, 5), (0.95, BUDGET, 5), (0.5, 2.01e11, 2)])
def test_at_least_one_run_is_for_the_target_and_one_a_check(pilot, pool, robust, flops, max_runs):
    found = propose(pilot, Target("a"), pool, flops, robust=robust, max_runs=max_runs, draws=4)
    assert set(found.runs["purpose"]) == {"target", "check"}
    assert found.flops <= flops and found.runs["repeats"].sum() <= max_runs


def test_the_promised_narrowing_is_what_refits_show(pilot, pool):
    target = Target("n-opt", 1e14)
    found = propose(pilot, target, pool, BUDGET, draws=8)
    many = found.runs["repeats"].to_numpy()
    first = pilot.residuals[["n", "d"]].to_numpy()
    more = np.repeat(found.runs[["n", "d"]].to_numpy(), many, axis=0)

    def spread(points):
        x_MF = np.log(points)
        centre_F = x_MF.mean(axis=0)
        truth_M = np.log(LAW.predict(TRUE, n=points[:, 0], d=points[:, 1]))
        y_SM = truth_M + 0.004 * np.random.default_rng(5).standard_normal((500, len(points)))
        start_P = LAW.from_params(TRUE, centre_F, 0.0)
        problem = Problem(LAW, objective_named("log-mse", 1.0), x_MF - centre_F, y_SM, np.ones((1, len(points))))
        theta_SP = minimise(problem, np.repeat(start_P[None], 500, axis=0)).theta_SP
        return np.std(target.values(LAW, LAW.to_params(theta_SP, centre_F, 0.0), Cost()))

    # Student's quantiles of 10 and of 10 + k degrees of freedom are part of the promise.
    measured = spread(np.concatenate([first, more])) / spread(first)
    student = {10: 2.228, 30: 2.042}
    assert many.sum() == 20
    assert found.width_then / found.width_now == pytest.approx(measured * student[30] / student[10], rel=0.2)


def test_a_proposal_does_not_depend_on_the_units_of_n_and_d():
    table = isoflop(0.004, budgets=(1e11, 1e12, 1e13), sizes=5)
    found = []
    for scale in (1.0, 1e3):
        scaled = table.assign(n=table["n"] * scale, d=table["d"] * scale, c=table["c"] * scale**2).drop(
            columns="budget"
        )
        fitted = fit(scaled, "chinchilla", resamples=0)
        found.append(propose(fitted, Target("a"), pool_for(fitted, BUDGET * scale**2), BUDGET * scale**2))
    one, other = (proposal.runs[["candidate", "repeats"]].to_numpy() for proposal in found)
    np.testing.assert_array_equal(one, other)
    assert found[0].width_then == pytest.approx(found[1].width_then, rel=1e-6)


def test_without_draws_the_present_width_is_the_linearised_one(pool):
    fitted = fit(isoflop(0.004, budgets=(1e11, 1e12, 1e13), sizes=5), "chinchilla", resamples=0)
    found = propose(fitted, Target("a"), pool, BUDGET)
    variance = criterion_of(known(fitted), Target("a"), pool, fitted).variances(np.zeros(len(pool.n)))[0]
    assert found.width_now == pytest.approx(2 * 2.228 * variance**0.5, rel=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"robust": 1.0}, "robust is 1"),
        ({"max_runs": 1}, "max_runs is 1"),
        ({"flops": 1.5e11}, "it must pay for 2 of the cheapest run"),
        ({"flops": 1e10, "robust": 0}, "it must pay for 1 of the cheapest run"),
    ],
)
def test_what_cannot_be_proposed_is_refused(pilot, pool, options, message):
    settings = {"flops": BUDGET, **options}
    with pytest.raises(BadInput, match=message):
        propose(pilot, Target("a"), pool, **settings)


def test_only_a_law_of_single_runs_has_designs(pool):
    with pytest.raises(BadInput, match="not for isoflop"):
        propose(fit(isoflop(0.001), "isoflop", resamples=0), Target("a"), pool, BUDGET)


# --- candidates


def test_candidates_keep_within_their_bounds():
    bounds = Bounds((1e11, 1e13), (5.0, 50.0), max_tokens=2e7)
    sizes = np.geomspace(1e4, 1e6, 9)
    found = candidates(sizes, 6 * sizes, bounds)
    assert found.c == pytest.approx(6 * found.n * found.d) and (found.n == sizes[found.size]).all()
    assert found.c.min() * (1 + 1e-9) >= 1e11 and found.c.max() <= 1e13 * (1 + 1e-9)
    assert (found.d / found.n).min() >= 5 and (found.d / found.n).max() <= 50 and found.d.max() <= 2e7


def test_the_runs_so_far_set_the_bounds_and_one_ratio_is_widened():
    points = pd.DataFrame({"n": [1e4, 1e5], "d": [2e5, 2e6], "c": [1.2e10, 1.2e12]})
    bounds = bounds_of(points, "n", 1e13)
    assert bounds.run_flops == (1.2e10, 1e13)
    assert bounds.tokens_per_param[1] / bounds.tokens_per_param[0] == pytest.approx(20)
    assert bounds.tokens_per_param[0] * bounds.tokens_per_param[1] == pytest.approx(400)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"flops": 1e9}, "flops is 1e.09, less than the smallest run so far"),
        ({"flops": float("nan")}, "flops is nan"),
        ({"flops": 1e13, "max_run": 1e9}, "max_run is 1e.09, less than"),
        ({"flops": 1e13, "tokens_per_param": (50.0, 5.0)}, "tokens_per_param is 50 to 5"),
    ],
)
def test_bounds_that_allow_nothing_are_refused(options, message):
    points = pd.DataFrame({"n": [1e4, 1e5], "d": [2e5, 2e6], "c": [1.2e10, 1.2e12]})
    with pytest.raises(BadInput, match=message):
        bounds_of(points, "n", **options)


def test_sizes_that_fit_no_level_are_refused():
    with pytest.raises(BadInput, match="widen the bounds"):
        candidates([1e9], [6e9], Bounds((1e11, 1e12), (5.0, 50.0)))


# --- what a design may start from


@pytest.mark.parametrize("law", ["power-n", "kaplan-n", "best-rate"])
def test_a_law_of_something_else_than_the_loss_of_n_and_d_is_refused(pilot, law):
    with pytest.raises(BadInput, match=f"a law of the loss in N and D .*, not for {law}"):
        known(replace(pilot, law=law))


def test_weights_count_in_what_is_known():
    table = isoflop(0.004, sizes=5)
    table["weight"] = np.where(np.arange(len(table)) % 2 == 0, 4.0, 1.0)
    fitted = fit(table, objective="log-mse", resamples=0)
    state = known(fitted)
    _, j_1PM = LAW.jacobian(state.theta_SP, state.x_MF)
    w_M = table["weight"].to_numpy() / table["weight"].mean()
    expected = (j_1PM[0] * w_M / state.noise.variance) @ j_1PM[0].T
    assert state.information(state.rows)[0] == pytest.approx(expected)
    r_M = fitted.residuals["residual"].to_numpy()
    assert state.noise.variance == pytest.approx((w_M * r_M**2).sum() / (len(table) - 5))


def test_where_the_draws_are_the_edge_of_a_region_a_design_averages_over_a_sample():
    table = isoflop(0.004, budgets=(1e11, 1e12, 1e13), sizes=6)
    edge = fit(table, objective="log-mse", resamples=100, intervals="profile")
    sample = fit(table, objective="log-mse", resamples=400, intervals="residuals")
    spread = [known(one, draws=300).theta_SP[:, 1].std() for one in (edge, sample)]
    assert spread[0] == pytest.approx(spread[1], rel=0.25)
    found = propose(edge, Target("a"), pool_for(edge), BUDGET)
    assert found.now == pytest.approx(edge.interval("a"))  # the interval itself is the range of the edge


def test_both_ends_of_the_interval_are_promised(pilot, pool):
    found = propose(pilot, Target("a"), pool, BUDGET)
    (low, high), share = found.now, found.width_then / found.width_now
    assert found.then[0] == pytest.approx(found.value - share * (found.value - low))
    assert found.then[1] == pytest.approx(found.value + share * (high - found.value))
    assert f"{low:.4g} to {high:.4g}. " in found.summary() and "±" not in found.summary()
    assert f"about {found.then[0]:.4g} to {found.then[1]:.4g}" in found.summary()
    ratio = propose(pilot, Target("n-opt", 1e14), pool, BUDGET)
    assert np.log(ratio.then[1] / ratio.then[0]) == pytest.approx(ratio.width_then)


def test_many_fitted_points_are_taken_in_blocks(pilot, monkeypatch):
    state = known(pilot)
    whole = state.information(state.rows)
    monkeypatch.setattr("workbench.fitting.design.proposing.BLOCK", 4)
    assert state.information(state.rows) == pytest.approx(whole)


def test_the_departure_is_the_one_that_the_proposal_reports(pilot, pool):
    p = departure(pilot)
    assert f"p = {p:.2g})" in " ".join(propose(pilot, Target("a"), pool, BUDGET).notes)
