"""Curves as they are drawn: smoothing as pandas does it, interpolation and bands as plain numpy does them."""

import numpy as np
import pandas as pd
import pytest

from tests.factories import make_store
from workbench.analyses.curve_bands import folded
from workbench.analyses.curve_reading import Grid, Gridded, Quantities, gridded, lines, smoothed, thinned
from workbench.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(make_store(tmp_path_factory.mktemp("curves") / "store"))


@pytest.mark.parametrize("span", [2, 5, 100])
def test_smoothing_is_that_of_pandas(span: int):
    y = np.random.default_rng(0).standard_normal(300)
    assert smoothed(y, span) == pytest.approx(pd.Series(y).ewm(span=span).mean().to_numpy())


@pytest.mark.parametrize("span", [0, 1])
def test_no_span_leaves_a_curve_as_it_is(span: int):
    y = np.array([3.0, 1.0, 2.0])
    assert smoothed(y, span).tolist() == y.tolist()


def test_thinning_keeps_the_ends_and_spaces_evenly():
    assert thinned(5, 10).tolist() == [0, 1, 2, 3, 4]
    assert thinned(101, 5).tolist() == [0, 25, 50, 75, 100]


@pytest.mark.parametrize("x", ["tokens", "step", "flops", "seconds"])
def test_lines_are_what_was_recorded(store: Store, x: str):
    rows = store.curves("r-00000003")
    found = lines(store, ["r-00000003"], Quantities(x, "train_loss"), most=400)
    assert found.rows["x"].tolist() == rows[x].tolist()
    assert found.rows["y"].tolist() == rows["train_loss"].tolist()
    assert (found.runs, found.recorded, found.left_out) == (1, len(rows), 0)


def test_lines_are_smoothed_before_they_are_thinned(store: Store):
    rows = store.curves("r-00000003")
    found = lines(store, ["r-00000003"], Quantities("tokens", "train_loss", span=5), most=4)
    expected = rows["train_loss"].ewm(span=5).mean().to_numpy()[[0, 8, 15, 23]]
    assert found.rows["y"].to_numpy() == pytest.approx(expected)
    assert (len(found.rows), found.recorded) == (4, 24)


def test_perplexity_is_that_of_the_held_out_loss(store: Store):
    rows = store.curves("r-00000003").dropna(subset=["loss"])
    found = lines(store, ["r-00000003"], Quantities("tokens", "perplexity"), most=400)
    assert found.rows["y"].to_numpy() == pytest.approx(np.exp(rows["loss"].to_numpy()))


def test_a_log_axis_leaves_out_what_it_cannot_show_and_counts_it(store: Store):
    rows = store.curves("r-00000003")
    zeros = int((rows["learning_rate"] <= 0).sum())
    asked = Quantities("tokens", "learning_rate")
    assert lines(store, ["r-00000003"], asked, 400).left_out == zeros
    linear = Quantities("tokens", "learning_rate", log_y=False)
    assert lines(store, ["r-00000003"], linear, 400).recorded == len(rows)


@pytest.mark.parametrize("log", [True, False])
def test_curves_are_interpolated_onto_shared_points_and_never_beyond_their_ends(log: bool):
    grid = Grid(log, 0.25 if log else 5.0)
    x = np.array([3.0, 10.0, 40.0, 90.0])
    y = np.array([4.0, 3.0, 2.5, 2.0])
    first, values = grid.on(x, y)
    places = grid.places(np.arange(first, first + len(values)))
    assert values == pytest.approx(np.interp(np.log(places), np.log(x), y) if log else np.interp(places, x, y))
    assert places[0] >= 3.0
    assert places[-1] <= 90.0
    before, after = grid.places(np.array([first - 1, first + len(values)]))
    assert before < 3.0
    assert after > 90.0


@pytest.mark.parametrize("band", ["range", "se", "sd"])
def test_a_band_is_that_of_plain_numpy_where_all_runs_have_points(band: str):
    curves = {"a": (0, np.array([4.0, 3.0, 2.0, 1.0])), "b": (1, np.array([5.0, 1.0, 2.0])), "c": (0, np.arange(4.0))}
    found = folded(Gridded(Grid(False, 10.0), curves, {"a": 4, "b": 3, "c": 4}), {"g": ["a", "b", "c", "gone"]}, band)
    matrix = np.array([[3.0, 2.0, 1.0], [5.0, 1.0, 2.0], [1.0, 2.0, 3.0]])
    middle, spread = matrix.mean(axis=0), np.std(matrix, axis=0, ddof=1)
    low, high = {
        "range": (matrix.min(axis=0), matrix.max(axis=0)),
        "se": (middle - spread / np.sqrt(3), middle + spread / np.sqrt(3)),
        "sd": (middle - spread, middle + spread),
    }[band]
    assert found.rows["x"].tolist() == [10.0, 20.0, 30.0]
    for name, expected in (("y", middle), ("low", low), ("high", high)):
        assert found.rows[name].to_numpy() == pytest.approx(expected)
    assert (found.runs, found.recorded, found.apart) == (3, 11, 0)


def test_a_line_of_one_run_has_no_band_and_runs_that_never_meet_have_no_line():
    curves = {"a": (0, np.array([2.0, 1.0])), "b": (5, np.array([2.0, 1.0]))}
    made = Gridded(Grid(False, 1.0), curves, {"a": 2, "b": 2})
    alone = folded(made, {"a": ["a"]}, "range")
    assert alone.rows["low"].isna().all()
    assert folded(made, {"both": ["a", "b"]}, "range").apart == 1


def test_the_grid_of_a_store_is_that_of_each_of_its_curves(store: Store):
    found = gridded(store, Quantities("tokens", "train_loss"))
    rows = store.curves("r-00000003")
    first, values = found.curves["r-00000003"]
    places = found.grid.places(np.arange(first, first + len(values)))
    expected = np.interp(np.log(places), np.log(rows["tokens"]), rows["train_loss"])
    assert values == pytest.approx(expected, rel=1e-6)
    linear = gridded(store, Quantities("tokens", "train_loss", log_x=False))
    assert linear.grid.spacing == pytest.approx(store.curves()["tokens"].max() / 250)
