"""Pictures of a law's sureness, its map, and what a budget buys: each draws the numbers it is given."""

import numpy as np
import pandas as pd
import pytest

from workbench.reporting import theme
from workbench.reporting.figures import surface, uncertainty, what_if


def test_a_profile_has_a_panel_a_parameter_and_the_line_in_each():
    value = np.linspace(0.5, 1.5, 9)
    curves = pd.concat(
        [
            pd.DataFrame({"name": name, "value": value, "statistic": 40 * (value - 1) ** 2})
            for name in ("E", "alpha", "a")
        ]
    )
    figure = uncertainty.profiles(curves, limit=4.0, level=0.95)
    assert [list(trace.y) for trace in figure.data] == [pytest.approx(list(40 * (value - 1) ** 2))] * 3
    assert [(line.y0, line.y1) for line in figure.layout.shapes] == [(4.0, 4.0)] * 3
    assert [axis.title.text for axis in figure.select_xaxes()] == ["E", "α", "a"]


def test_a_cloud_draws_each_pair_once_and_keeps_outliers_out_of_its_axes():
    rng = np.random.default_rng(0)
    draws = pd.DataFrame(rng.uniform(1, 2, (300, 3)), columns=["E", "A", "beta"])
    draws.loc[0, "A"] = 1e9
    figure = uncertainty.cloud(draws, draws.median())
    clouds = [trace for trace in figure.data if trace.name == "resample"]
    assert len(clouds) == 3
    assert sum(trace.showlegend for trace in figure.data) == 2
    ends = figure.layout.xaxis4.range
    assert max(ends) < 3


def test_exponents_stand_in_the_order_given_from_the_top():
    rows = pd.DataFrame(
        {"label": ["one", "two", "paper"], "a": [0.5, 0.4, 0.73], "low": [0.4, 0.3, np.nan], "high": [0.6, 0.5, np.nan],
         "ours": [True, True, False]}
    )  # fmt: skip
    figure = uncertainty.exponents(rows)
    assert figure.layout.yaxis.categoryarray == ("paper", "two", "one")
    ours = next(trace for trace in figure.data if trace.name == "these runs")
    assert list(ours.y) == ["two", "one"]
    assert list(ours.error_x.array) == pytest.approx([0.1, 0.1])
    assert list(next(trace for trace in figure.data if trace.name == "published").error_x.array) == [0.0]


def test_a_map_colours_runs_as_its_ground():
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e4, 1e6, 6), np.geomspace(1e5, 1e7, 5)))
    grid = pd.DataFrame({"n": n, "d": d, "loss": 1 + 50 / n**0.3 + 50 / d**0.3})
    points = grid.iloc[[3, 17]].assign(predicted=lambda rows: rows["loss"])
    figure = surface.contour(grid, points, None, None)
    ground, runs = figure.data
    assert np.exp(np.array(ground.z)).ravel() == pytest.approx(grid["loss"].to_numpy())
    assert (ground.zmin, ground.zmax) == (runs.marker.cmin, runs.marker.cmax)
    assert list(runs.marker.color) == pytest.approx(list(np.log(points["loss"])))


def test_one_budget_marks_each_choice():
    n = np.geomspace(1e4, 1e6, 9)
    line = pd.DataFrame({"n": n, "loss": 2 + np.log(n / 1e5) ** 2 / 50}).assign(
        low=lambda f: f["loss"] - 0.1, high=lambda f: f["loss"] + 0.1, limited=lambda f: f["loss"] + 0.3
    )
    choices = pd.DataFrame({"kind": ["optimum", "served"], "n": [1e5, 3e4], "loss": [2.0, 2.0]})
    names = [trace.name for trace in what_if.one_budget(line, choices).data]
    assert names == [
        "interval of the law", "all tokens distinct", "with the limit on data", "compute-optimal",
        "cheapest with inference (more training)",
    ]  # fmt: skip


def test_published_laws_keep_their_colours_without_ours():
    theirs = pd.DataFrame({"source": ["K", "K", "H", "H"], "flops": [1e10, 1e12] * 2, "n": [1e4, 1e5] * 2})
    ours = theirs.head(2).assign(source=what_if.OURS, n_low=5e3, n_high=2e5)

    def colours(lines: pd.DataFrame) -> dict[str, str]:
        return {t.name: t.line.color for t in what_if.beside(lines, ("n",), {"largest": 1e11}).data if t.name}

    both = colours(pd.concat([ours, theirs]))
    assert both.pop(what_if.OURS) == theme.BLUE
    assert both == colours(theirs)
