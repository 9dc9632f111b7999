"""Figures a reader steers: every run is drawn, coloured by the key that was asked for."""

import numpy as np
import pandas as pd
import pytest

from tests.factories import make_runs
from workbench.analyses.exploring import runs_figure
from workbench.reporting import theme
from workbench.reporting.figures.explore import FEW, scatter
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
