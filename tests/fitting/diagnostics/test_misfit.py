"""Laws known to be wrong, and what is said of them; laws that are right, of which nothing is."""

import numpy as np
import pandas as pd
import pytest

from tests.fitting.designs import isoflop, loss_of
from workbench.fitting import fit


def noisy(table: pd.DataFrame, noise: float = 0.003, seed: int = 0) -> pd.DataFrame:
    error = noise * np.random.default_rng(seed).standard_normal(len(table))
    return table.assign(loss=table["loss"] * np.exp(error))


def grid() -> pd.DataFrame:
    pairs = [(n, d) for n in np.geomspace(1e4, 3e6, 8) for d in np.geomspace(1e6, 1e9, 6)]
    table = pd.DataFrame(pairs, columns=["n", "d"])
    return table.assign(c=6 * table["n"] * table["d"], loss=loss_of(table["n"].to_numpy(), table["d"].to_numpy()))


def said(table: pd.DataFrame, **settings) -> str:
    return " ".join(fit(table, **{"resamples": 0, **settings}).notes)


def test_a_right_law_is_seldom_doubted():
    """The tests share a level of 5%, so that two of twenty doubts are within chance."""
    doubts = ["does not fit along" in said(noisy(isoflop(), seed=seed)) for seed in range(20)]
    assert sum(doubts) <= 3


def test_the_largest_sizes_tuned_badly_are_found():
    table = noisy(grid())
    table.loc[table["n"] >= table["n"].quantile(0.67), "loss"] *= 1.02
    found = fit(table, resamples=0)
    assert any("does not fit along model size N" in note for note in found.notes), found.notes
    assert found.diagnostics["misfit"] and found.identified


def test_a_law_that_bends_with_compute_is_found_and_the_direction_said():
    table = isoflop(sizes=8, budgets=tuple(np.geomspace(1e10, 1e14, 7)))
    bend = 0.04 * np.maximum(np.log(table["c"] / table["c"].median()), 0)
    text = said(noisy(table.assign(loss=table["loss"] * np.exp(bend)), 0.002))
    assert "does not fit along compute C" in text and "grows with C" in text


def test_an_outlier_is_no_trend():
    table = noisy(isoflop())
    table["loss"] *= np.where(table.index == 29, 1.3, 1.0)
    assert "does not fit along" not in said(table)


def test_runs_of_a_size_that_miss_together_are_said_and_resampled_together():
    table = grid()
    size = np.unique(table["n"], return_inverse=True)[1]
    rng = np.random.default_rng(3)
    shared = 0.01 * rng.standard_normal(8)[size] + 0.002 * rng.standard_normal(len(table))
    found = fit(table.assign(loss=table["loss"] * np.exp(shared)), resamples=50)
    assert any("the same model size err in the same direction" in note for note in found.notes), found.notes
    assert "resampling model sizes" in found.interval_method


def test_noise_free_runs_and_few_runs_are_not_doubted():
    assert "does not fit along" not in said(isoflop())
    assert "does not fit along" not in said(noisy(isoflop(sizes=3, budgets=(1e11, 1e12, 1e13))))


@pytest.mark.parametrize("law", ["kaplan-n", "downstream-error"])
def test_laws_of_other_columns_are_tested_on_the_axes_they_have(law):
    n = np.geomspace(1e6, 1e10, 20)
    noise = 0.003 * np.random.default_rng(0).standard_normal(20)
    loss = 12 * n**-0.08 * np.exp(noise + 0.02 * np.maximum(np.log(n / 1e8), 0))
    table = pd.DataFrame({"n": n, "loss": loss, "error": np.clip(0.8 - 5 * np.exp(-loss) + noise, 0.01, 0.99)})
    text = said(table, law=law)
    assert ("does not fit along model size N" in text) == (law == "kaplan-n"), text


def test_a_run_far_off_the_law_is_named_with_its_row_and_its_size():
    table = noisy(isoflop())
    assert "Far off the law" not in said(table)
    table["loss"] *= np.where(np.arange(len(table)) == 7, 2.2, 1.0)
    assert "row 8 (+121%)" in said(table, objective="huber")
    assert "run b7 (+" in said(table.assign(run_id=[f"b{i}" for i in range(30)]))


def test_rows_that_are_there_twice_are_counted_and_show_nothing_shared():
    table = noisy(isoflop()).iloc[:20]
    text = said(pd.concat([table] * 3, ignore_index=True))
    assert "3 copies of each of 20 rows" in text and "miss together" not in text
    assert "copies" not in said(table)


def test_a_law_that_misses_by_tens_of_percent_is_said_not_to_describe_the_runs():
    assert "does not describe them" in said(noisy(isoflop(), 0.2))
    assert "does not describe them" not in said(noisy(isoflop(), 0.03))


def test_the_note_on_runs_that_miss_together_says_what_was_done():
    table = grid()
    size = np.unique(table["n"], return_inverse=True)[1]
    rng = np.random.default_rng(3)
    shared = 0.01 * rng.standard_normal(8)[size] + 0.002 * rng.standard_normal(len(table))
    table = table.assign(loss=table["loss"] * np.exp(shared))
    assert "whole model sizes are resampled" in said(table, resamples=50)
    for asked in ({"resamples": 0}, {"resamples": 50, "intervals": "residuals"}):
        text = said(table, **asked)
        assert (
            "same model size err in the same direction" in text and "are resampled" not in text and "too narrow" in text
        )
