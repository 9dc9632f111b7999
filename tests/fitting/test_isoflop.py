"""Approach 2 on designs whose optimum is known, and what it refuses."""

import numpy as np
import pandas as pd
import pytest

from tests.fitting.designs import BUDGETS, TRUE, isoflop
from workbench.fitting import NotIdentifiable, fit

A = TRUE["beta"] / (TRUE["alpha"] + TRUE["beta"])


def parabolic(budgets=BUDGETS, factors=(0.25, 0.5, 1.0, 2.0, 4.0), a=0.5):
    """A table in which ln L is exactly a parabola in ln N about N_opt = 0.1 C^a."""
    table = isoflop(budgets=budgets, sizes=len(factors))
    table["n"] = 0.1 * table["c"] ** a * np.tile(factors, len(budgets))
    table["d"] = table["c"] / 6 / table["n"]
    z = np.log(np.tile(factors, len(budgets)))
    table["loss"] = (1e16 / table["c"]) ** 0.1 * np.exp(0.02 * z**2)
    return table


def test_exact_parabolas_give_back_their_power_laws():
    found = fit(parabolic(), "isoflop", resamples=50)
    assert found.params["a"] == pytest.approx(0.5, abs=1e-9) and found.params["k_N"] == pytest.approx(0.1, rel=1e-6)
    assert found.params["a"] + found.params["b"] == pytest.approx(1, abs=1e-9)
    assert found.derived["alpha_C"] == pytest.approx(0.1, abs=1e-9)
    minima = found.extra["minima"]
    assert minima["bracketed"].all() and len(minima) == 5
    assert minima["n_opt"].to_numpy() == pytest.approx(0.1 * np.sqrt(BUDGETS), rel=1e-6)
    assert minima["q2"].to_numpy() == pytest.approx(0.02, rel=1e-6)


def test_the_exponent_of_a_chinchilla_law_lies_in_the_interval():
    found = fit(isoflop(0.003, seed=4), "isoflop", resamples=300)
    assert found.interval("a")[0] < A < found.interval("a")[1]
    assert found.identified


def test_budgets_are_found_where_no_column_names_them():
    table = isoflop(0.003)
    named, found = fit(table, "isoflop", resamples=0), fit(table.drop(columns="budget"), "isoflop", resamples=0)
    assert found.params == pytest.approx(named.params, rel=1e-9)


def test_exponents_add_to_one_though_the_compute_of_a_budget_scatters():
    table = parabolic()
    table["c"] *= np.exp(0.01 * np.random.default_rng(0).standard_normal(len(table)))
    table["d"] = table["c"] / 6 / table["n"]
    found = fit(table, "isoflop", resamples=0)
    assert found.params["a"] + found.params["b"] == pytest.approx(1, abs=1e-9)


def test_a_budget_whose_optimum_is_not_bracketed_is_left_out_and_named():
    table = parabolic()
    top = table["budget"] == table["budget"].max()
    table = table[~(top & (table["n"] > 0.11 * np.sqrt(table["c"])))]
    found = fit(table, "isoflop", resamples=0)
    assert found.extra["minima"]["bracketed"].tolist() == [True] * 4 + [False]
    assert any(note.startswith("Budget 1e+13 FLOPs: the optimum is not bracketed") for note in found.notes)


def test_without_two_bracketed_budgets_there_is_no_fit():
    with pytest.raises(NotIdentifiable, match="at least two budgets with three or more sizes"):
        fit(isoflop(budgets=(1e12,)), "isoflop")
    with pytest.raises(NotIdentifiable, match="bracketed by smaller and larger sizes; 0 of 2"):
        fit(parabolic(budgets=(1e11, 1e13), factors=(1.0, 2.0, 4.0)), "isoflop")


def test_two_budgets_fit_but_do_not_identify():
    found = fit(parabolic(budgets=(1e11, 1e13)), "isoflop", resamples=0)
    assert not found.identified and any("Two budgets" in note for note in found.notes)


def test_values_of_compute_strewn_over_a_range_are_no_budget():
    table = isoflop(sizes=8).drop(columns="budget")
    strewn = table.assign(c=table["c"] * np.tile(np.geomspace(0.75, 1.33, 8), 5))
    with pytest.raises(NotIdentifiable, match=r"the table has 0\. 40 of its 40 runs belong to none"):
        fit(strewn, "isoflop")
    some = pd.concat([table[table["c"] < 2e12], strewn[strewn["c"] > 2e12]], ignore_index=True)
    found = fit(some, "isoflop", resamples=0)
    assert len(found.extra["minima"]) == 3
    assert any(note.startswith("16 of 40 runs belong to no budget") for note in found.notes)


def test_an_exponent_that_noise_leaves_open_is_not_identified():
    table = parabolic()
    table["loss"] *= np.exp(0.05 * np.random.default_rng(3).standard_normal(len(table)))
    found = fit(table, "isoflop", resamples=200)
    assert not found.identified and any("leaves open how compute divides" in note for note in found.notes)
