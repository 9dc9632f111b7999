"""Parallel coordinates: each run a line across one axis per quantity, coloured by the last of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.reporting import theme
from workbench.reporting.figures.explore import quantity

WIDE = 10.0
"""An axis of positive numbers is logarithmic where the largest is more than so many times the smallest."""

MOST_LABELS = 20
"""Labels of an axis of words."""


def parallel(frame: pd.DataFrame, dimensions: Sequence[str], color: str) -> go.Figure:
    """A line for each row, across the columns `dimensions`, shaded by the column `color`; no value may be missing."""
    if frame.empty:
        return theme.message("None of these runs has a value on every axis.")
    shades = np.log10(frame[color]) if _log(frame[color]) else frame[color].astype(float)
    line: dict[str, Any] = {"color": shades.tolist(), "colorscale": theme.SCALE, "showscale": True}
    bar = _axis(frame[color], color)
    ticks = {key: bar[key] for key in ("tickvals", "ticktext") if key in bar}
    line["colorbar"] = {
        "title": {"text": quantity(color).title, "side": "right"},
        "thickness": 14,
        "outlinewidth": 0,
        **ticks,
    }
    drawn = go.Parcoords(
        line=line,
        dimensions=[_axis(frame[name], name) for name in dimensions],
        labelfont={"family": theme.FONT, "size": 13, "color": theme.INK},
        tickfont={"family": theme.FONT, "size": 12, "color": theme.INK},
        rangefont={"family": theme.FONT, "size": 1, "color": "rgba(0,0,0,0)"},
        labelangle=-12,
    )
    figure = theme.blank(520).add_trace(drawn)
    return figure.update_layout(margin={"l": 60, "r": 110, "t": 80, "b": 30})


def logarithmic(frame: pd.DataFrame, dimensions: Sequence[str]) -> list[str]:
    """Those of the axes that are logarithmic."""
    return [name for name in dimensions if _log(frame[name])]


def _log(values: pd.Series) -> bool:
    """Positive numbers over more than a decade."""
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values) or values.empty:
        return False
    return bool(values.min() > 0 and values.max() > WIDE * values.min())


def _axis(values: pd.Series, name: str) -> dict[str, Any]:
    """One axis: a scale of numbers, or the words in their order."""
    kind = quantity(name)
    title = kind.title.partition(" [")[0]
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        words = sorted(values.astype(str).unique())
        places = {word: place for place, word in enumerate(words)}
        shown = words[:: -(-len(words) // MOST_LABELS)]
        return {
            "label": title,
            "values": values.astype(str).map(places).tolist(),
            "tickvals": [places[word] for word in shown],
            "ticktext": shown,
            "range": [-0.5, len(words) - 0.5],
        }
    low, high = float(values.min()), float(values.max())
    if _log(values):
        ticks = theme.log_ticks(low, high, most=6)
        return {
            "label": title,
            "values": np.log10(values).tolist(),
            "tickvals": [float(np.log10(tick)) for tick in ticks],
            "ticktext": [theme.label(tick, kind.style) for tick in ticks],
            "range": [float(np.log10(low)), float(np.log10(high))],
        }
    room = 0.5 * max(abs(low), 1.0) if high <= low else 0.0
    few = sorted(values.unique())
    ticks = few if len(few) <= 6 else theme.linear_ticks(low, high, 6)
    return {
        "label": title,
        "values": values.astype(float).tolist(),
        "tickvals": [float(tick) for tick in ticks],
        "ticktext": [theme.label(float(f"{tick:.3g}"), kind.style) for tick in ticks],
        "range": [low - room, high + room],
    }
