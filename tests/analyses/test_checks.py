"""The checks of a sweep, against a simulated one whose faults are put there on purpose."""

import numpy as np
import pytest

from tests.factories import NOISE, make_runs
from workbench.analyses import checks


@pytest.fixture(scope="module")
def runs():
    return make_runs(0)[0]


def facts(runs, error=0.01, unidentified=()):
    found = checks.check(runs)
    return {fact.name: fact for fact in checks.facts(runs, found, error, unidentified)}


def test_a_sound_sweep_passes_every_check(runs):
    assert [fact.name for fact in facts(runs).values() if not fact.met] == []


def test_the_rate_check_covers_two_sizes_at_two_horizons(runs):
    table = checks.rate_check(runs)
    assert table.groupby("n")["d"].nunique().tolist() == [2, 2]
    assert set(table["rate_factor"]) == {0.5, 1.0, 2.0}
    assert (table.loc[table["rate_factor"] == 1.0, "change"] == 0).all()


def test_the_noise_of_seeds_is_that_of_the_simulation():
    many = [checks.seed_noise(make_runs(seed)[0])[1] for seed in range(8)]
    # Eight estimates of two degrees of freedom each: a standard error of 18%.
    assert np.sqrt(np.mean(np.square(many))) == pytest.approx(NOISE, rel=0.5)


def test_no_repeated_run_has_no_noise(runs):
    table, sd = checks.seed_noise(runs[runs["role"] == "grid"])
    assert table.empty
    assert np.isnan(sd)


def test_rate_checks_are_no_seed_noise(runs):
    assert checks.seed_noise(runs[runs["role"] != "seed"])[0].empty


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (lambda runs: runs[runs["budget"] >= 1e12], "range"),
        (lambda runs: runs[runs["role"] != "seed"], "seeds"),
        (lambda runs: runs[runs["role"] != "rate"], "learning rate"),
        (lambda runs: runs[runs["rate_factor"] != 0.5], "learning rate"),
        (lambda runs: runs.assign(loss=runs["loss"] * np.where(runs["rate_factor"] == 0.5, 0.9, 1.0)), "learning rate"),
        (lambda runs: runs.head(12), "runs"),
        (lambda runs: runs.assign(unique_tokens=runs["tokens"] - 1), "fresh tokens"),
        (lambda runs: runs.assign(unigram_entropy=5.0), "margin over the unigram"),
        (lambda runs: runs[~((runs["budget"] == 1e13) & (runs["n_params"] < 2e5))], "minima"),
    ],
)
def test_each_fault_fails_its_own_check(runs, fault, name):
    assert not facts(fault(runs))[name].met


def test_a_poor_or_missing_backtest_fails(runs):
    assert not facts(runs, error=0.06)["back-test"].met
    assert facts(runs, error=None)["back-test"].found == "not possible"


def test_what_is_not_identified_is_named(runs):
    fact = facts(runs, unidentified=("isoflop is not",))["identified"]
    assert not fact.met
    assert fact.found == "isoflop is not"


def test_diverged_runs_do_not_count(runs):
    broken = runs.assign(status=np.where(runs["role"] == "grid", "diverged", "done"))
    assert facts(broken)["runs"].found == "10 done of 40"
    assert len(checks.budget_table(broken)) == 1


def test_a_budget_is_bracketed_exactly_where_the_isoflop_fit_says_so(runs):
    from workbench.fitting import fit, from_runs

    grid = runs[runs["role"] != "rate"]
    minima = fit(from_runs(grid), law="isoflop", resamples=0).extra["minima"]
    table = checks.budget_table(runs)
    assert dict(zip(table["budget"], table["bracketed"], strict=True)) == dict(
        zip(minima["budget"], minima["bracketed"], strict=True)
    )
    # Where too few budgets count for a fit, the table still judges each by the same measure.
    one_sided = runs[runs["n_params"] >= runs["n_params"].median()]
    assert not checks.budget_table(one_sided)["bracketed"].all()


def test_misses_beyond_the_noise_of_seeds_fail_the_form_of_the_law(runs):
    found = checks.check(runs)
    (fact,) = [f for f in checks.facts(runs, found, 0.01, (), (0.04, True)) if f.name == "form"]
    assert not fact.met and fact.found.startswith("misses of 4.00% where seeds differ by 0.")
    assert "2 degrees of freedom from seeds, a weak test" in fact.found
    assert "form" not in facts(runs)


def test_a_grid_is_not_asked_for_budgets(runs):
    grid = runs.assign(budget=np.nan, design="grid")
    named = facts(grid)
    assert "minima" not in named
    assert named["range"].asked == "at least two decades of C" and named["range"].met
    assert named["margin over the unigram"].met
