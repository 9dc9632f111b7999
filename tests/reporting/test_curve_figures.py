"""Lines and bands of training curves: colours by the first key, dashes by the rest, bands on light and dark pages."""

import pandas as pd
import pytest

from workbench.reporting import dark, theme
from workbench.reporting.figures.curves import Axes, curves

ROWS = pd.DataFrame(
    {
        "line": ["a", "a", "a", "b", "b", "b"],
        "x": [1.0, 10.0, 100.0] * 2,
        "y": [4.0, 3.0, 2.0, 5.0, 4.0, 3.0],
        "low": [3.5, 2.5, 1.5, None, None, None],
        "high": [4.5, 3.5, 2.5, None, None, None],
    }
)
AXES = Axes("tokens", "train_loss")


def keys(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=pd.Index(["a", "b"], name="line"))


def test_groups_differ_in_color_and_are_named():
    figure = curves(ROWS, keys(role=["seed", "grid"]), AXES)
    lines = [trace for trace in figure.data if trace.fill is None]
    assert [(line.name, line.line.color) for line in lines] == [("grid", theme.BLUE), ("seed", theme.VERMILION)]
    assert all(line.showlegend for line in lines)


def test_further_keys_change_the_dash():
    figure = curves(ROWS, keys(role=["grid", "grid"], schedule=["cosine", "wsd"]), AXES)
    lines = [trace for trace in figure.data if trace.fill is None]
    assert [(line.name, line.line.dash) for line in lines] == [("grid, cosine", "solid"), ("grid, wsd", "dash")]
    assert len({line.line.color for line in lines}) == 1


def test_a_band_goes_there_and_back_and_a_line_of_one_run_has_none():
    figure = curves(ROWS, keys(role=["seed", "grid"]), AXES)
    (band,) = [trace for trace in figure.data if trace.fill == "toself"]
    assert list(band.x) == [1.0, 10.0, 100.0, 100.0, 10.0, 1.0, None]
    assert list(band.y) == [4.5, 3.5, 2.5, 1.5, 2.5, 3.5, None]


def test_many_sizes_are_a_scale_and_a_missing_key_comes_last():
    rows = pd.concat([ROWS.assign(line=name) for name in "abcde"])
    sizes = pd.DataFrame({"n_params": [1e3, 1e4, 1e5, 1e6, None]}, index=pd.Index(list("abcde"), name="line"))
    figure = curves(rows, sizes, AXES)
    lines = [trace for trace in figure.data if trace.fill is None and trace.name]
    assert [line.name for line in lines] == ["1k", "10k", "100k", "1M", "none"]
    assert lines[-1].line.color == theme.SOFT
    assert not any(line.showlegend for line in lines)
    assert any(trace.marker.showscale for trace in figure.data)


def test_a_band_of_the_scale_is_as_bright_as_its_line_on_a_dark_page():
    rows = pd.concat([ROWS.assign(line=name) for name in "abcd"])
    sizes = pd.DataFrame({"n_params": [1e3, 1e4, 1e5, 1e6]}, index=pd.Index(list("abcd"), name="line"))
    changed = dark.on_dark(curves(rows, sizes, AXES))
    bands = [trace for trace in changed.data if trace.fill == "toself"]
    lines = [trace for trace in changed.data if trace.fill is None and trace.name]
    for band, line in zip(bands, lines, strict=True):
        assert band.fillcolor == line.line.color.replace("rgb(", "rgba(").replace(")", ", 0.2)")


@pytest.mark.parametrize("log", [True, False])
def test_nothing_to_draw_is_said(log: bool):
    figure = curves(ROWS.head(0), keys(role=["grid", "grid"]), Axes("tokens", "train_loss", log, log))
    assert figure.layout.annotations[0].text == "These runs recorded no training loss to draw."
