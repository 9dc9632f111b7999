"""On a dark page every colour is bright enough to see, and the numbers are those of the light one."""

import json

import plotly.colors
import plotly.graph_objects as go
import pytest

from tests.factories import make_runs
from workbench.reporting import dark, theme
from workbench.reporting.figures.explore import scatter


@pytest.fixture(scope="module")
def light() -> go.Figure:
    return scatter(make_runs(0)[0], "flops", "loss", "n_params")


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2) of an rgb(…) colour."""
    parts = [value / 255 for value in plotly.colors.unlabel_rgb(color)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_points_are_the_same_and_the_original_is_untouched(light: go.Figure):
    before = light.to_json()
    changed = dark.on_dark(light)
    assert [list(trace.x) for trace in changed.data] == [list(trace.x) for trace in light.data]
    assert light.to_json() == before


def test_the_paper_is_transparent_and_the_ink_pale(light: go.Figure):
    changed = dark.on_dark(light)
    assert changed.layout.paper_bgcolor == changed.layout.plot_bgcolor == dark.PAPER
    assert changed.layout.template.layout.font.color == dark.PALE
    assert theme.INK not in json.dumps(changed.to_plotly_json(), default=str)


def test_the_scale_keeps_its_order_and_a_contrast_of_two_to_one():
    shades = [theme.shade(value, 1.0, 1000.0) for value in (1.0, 10.0, 100.0, 1000.0)]
    figure = go.Figure([go.Scatter(x=[1], y=[1], marker={"color": shade}) for shade in shades])
    seen = [luminance(trace.marker.color) for trace in dark.on_dark(figure).data]
    page = 0.009  # luminance of #171614, Streamlit's dark page
    assert seen == sorted(seen)
    assert all((value + 0.05) / (page + 0.05) > 2 for value in seen)
