"""Approach 2 on designs whose optimum is known, under every shape of the curves, and what it refuses."""

import numpy as np
import pandas as pd
import pytest

from tests.fitting.designs import BUDGETS, TRUE, isoflop, loss_of
from workbench.errors import BadInput
from workbench.fitting import NotIdentifiable, fit
from workbench.fitting.isoflop.budgets import curves, sections
from workbench.fitting.isoflop.curves import SHAPES
from workbench.fitting.isoflop.estimator import bracketed
from workbench.fitting.isoflop.minima import best_inside, minima, power_laws, resampled
from workbench.fitting.tables.canonical import canonical

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
    found = fit(parabolic(), "isoflop", resamples=50, shape="parabola")
    assert found.params["a"] == pytest.approx(0.5, abs=1e-9) and found.params["k_N"] == pytest.approx(0.1, rel=1e-6)
    assert found.params["a"] + found.params["b"] == pytest.approx(1, abs=1e-9)
    assert found.derived["alpha_C"] == pytest.approx(0.1, abs=1e-9)
    minima = found.extra["minima"]
    assert minima["bracketed"].all() and len(minima) == 5
    assert minima["n_opt"].to_numpy() == pytest.approx(0.1 * np.sqrt(BUDGETS), rel=1e-6)
    assert minima["curvature"].to_numpy() == pytest.approx(0.04, rel=1e-6)
    assert found.diagnostics == {"shape": "parabola", "curve": {}}


@pytest.mark.parametrize("offset", [1.0, 0.4])
def test_two_powers_are_the_section_of_a_chinchilla_law_wherever_the_sizes_lie(offset):
    table = isoflop(sizes=6)
    table["n"] *= offset ** np.linspace(-1, 1, 30)
    table["d"] = table["c"] / 6 / table["n"]
    table["loss"] = loss_of(table["n"].to_numpy(), table["d"].to_numpy())
    found = fit(table, "isoflop", resamples=0, shape="two-powers")
    total = TRUE["alpha"] + TRUE["beta"]
    g = (TRUE["alpha"] * TRUE["A"] / (TRUE["beta"] * TRUE["B"])) ** (1 / total)
    assert found.params["a"] == pytest.approx(A, abs=1e-6)
    assert found.extra["minima"]["n_opt"].to_numpy() == pytest.approx(g * (np.array(BUDGETS) / 6) ** A, rel=1e-5)
    for name, value in found.diagnostics["curve"].items():
        assert value == pytest.approx(TRUE[name], rel=1e-4)


def test_a_parabola_is_biased_by_what_is_published_and_a_cubic_hardly():
    # Czech et al. 2026 (2603.22339): D* by -0.3, -1.3, -2.9, -5.1% at ±2, ±4, ±8, ±16 on Hoffmann's surface.
    E, A_, B, alpha, beta = 1.69, 406.4, 410.7, 0.34, 0.28
    c = 1e19
    best = (alpha * A_ / beta / B) ** (1 / (alpha + beta)) * (c / 6) ** (beta / (alpha + beta))
    missed = {}
    for width in (2, 4, 8, 16):
        n = best * np.geomspace(1 / width, width, 11)
        row = np.log(E + A_ * n**-alpha + B * (c / 6 / n) ** -beta)
        table = pd.DataFrame({"n": n, "d": c / 6 / n, "c": c, "budget": c, "loss": np.exp(row)})
        for shape in ("parabola", "cubic"):
            found = minima(curves(table, "n"), SHAPES[shape], row[None])
            missed[shape, width] = 100 * float(np.exp(found.ln_d_SB[0, 0]) / (c / 6 / best) - 1)
    assert [missed["parabola", w] for w in (2, 4, 8, 16)] == pytest.approx([-0.3, -1.3, -2.9, -5.1], abs=0.06)
    assert all(abs(missed["cubic", w]) < 0.2 for w in (2, 4, 8, 16))


def test_on_kaplans_surface_two_powers_are_less_biased_than_a_parabola():
    # Kaplan et al. 2020 (2001.08361), eq. 1.5: L = ((N_c/N)^(α_N/α_D) + D_c/D)^α_D, no sum of powers and an offset.
    c = np.geomspace(1e18, 1e20, 5)[:, None]
    ratio = 0.076 / 0.103
    best = (ratio * 6.4e13**ratio * c / 6 / 1.8e13) ** (1 / (1 + ratio))
    for width, by in ((4, {"two-powers": -1.1, "parabola": -5.2}), (8, {"two-powers": -3.4, "parabola": -9.7})):
        n = best * np.geomspace(1 / width, width, 7)
        loss = ((6.4e13 / n) ** ratio + 1.8e13 * n * 6 / c) ** 0.103
        table = pd.DataFrame({"n": n.ravel(), "budget": np.repeat(c, 7), "loss": loss.ravel()})
        table = table.assign(c=table["budget"], d=table["budget"] / 6 / table["n"])
        for shape, percent in by.items():
            found = minima(curves(table, "n"), SHAPES[shape], np.log(loss).reshape(1, -1))
            assert 100 * np.expm1((found.ln_n_SB[0] - np.log(best[:, 0])).mean()) == pytest.approx(percent, abs=0.05)


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_solved_together_equal_rows_solved_alone(shape):
    every = curves(canonical(isoflop(sizes=6)), "n")
    y_M = np.concatenate([curve.y_M for curve in every])
    y_SM = y_M + 0.003 * np.random.default_rng(0).standard_normal((20, len(y_M)))
    together = SHAPES[shape].ln_loss(
        SHAPES[shape].solve(sections(every), y_SM)[:, sections(every).budget_M], np.array(0.3)
    )
    for row, y in zip(together, y_SM, strict=True):
        alone = SHAPES[shape].ln_loss(
            SHAPES[shape].solve(sections(every), y[None])[:, sections(every).budget_M], np.array(0.3)
        )
        # The weights of two-powers are the rows' mean: they differ by the noise, and so do the curves by its square.
        assert row == pytest.approx(alone[0], abs=2e-4 if "two" in shape else 1e-12)


def test_two_powers_reach_the_optimum_that_a_general_solver_finds():
    from scipy.optimize import least_squares

    table = canonical(isoflop(0.003, seed=2))
    every = curves(table, "n")
    design, y_M = sections(every), np.concatenate([curve.y_M for curve in every])
    curve_BK = SHAPES["two-powers"].solve(design, y_M[None])[0]

    def misses(x):
        p_B, q_B = x[3:8], x[8:]
        size = np.exp(-np.exp(x[1]) * design.z_M), np.exp(np.exp(x[2]) * design.z_M)
        return (x[0] + p_B[design.budget_M] * size[0] + q_B[design.budget_M] * size[1]) / np.exp(y_M) - 1

    ours = np.concatenate([[curve_BK[0, 0]], np.log(curve_BK[0, 3:]), curve_BK[:, 1], curve_BK[:, 2]])
    theirs = least_squares(misses, ours * (1 + 0.01 * np.cos(np.arange(13))), xtol=1e-14, ftol=1e-14, gtol=1e-14)
    assert (misses(ours) ** 2).sum() <= 2 * theirs.cost * (1 + 1e-8)


def test_rows_of_responses_each_have_resamples_of_their_own():
    every = curves(canonical(isoflop(sizes=6)), "n")
    y_M = np.concatenate([curve.y_M for curve in every])
    y_SM = y_M + 0.003 * np.random.default_rng(1).standard_normal((5, len(y_M)))
    found = minima(every, SHAPES["two-powers"], y_SM)
    good_SB = best_inside(every, y_SM)
    draws = resampled(every, SHAPES["two-powers"], y_SM, found, good_SB, 200, np.random.default_rng(0))
    point = power_laws(np.log(BUDGETS), found.counting(good_SB))
    assert draws["a"].shape == (5, 200)
    assert np.median(draws["a"], axis=1) == pytest.approx(point["a"], abs=0.006)
    assert np.ptp(point["a"]) > 0.006


@pytest.mark.parametrize("shape", SHAPES)
def test_units_and_the_order_of_rows_change_nothing_but_the_units(shape):
    table = isoflop(0.002, seed=5)
    plain = fit(table, "isoflop", resamples=0, shape=shape)
    other = table.assign(n=table["n"] * 1e3, d=table["d"] / 50, loss=table["loss"] * 3).sample(frac=1, random_state=0)
    moved = fit(other, "isoflop", resamples=0, shape=shape)
    assert moved.params["a"] == pytest.approx(plain.params["a"], abs=1e-6)
    assert moved.params["k_N"] == pytest.approx(1e3 * plain.params["k_N"], rel=1e-4)
    assert moved.params["k_D"] == pytest.approx(plain.params["k_D"] / 50, rel=1e-4)
    ratio = moved.extra["minima"]["loss_opt"].to_numpy() / plain.extra["minima"]["loss_opt"].to_numpy()
    assert ratio == pytest.approx(3, rel=1e-6)


def test_the_drawn_curves_pass_through_their_minima():
    found = fit(isoflop(0.001), "isoflop", resamples=0)
    for row in found.extra["minima"].itertuples():
        curve = found.extra["curves"].query("budget == @row.budget")
        assert len(curve) == 41 and curve["n"].is_monotonic_increasing
        assert curve["loss"].min() == pytest.approx(row.loss_opt, rel=1e-4)
        assert curve["loss"].min() >= row.loss_opt * (1 - 1e-12)


def test_too_few_runs_for_two_powers_are_given_parabolas_and_a_note():
    found = fit(parabolic(budgets=(1e11, 1e13), factors=(0.5, 1.0, 2.0)), "isoflop", resamples=20)
    assert found.diagnostics["shape"] == "parabola"
    assert any("no more than the numbers that two-powers would take" in note for note in found.notes)
    assert any("so there are no intervals" in note for note in found.notes) and np.isnan(found.interval("a")[0])


def test_an_unknown_shape_is_refused():
    with pytest.raises(BadInput, match="shape is 'circle'; an isoFLOP curve must be one of two-powers"):
        fit(isoflop(), "isoflop", shape="circle")
    with pytest.raises(BadInput, match="shape is 'cubic', but envelope has no curves to shape"):
        fit(isoflop(), "envelope", shape="cubic")


def test_one_budget_alone_is_judged_for_its_bracket():
    table = isoflop(budgets=(1e12,), sizes=8)
    assert bracketed(canonical(table)) == {1e12: True}
    assert bracketed(canonical(table[table["n"] > 1.2 * table["n"].median()])) == {1e12: False}


def test_every_published_isoflop_experiment_can_be_fitted(shared_data):
    # Czech et al. 2026 (2603.22339): eight experiments, outliers labelled.
    runs = pd.read_csv(shared_data / "isoflops.csv").rename(columns={"N": "n", "D": "d", "C": "c"})
    runs = runs[~runs["outlier"]].assign(budget=lambda t: t["c"])
    for name, group in runs.groupby("experiment"):
        found = fit(group[["n", "d", "c", "budget", "loss"]], "isoflop", resamples=100)
        low, high = found.interval("a")
        assert found.identified and 0.3 < low < found.params["a"] < high < 0.62 and high - low < 0.1, name


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


def test_each_minimum_has_the_interval_of_its_resamples():
    optima = fit(isoflop(0.003, seed=1), "isoflop", resamples=200).extra["minima"]
    counting = optima[optima["bracketed"]]
    for key in ("n_opt", "d_opt"):
        assert (counting[f"{key}_low"] < counting[key]).all() and (counting[key] < counting[f"{key}_high"]).all()
    wider = fit(isoflop(0.006, seed=1), "isoflop", resamples=200).extra["minima"]
    assert (wider["n_opt_high"] / wider["n_opt_low"] > optima["n_opt_high"] / optima["n_opt_low"]).mean() > 0.5
    assert "n_opt_low" not in fit(isoflop(0.003), "isoflop", resamples=0).extra["minima"]
