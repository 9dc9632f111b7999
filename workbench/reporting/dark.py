"""The same figure on a dark page: paper becomes transparent, ink pale, and the scale keeps clear of the dark end."""

import copy
import re
from typing import Any

import numpy as np
import plotly.colors
import plotly.graph_objects as go

from workbench.reporting import theme

PALE, DIM, LINES, PAPER = "#e6e9ed", "#9aa4af", "#343b44", "rgba(0,0,0,0)"

SWAPS = {
    theme.INK: PALE,
    theme.SOFT: DIM,
    theme.GRID: LINES,
    "white": "#171614",
    theme.BLUE: "#3d9be0",
    "#ffffff": PAPER,
}
"""Colour on a light page → on a dark one. The other colours of the palette are bright enough for both."""

STEPS = 256
FIRST = 0.28
"""Viridis below this is too dark to see on a dark page."""

_POSITIONS = np.linspace(0.0, theme.CUT, STEPS)
_LIGHT = np.array([plotly.colors.unlabel_rgb(text) for text in plotly.colors.sample_colorscale("Viridis", _POSITIONS)])
_DARK = plotly.colors.sample_colorscale("Viridis", np.linspace(FIRST, 1.0, STEPS))
_RGB = re.compile(r"rgb\([\d., ]+\)")
_FADED = re.compile(r"rgba\(([\d.]+, [\d.]+, [\d.]+), ([\d.]+)\)")
"""A colour of the scale with transparency; those of the palette are written without spaces."""


def on_dark(figure: go.Figure) -> go.Figure:
    """A copy of `figure` for a dark page."""
    swapped = go.Figure(_swapped(copy.deepcopy(figure.to_plotly_json())))
    return swapped.update_layout(paper_bgcolor=PAPER, plot_bgcolor=PAPER)


def colors(value: Any) -> dict[str, str]:
    """Every colour in a specification that a dark page draws otherwise → its colour there."""
    if isinstance(value, dict | list | tuple):
        items = value.values() if isinstance(value, dict) else value
        # Most of a specification is lists of numbers.
        found = [colors(item) for item in items if isinstance(item, str | dict | list | tuple)]
        return dict(sorted(pair for one in found for pair in one.items()))
    if not isinstance(value, str) or (changed := _swapped(value)) == value:
        return {}
    return {value: str(changed)}


def _swapped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _swapped(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_swapped(item) for item in value]
    if not isinstance(value, str):
        return value
    if value in SWAPS:
        return SWAPS[value]
    if _RGB.fullmatch(value):
        return _brighter(value)
    if shade := _FADED.fullmatch(value):
        return _brighter_band(*shade.groups())
    return _band(value) if value.startswith("rgba(0,114,178") else value


def _brighter(color: str) -> str:
    """The colour at the same place of the dark page's scale."""
    nearest = int(np.argmin(((_LIGHT - np.array(plotly.colors.unlabel_rgb(color))) ** 2).sum(axis=1)))
    return str(_DARK[nearest])


def _brighter_band(color: str, alpha: str) -> str:
    """A band in a colour of the scale, as its line is on a dark page."""
    return _brighter(f"rgb({color})").replace("rgb(", "rgba(").replace(")", f", {alpha})")


def _band(color: str) -> str:
    """A pale band of the palette's blue, with the dark page's blue and the same transparency."""
    return color.replace("rgba(0,114,178", "rgba(61,155,224")
