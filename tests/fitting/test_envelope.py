"""Approach 1: the hull against SciPy's, the envelope of curves against the law behind them."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import ConvexHull

from tests.factories import make_runs
from tests.fitting.designs import TRUE, isoflop, loss_of
from workbench.fitting import NotIdentifiable, fit, from_runs
from workbench.fitting.envelope import hull_mask

A = TRUE["beta"] / (TRUE["alpha"] + TRUE["beta"])


def curves() -> pd.DataFrame:
    """Forty sizes, each followed through training."""
    rows = [
        (f"r{i}", n, d, "mid-schedule")
        for i, n in enumerate(np.geomspace(1e4, 1e7, 40))
        for d in np.geomspace(1e5, 1e9, 60)
    ]
    table = pd.DataFrame(rows, columns=["run_id", "n", "d", "point"])
    table["c"] = 6 * table["n"] * table["d"]
    table["loss"] = loss_of(table["n"].to_numpy(), table["d"].to_numpy())
    return table


def test_the_hull_is_the_falling_part_of_scipys():
    points = np.random.default_rng(0).normal(size=(60, 2))
    mask = hull_mask(points[:, 0], points[:, 1], np.ones((1, 60), dtype=bool))[0]
    vertices = ConvexHull(points).vertices
    lowest, leftmost = points[:, 1].argmin(), points[:, 0].argmin()
    below = [
        i
        for i in vertices
        if points[i, 0] <= points[lowest, 0]
        and (
            points[i, 1]
            <= np.interp(points[i, 0], points[[leftmost, lowest], 0], points[[leftmost, lowest], 1]) + 1e-12
        )
    ]
    assert sorted(np.flatnonzero(mask)) == sorted(below)


def test_each_resample_has_the_hull_of_its_own_points():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 30))
    present = rng.random((5, 30)) < 0.5
    together = hull_mask(x, y, present)
    for row, here in zip(together, present, strict=True):
        alone = np.zeros(30, dtype=bool)
        alone[here] = hull_mask(x[here], y[here], np.ones((1, here.sum()), dtype=bool))[0]
        assert (row == alone).all()


def test_the_envelope_of_curves_follows_the_law_behind_them():
    found = fit(curves(), "envelope", resamples=50)
    assert found.extra["kind"] == "curves"
    assert any("training curves" in note for note in found.notes)
    assert found.params["a"] == pytest.approx(A, abs=0.03)
    assert found.params["a"] + found.params["b"] == pytest.approx(1, abs=0.02)
    low, high = found.interval("a")
    assert low < found.params["a"] < high


def test_curves_that_never_reach_the_best_ratio_of_tokens_to_parameters_have_no_envelope():
    table = curves()
    short = table[table["d"] < 0.5 * table["n"]]
    assert short["run_id"].nunique() == 23
    with pytest.raises(NotIdentifiable, match="besides the smallest and the largest at each compute"):
        fit(short, "envelope", resamples=0)


def test_a_budgets_smallest_size_is_no_optimum():
    table = isoflop(sizes=9)
    top = table["budget"] == table["budget"].max()
    best = table.loc[table[top]["loss"].idxmin(), "n"]
    whole = fit(table, "envelope", resamples=0).extra["hull"]
    cut = fit(table[~top | (table["n"] >= best)], "envelope", resamples=0).extra["hull"]
    assert whole["c"].max() == pytest.approx(1e13) and len(cut) == len(whole) - 1 and cut["c"].max() < 5e12


def test_final_points_alone_give_their_lower_hull_and_say_so():
    table = isoflop(sizes=7)
    found = fit(table, "envelope", resamples=0)
    assert found.extra["kind"] == "final points"
    assert any("lower convex hull of final points" in note for note in found.notes)
    assert found.params["a"] == pytest.approx(A, abs=0.05)
    assert all(np.isclose(c, table["budget"]).any() for c in found.extra["hull"]["c"])


def test_a_store_with_curves_uses_them():
    runs, points, _ = make_runs(0)
    assert fit(from_runs(runs, points), "envelope", resamples=0).extra["kind"] == "curves"
    assert fit(from_runs(runs), "envelope", resamples=0).extra["kind"] == "final points"


def test_too_few_sizes_on_the_envelope_are_refused():
    with pytest.raises(NotIdentifiable, match="at least three sizes on the lower envelope"):
        fit(isoflop(budgets=(1e11, 1e12)), "envelope")


def test_curves_that_end_within_half_a_decade_do_not_identify():
    table = curves()
    short = table[table["c"] < 1e13].groupby("run_id").filter(lambda run: run["c"].max() > 3e12)
    assert np.log10(short["c"].max() / short["c"].min()) > 2
    found = fit(short, "envelope", resamples=0)
    assert not found.identified
    assert any(note.startswith("The runs end within 0.") for note in found.notes)


def test_final_points_over_half_a_decade_do_not_identify():
    found = fit(isoflop(budgets=tuple(np.geomspace(1e12, 3e12, 5)), sizes=9), "envelope", resamples=0)
    assert not found.identified
    assert any("The envelope spans 0." in note for note in found.notes)
