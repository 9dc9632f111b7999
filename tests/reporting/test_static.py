"""Figures on paper: what plotly would show is drawn, no label touches another, the bytes are the same each time."""

import importlib
import inspect
import json
import pkgutil
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from matplotlib.collections import PathCollection
from plotly.subplots import make_subplots

from tests.factories import make_runs
from workbench.reporting import figures, static, theme
from workbench.reporting.figures.pieces import band, color_bar
from workbench.reporting.static.text import color, text
from workbench.reporting.static.traces import TRACES


def specification(figure: go.Figure) -> dict:
    return json.loads(figure.to_json())


@pytest.fixture(scope="module")
def isoflop() -> dict:
    grid = make_runs(0)[0].query("role == 'grid'")
    table = pd.DataFrame({"n": grid["n_params"], "loss": grid["loss"], "budget": grid["budget"]})
    minima = pd.DataFrame({"budget": [1e11, 1e13], "n_opt": [1e4, 1e5], "loss_opt": [5.0, 3.0]})
    return specification(figures.isoflop(table, minima.assign(bracketed=[True, False])))


def points(figure) -> np.ndarray:
    """Where every marker stands."""
    drawn = [
        c.get_offsets().filled(np.nan) for ax in figure.axes for c in ax.collections if isinstance(c, PathCollection)
    ]
    return np.concatenate(drawn)


def test_every_point_of_the_specification_is_drawn(isoflop: dict):
    drawn = points(static.draw(isoflop))
    asked = [(x, y) for trace in isoflop["data"] for x, y in zip(trace["x"], trace["y"], strict=True)]
    assert np.array(sorted(map(tuple, drawn.tolist()))) == pytest.approx(np.array(sorted(asked)))


def test_axes_keep_their_scale_range_and_ticks(isoflop: dict):
    (axes,) = static.draw(isoflop).axes
    wanted = isoflop["layout"]["xaxis"]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert np.log10(axes.get_xlim()) == pytest.approx(wanted["range"])
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == [
        t for v, t in zip(wanted["tickvals"], wanted["ticktext"], strict=True) if 10 ** wanted["range"][0] <= v
    ]
    assert axes.get_xlabel() == "parameters N"


def test_the_legend_names_what_plotly_names_and_stands_outside_the_axes(isoflop: dict):
    figure = static.draw(isoflop)
    (legend,) = figure.legends
    names = [trace["name"] for trace in isoflop["data"] if trace.get("showlegend") is not False]
    assert [entry.get_text() for entry in legend.get_texts()] == names
    renderer = figure.canvas.get_renderer()
    assert legend.get_window_extent(renderer).y0 >= figure.axes[0].get_window_extent(renderer).y1


@pytest.mark.parametrize("width", [static.FULL, static.COLUMN], ids=["full", "column"])
def test_no_tick_label_touches_another_and_nothing_leaves_the_page(isoflop: dict, width: static.Width):
    figure = static.draw(isoflop, width)
    renderer = figure.canvas.get_renderer()
    for axis, ends in ((figure.axes[0].xaxis, ("x0", "x1")), (figure.axes[0].yaxis, ("y0", "y1"))):
        boxes = [t.get_window_extent(renderer) for t in axis.get_ticklabels() if t.get_visible() and t.get_text()]
        spans = sorted((getattr(box, ends[0]), getattr(box, ends[1])) for box in boxes)
        assert all(after[0] > before[1] for before, after in pairwise(spans))
    tight = figure.get_tightbbox(renderer)
    assert tight.x0 >= -0.01 and tight.x1 <= width.mm / 25.4 + 0.01


def test_crowded_labels_are_thinned():
    names = [f"{i} thousand parameters" for i in range(12)]
    figure = go.Figure(go.Scatter(x=list(range(12)), y=[1] * 12, mode="markers"))
    figure.update_xaxes(tickvals=list(range(12)), ticktext=names, range=[-0.5, 11.5])
    shown = [t for t in static.draw(specification(figure), static.COLUMN).axes[0].get_xticklabels() if t.get_visible()]
    assert 1 < len(shown) < 6


@pytest.mark.parametrize("kind", static.KINDS)
def test_the_same_specification_gives_the_same_bytes(isoflop: dict, kind: str):
    assert static.picture(isoflop, kind) == static.picture(isoflop, kind)


def test_letters_are_outlines_in_svg_and_embedded_in_pdf(isoflop: dict):
    svg = static.picture(isoflop, "svg").decode()
    assert "<text" not in svg and "font-family" not in svg
    pdf = static.picture(isoflop, "pdf")
    assert b"/FontFile2" in pdf


def test_panels_stand_side_by_side_over_the_page_and_under_one_another_in_a_column():
    table = pd.DataFrame({"n": [1e4, 1e5], "d": [1e6, 1e7], "c": [1e10, 1e11], "residual": [0.01, -0.01]})
    plot = specification(figures.residuals(table))
    wide, narrow = static.draw(plot), static.draw(plot, static.COLUMN)
    assert len({round(axes.get_position().y0, 3) for axes in wide.axes}) == 1
    assert len({round(axes.get_position().x0, 3) for axes in narrow.axes}) == 1
    labelled = [[t.get_visible() for t in axes.get_yticklabels()] for axes in wide.axes]
    assert any(labelled[0]) and not any(labelled[1]) and not any(labelled[2])


def test_bands_bars_of_error_shapes_and_hollow_symbols_are_drawn():
    figure = theme.blank()
    band(figure, [1, 2], [1, 2], [3, 4], theme.BLUE)
    error = {"type": "data", "symmetric": False, "array": [1, None], "arrayminus": [0.5, 0]}
    figure.add_scatter(x=[1, 2], y=[2, 3], mode="markers", error_y=error, marker={"symbol": ["circle", "circle-open"]})
    figure.add_vline(x=1.5)
    color_bar(figure, [1.0, 100.0], "N", "count")
    drawn = static.draw(specification(figure))
    axes, bar = drawn.axes
    assert len(axes.patches) == 1 and len(axes.lines) >= 1
    assert bar.get_ylabel() == "N" and [t.get_text() for t in bar.get_yticklabels()] == ["1", "10", "100"]
    hollow = [c for c in axes.collections if isinstance(c, PathCollection) and len(c.get_facecolors()) == 0]
    assert len(hollow) == 1


def test_words_on_an_axis_are_places_in_their_order():
    figure = go.Figure(go.Scatter(x=[1, 2, 3], y=["b", "a", "c"], mode="markers"))
    figure.update_yaxes(autorange="reversed")
    (axes,) = static.draw(specification(figure)).axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["b", "a", "c"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


@pytest.mark.parametrize(
    "trace",
    [
        go.Bar(x=["a", "b"], y=[1, 2]),
        go.Bar(y=["a", "b"], x=[1, 2], orientation="h"),
        go.Histogram(x=[1, 1, 2, 3]),
        go.Heatmap(z=[[1, 2], [3, None]], x=["a", "b"], y=["c", "d"]),
        go.Contour(z=np.array([[1.0, 2.0], [3.0, 4.0]]), x=[1, 2], y=[1, 2]),
        go.Scatter(x=[1, 2], y=[1, 2], mode="text", text=["a", "b"], textposition="top right"),
    ],
    ids=lambda trace: trace.type,
)
def test_each_kind_of_trace_is_drawn(trace):
    assert trace.type in TRACES
    assert len(static.picture(specification(go.Figure(trace)), "svg")) > 3000


def test_an_unknown_kind_of_trace_or_symbol_is_refused():
    with pytest.raises(static.CannotDraw, match="a trace of the kind pie has no static drawing; there are: scatter"):
        static.draw(specification(go.Figure(go.Pie(values=[1, 2]))))
    with pytest.raises(static.CannotDraw, match="bowtie"):
        static.draw(specification(go.Figure(go.Scatter(x=[1], y=[1], mode="markers", marker={"symbol": "bowtie"}))))


def test_a_message_is_its_words_alone():
    figure = static.draw(specification(theme.message("No learning curve was recorded for these runs.")))
    assert [t.get_text() for t in figure.texts] == ["No learning curve was recorded for these runs."]
    assert not figure.axes[0].axison


def test_plotlys_markup_and_colours_are_read():
    assert text("N<sub>opt</sub> [<b>a</b>]<br>$5") == "N$_{\\mathdefault{opt}}$ [a]\n\\$5"
    assert color("rgba(0, 114, 178, 0.5)") == pytest.approx((0, 114 / 255, 178 / 255, 0.5))
    assert color("#0072b2", 0.5) == pytest.approx((0, 114 / 255, 178 / 255, 0.5))


def test_every_kind_of_trace_that_the_figures_make_is_known():
    """Read from the sources: `go.Name` makes a trace of the kind `name`."""
    import workbench.reporting.figures as room

    on_screen = {"parcoords", "figure"}
    for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
        source = inspect.getsource(importlib.import_module(module.name))
        kinds = {name.lower() for name in re.findall(r"\bgo\.([A-Z]\w+)", source)}
        assert kinds - on_screen <= set(TRACES), module.name


def test_subplot_titles_stand_over_their_panels():
    figure = make_subplots(cols=2, subplot_titles=["left", "right"])
    for column in (1, 2):
        figure.add_scatter(x=[1, 2], y=[1, 2], row=1, col=column)
    assert [axes.get_title() for axes in static.draw(specification(figure)).axes] == ["left", "right"]


def test_words_that_would_cross_the_side_of_a_panel_turn_to_the_other_side_of_their_place():
    figure = go.Figure(go.Scatter(x=[0, 10], y=[0, 1], mode="lines"), layout={"xaxis": {"range": [0, 10]}})
    figure.add_annotation(x=0.5, y=0.5, text="the largest budget of all", showarrow=False, xanchor="right")
    drawn = static.draw(specification(figure))
    (axes,) = drawn.axes
    (words,) = axes.texts
    renderer = drawn.canvas.get_renderer()
    assert words.get_window_extent(renderer).x0 >= axes.get_window_extent(renderer).x0


@pytest.mark.parametrize("mode", ["stack", "group"])
def test_bars_stand_on_one_another_or_side_by_side(mode: str):
    figure = go.Figure([go.Bar(y=["a"], x=[share], orientation="h") for share in (1, 2)], layout={"barmode": mode})
    first, second = static.draw(specification(figure)).axes[0].patches
    assert (first.get_x(), first.get_width(), second.get_width()) == (0, 1, 2)
    assert second.get_x() == (1 if mode == "stack" else 0)
    assert (second.get_y() == first.get_y()) == (mode == "stack")
