"""Proposals, held against simulated refits, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fitting.designs import TRUE, isoflop
from workbench.errors import BadInput
from workbench.fitting import fit
from workbench.fitting.design.candidates import bounds_of, candidates, sizes_between
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
