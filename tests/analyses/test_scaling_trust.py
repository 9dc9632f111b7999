"""Back-tests by distance, laws out of sample, diagnostics: the report's tables against the fitting room's numbers."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.factories import make_runs
from workbench.analyses import checks, scaling_trust
from workbench.analyses.backtest_words import missed_by_distance
from workbench.analyses.scaling import ScalingStudy, study
from workbench.analyses.scaling_judged import diagnose_law
from workbench.fitting import Comparison, backtests, compare, fit, from_runs
from workbench.fitting.design.proposing import departure
from workbench.fitting.diagnostics.diagnosis import diagnose
from workbench.fitting.tables.canonical import canonical
from workbench.reporting.document import Block, Bullets, Figure, Table, Text


@pytest.fixture(scope="module")
def simulated() -> ScalingStudy:
    return study(*make_runs(0), name="simulated", resamples=50)


def table_named(blocks: list[Block], name: str) -> Table:
    return next(block for block in blocks if isinstance(block, Table) and block.name == name)


def judged_otherwise(simulated: ScalingStudy, **judged: Any) -> ScalingStudy:
    return replace(simulated, judged=replace(simulated.judged, **judged))


def sentences(blocks: list[Block]) -> str:
    return " ".join(
        block.text if isinstance(block, Text) else " ".join(block.items)
        for block in blocks
        if isinstance(block, Text | Bullets)
    )


def test_the_table_of_back_tests_is_the_fitting_rooms(simulated: ScalingStudy):
    expected = backtests(from_runs(make_runs(0)[0]), resamples=50).frame()
    rows = table_named(scaling_trust.backtest(simulated), "backtests").rows
    for key in ("held_out", "fitted", "distance", "bias", "rms", "worst", "coverage", "identified"):
        assert [row[key] for row in rows] == pytest.approx(expected[key].tolist()), key
    assert [row["above"] for row in rows][:2] == ["1/2", "1/4"]


def test_every_forecast_of_a_held_out_run_is_drawn_once(simulated: ScalingStudy):
    blocks = scaling_trust.backtest(simulated)
    figure = next(block for block in blocks if isinstance(block, Figure) and block.name == "backtest-errors")
    rows = table_named(blocks, "backtests").rows
    assert len(figure.data) == sum(row["held_out"] for row in rows)
    drawn = [trace for trace in figure.figure.data if trace.mode == "markers"]
    assert [len(trace.x) for trace in drawn] == [row["held_out"] for row in rows]
    hollow = sum(symbol.endswith("-open") for trace in drawn for symbol in trace.marker.symbol)
    assert hollow == int((~figure.data["inside"]).sum())


def test_what_the_law_leaves_open_after_holding_out_is_said(simulated: ScalingStudy):
    rows = table_named(scaling_trust.backtest(simulated), "backtests").rows
    said = sentences(scaling_trust.backtest(simulated))
    for row in rows:
        assert (f"{row['above']} of the largest compute, what was left" in said) == (
            not row["identified"] and row is rows[-1]
        )
    assert "Holding out everything above 1/" in said


def test_laws_are_compared_out_of_sample_alone(simulated: ScalingStudy):
    expected = compare(from_runs(make_runs(0)[0]), resamples=50).frame()
    table = table_named(scaling_trust.compared(simulated), "laws-compared")
    assert [row["law"] for row in table.rows] == expected["law"].tolist()
    assert [row["backtest_rms"] for row in table.rows] == pytest.approx(expected["backtest_rms"].tolist())
    assert table.rows[0]["behind_interval"] == "best"
    assert not any("aicc" in column.key for column in table.columns)
    assert "objective" not in sentences(scaling_trust.compared(simulated))


def test_aicc_stands_there_for_fits_by_likelihood(simulated: ScalingStudy):
    found = compare(simulated.table, objective="log-mse", resamples=0, factors=(2.0,))
    blocks = scaling_trust.compared(judged_otherwise(simulated, comparison=found))
    assert "delta_aicc" in {column.key for column in table_named(blocks, "laws-compared").columns}
    assert "By AICc: " in sentences(blocks)


FRAME = pd.DataFrame(
    {
        "law": ["one", "two", "three"],
        "behind": [0.0, 3.0, 30.0],
        "behind_se": [0.0, 4.0, 5.0],
        "backtest_rms": [0.02, 0.01, np.nan],
        "aicc": np.nan,
    }
)


def test_a_difference_within_two_standard_errors_means_nothing():
    said = scaling_trust.verdict(FRAME, 12)
    assert "one stands first" in said
    assert "two lies within two standard errors of it, a difference that means nothing" in said
    assert "three lies further behind" in said
    assert "prefer two, which misses by 1.00% in the root mean square (one by 2.00%)" in said
    assert "rough guess" in scaling_trust.verdict(FRAME, 4) and "rough guess" not in said
    assert scaling_trust.verdict(FRAME.head(1), 12).startswith("Only one could be compared")


def test_the_most_influential_runs_are_named(simulated: ScalingStudy):
    parametric = fit(from_runs(make_runs(0)[0]), "chinchilla", resamples=0)
    expected = diagnose(parametric).influence
    blocks = scaling_trust.diagnostics(simulated)
    rows = table_named(blocks, "influence").rows
    assert [row["run_id"] for row in rows] == expected["run_id"].head(5).tolist()
    said = sentences(blocks)
    assert all(f"`{run_id}`" in said for run_id in expected["run_id"].head(3))
    assert "Breusch–Pagan in ln N" in said


def test_a_bend_of_the_loss_is_said_and_fails_its_check(simulated: ScalingStudy):
    runs = make_runs(0)[0]
    n = np.log(runs["n_params"])
    bent = runs.assign(loss=runs["loss"] * np.exp(0.05 * (n - n.median()).abs()))
    found = diagnose_law(fit(from_runs(bent), "chinchilla", resamples=0))
    assert found.trends
    assert found.trends[0] in sentences(scaling_trust.diagnostics(judged_otherwise(simulated, diagnosed=found)))
    facts = checks.facts(bent, checks.check(bent), 0.01, (), None, found)
    (trend,) = [fact for fact in facts if fact.name == "trend"]
    assert not trend.met and trend.found in found.trends[0]


def test_a_run_that_decides_the_fit_fails_its_check(simulated: ScalingStudy):
    runs = make_runs(0)[0]
    runs = runs[runs["role"] == "grid"].reset_index(drop=True)
    wrong = runs.index == runs["n_params"].idxmax()
    runs = runs.assign(loss=runs["loss"] * np.where(wrong, 1.1, 1.0))
    found = diagnose_law(fit(from_runs(runs), "chinchilla", "log-mse", resamples=0))
    facts = checks.facts(runs, checks.check(runs), 0.01, (), None, found)
    (influence,) = [fact for fact in facts if fact.name == "influence"]
    assert not influence.met
    said = sentences(scaling_trust.diagnostics(judged_otherwise(simulated, diagnosed=found)))
    assert f"The most influential runs: `{runs.loc[wrong, 'run_id'].iloc[0]}`" in said
    assert "where a single run decides the fit" in said


def test_a_table_without_names_of_runs_is_diagnosed_by_size_and_tokens(simulated: ScalingStudy):
    grid = make_runs(0)[0].query("role == 'grid'")
    table = canonical(pd.DataFrame({"n": grid["n_params"], "d": grid["tokens"], "loss": grid["loss"]}))
    found = diagnose_law(fit(table, "chinchilla", resamples=0))
    blocks = scaling_trust.diagnostics(replace(judged_otherwise(simulated, diagnosed=found), checks=None))
    assert "the run (N = " in sentences(blocks)
    assert "No run was repeated" in sentences(blocks)


def test_what_cannot_be_judged_is_a_reason(simulated: ScalingStudy):
    unheld = judged_otherwise(simulated, backtests=None, backtests_reason="not possible: too few runs.")
    assert "by distance were not possible: too few runs." in sentences(scaling_trust.backtest(unheld))
    alone = judged_otherwise(simulated, comparison=None, comparison_reason="not possible: one size.")
    assert sentences(scaling_trust.compared(alone)).endswith("was not possible: one size.")
    nothing = study(make_runs(0)[0].head(1), name="one", resamples=10)
    assert scaling_trust.compared(nothing) == [] == scaling_trust.diagnostics(nothing)
    assert "no law was fitted" in sentences(scaling_trust.backtest(nothing))


def test_the_checks_hold_the_test_of_curvature_that_the_next_proposal_reports(simulated: ScalingStudy):
    runs = make_runs(0)[0]
    bent = runs.assign(loss=runs["loss"] * np.exp(0.02 * (np.log(runs["n_params"]) - 10) ** 2))
    fitted = fit(from_runs(bent), "chinchilla", resamples=0)
    found = diagnose_law(fitted)
    assert found.departure == departure(fitted) < 1e-6
    facts = {fact.name: fact for fact in checks.facts(bent, checks.check(bent), 0.01, (), None, found)}
    assert not facts["curvature"].met and facts["curvature"].found == f"p = {found.departure:.2g}"
    said = sentences(scaling_trust.diagnostics(judged_otherwise(simulated, diagnosed=found)))
    assert f"finds curvature along N and D (p = {found.departure:.2g})" in said
    calm = replace(found, trends=(), unfit=())
    assert "find nothing, but are weaker" in sentences(
        scaling_trust.diagnostics(judged_otherwise(simulated, diagnosed=calm))
    )


def test_errors_that_runs_of_a_size_share_fail_their_check(simulated: ScalingStudy):
    runs, sound = make_runs(0)[0], simulated.judged.diagnosed
    assert sound is not None
    note = "Runs of the same model size err in the same direction (p = 0.001), as if each model size had an error …"
    for shared, met in (((), True), ((note,), False)):
        facts = checks.facts(runs, checks.check(runs), 0.01, (), None, replace(sound, shared=shared))
        (own,) = [fact for fact in facts if fact.name == "errors shared within a size"]
        assert own.met is met
    assert own.found == "runs of the same model size err in the same direction (p = 0.001)"


def test_a_law_is_judged_by_hold_outs_that_left_both_determined():
    held = {"predicted": [1.1, 1.2], "loss": [1.0, 1.0]}
    near, far = np.log(1.1), np.log(1.2)

    def tested(law, *identified):
        rows = pd.DataFrame(held | {"distance": [2.0, 8.0]})
        pairs = zip((2, 4), identified, strict=True)
        tests = [SimpleNamespace(factor=factor, identified=one, points=rows) for factor, one in pairs]
        return SimpleNamespace(law=law, tests=SimpleNamespace(tests=tests))

    candidates: Any = (tested("a", True, False), tested("b", True, True))
    found = Comparison(candidates, (), "huber", "n", 2, (2, 4))
    factors, one, other = found.determined("a", "b")
    assert factors == (2,) and one == other == pytest.approx(np.sqrt((near**2 + far**2) / 2))
    untested: Any = (candidates[0], SimpleNamespace(law="b", tests=None))
    never = Comparison(untested, (), "huber", "n", 2, (2, 4))
    assert never.determined("a", "b")[0] == ()


def test_the_error_at_the_farthest_is_of_the_farthest_runs_alone():
    found = backtests(from_runs(make_runs(0)[0]), resamples=0)
    last = found.tests[-1]
    far = last.points[last.points["distance"] > last.points["distance"].max() / 1.25]
    expected = np.sqrt((np.log(far["predicted"] / far["loss"]) ** 2).mean())
    assert 0 < len(far) < len(last.points) and last.furthest_rms == pytest.approx(expected)
    assert f"{last.distance:.3g} times, the farthest tested, by {100 * expected:.3g}%" in missed_by_distance(found)
