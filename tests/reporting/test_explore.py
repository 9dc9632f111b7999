"""Figures a reader steers: every run and every recorded point is drawn, coloured by the key that was asked for."""

import numpy as np
import pandas as pd
import pytest

from tests.factories import make_runs
from workbench.analyses.exploring import CURVE_X, CURVE_Y, GROUPS, curves_figure, runs_figure
from workbench.reporting import theme
from workbench.reporting.figures.explore import FEW, QUANTITIES, curves, scatter
from workbench.reporting.figures.single import single_law

Tables = tuple[pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def tables() -> Tables:
    runs, rows, _ = make_runs(0)
    return runs, rows


def values(figure, axis):
    """Everything drawn along an axis, gaps between runs left out."""
    return sorted(v for trace in figure.data for v in trace[axis] if v is not None)


def test_a_scatter_draws_each_run_once(tables: Tables):
    runs, _ = tables
    figure = scatter(runs, "flops", "loss", "role")
    assert values(figure, "x") == sorted(runs["flops"])
    assert values(figure, "y") == sorted(runs["loss"])
    assert [trace.name for trace in figure.data] == ["grid", "rate", "seed"]


def test_many_sizes_are_a_scale_and_few_have_a_legend(tables: Tables):
    runs, _ = tables
    shaded = scatter(runs, "flops", "loss", "n_params")
    assert runs["n_params"].nunique() > FEW
    assert not any(trace.showlegend for trace in shaded.data)
    assert any(trace.marker.showscale for trace in shaded.data)
    few = scatter(runs, "flops", "loss", "rate_factor")
    assert [trace.name for trace in few.data] == ["0.5", "1", "2"]
    assert all(trace.showlegend for trace in few.data)


def test_runs_without_the_key_are_drawn_as_none(tables: Tables):
    runs = tables[0].assign(budget=lambda frame: frame["budget"].where(frame["role"] == "grid"))
    figure = scatter(runs, "flops", "loss", "budget")
    missing = next(trace for trace in figure.data if trace.name == "none")
    assert len(missing.x) == int((runs["role"] != "grid").sum())
    assert missing.marker.color == theme.SOFT


@pytest.mark.parametrize("x", CURVE_X)
@pytest.mark.parametrize("y", CURVE_Y)
def test_curves_draw_every_recorded_point_on_any_axes(tables: Tables, x: str, y: str):
    runs, rows = tables
    kept = rows.dropna(subset=[x, y])
    kept = kept[(kept[x] > 0) & (kept[y] > 0)]
    figure = curves(runs, rows, x, y, "budget")
    # Lines are written to six digits, which no screen can tell from sixteen.
    assert values(figure, "x") == pytest.approx(sorted(kept[x]), rel=1e-5)
    assert values(figure, "y") == pytest.approx(sorted(kept[y]), rel=1e-5)


def test_a_linear_axis_keeps_zeros_that_a_logarithmic_one_cannot_show(tables: Tables):
    runs, rows = tables
    zeros = rows.assign(learning_rate=rows["learning_rate"].where(rows["point"] != "final", 0.0))
    linear = curves(runs, zeros, "step", "learning_rate", "role", log_y=False)
    logarithmic = curves(runs, zeros, "step", "learning_rate", "role")
    assert len(values(linear, "y")) == len(rows)
    assert len(values(logarithmic, "y")) == len(rows) - len(runs)


@pytest.mark.parametrize("group", GROUPS)
def test_any_key_may_colour_the_curves(tables: Tables, group: str):
    runs, rows = tables
    assert len(values(curves(runs, rows, "tokens", "train_loss", group), "x")) == len(rows)
    assert group in QUANTITIES


def test_what_is_thinned_is_said_and_what_is_not_is_said_too(tables: Tables):
    runs, rows = tables
    whole = curves_figure(runs, rows, "tokens", "train_loss", "n_params")
    assert whole.caption.endswith("40 runs, all 960 recorded points.")
    steps = np.arange(1, 1001)
    long = pd.DataFrame({"run_id": runs["run_id"][0], "step": steps, "tokens": steps * 10, "train_loss": 5 / steps})
    thinned = curves_figure(runs, long, "tokens", "train_loss", "n_params")
    assert "400 evenly spaced points are drawn (400 of 1,000); 39 runs recorded none." in thinned.caption
    assert len(thinned.data) == 400
    assert set(thinned.data["tokens"]) >= {10, 10_000}


def test_runs_without_a_value_are_counted(tables: Tables):
    runs = tables[0].assign(loss=lambda frame: frame["loss"].where(frame["role"] != "rate"))
    assert runs_figure(runs, "flops", "loss", "role").caption.endswith("32 runs; 8 runs without a value left out.")
    nothing = runs_figure(runs.assign(loss=np.nan), "flops", "loss", "role")
    assert "None of these runs" in nothing.figure.layout.annotations[0].text


def test_a_law_of_one_variable_has_its_points_its_line_and_its_band():
    x = np.geomspace(1e3, 1e5, 9)
    line = pd.DataFrame({"d": x, "loss": x**-0.1, "low": 0.9 * x**-0.1, "high": 1.1 * x**-0.1})
    figure = single_law(line[["d", "loss"]], line, "d")
    assert [trace.name for trace in figure.data] == [None, "fitted law", "points of the fit"]
    assert figure.layout.xaxis.title.text == "tokens D"
