"""One look for every figure: a palette that survives colour blindness and print, quiet axes, labels a person reads."""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import plotly.colors
import plotly.graph_objects as go

from workbench.reporting import formats

# Okabe & Ito (2008), without yellow, which print and projectors lose on white.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"
INK, SOFT, GRID = "#1b1f24", "#57606a", "#e6e9ed"
CATEGORIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK)

LAW_COLORS = {
    "chinchilla": BLUE,
    "isoflop": VERMILION,
    "envelope": GREEN,
    "kaplan-nd": PURPLE,
    "kaplan-c": ORANGE,
    "kaplan-n": SKY,
    "kaplan-d": INK,
}
"""Each law keeps its colour on every figure."""

LAW_DASHES = {"isoflop": "dash", "envelope": "dashdot"}
"""Laws that often lie on one another differ in dash too, so that the lower one still shows."""

LAW_NAMES = {
    "chinchilla": "parametric L(N, D)",
    "chinchilla-tied": "parametric, α = β",
    "isoflop": "isoFLOP minima",
    "envelope": "envelope",
    "kaplan-nd": "Kaplan L(N, D)",
    "kaplan-c": "Kaplan L(C)",
    "kaplan-n": "Kaplan L(N)",
    "kaplan-d": "Kaplan L(D)",
}
"""Law → what a legend calls it."""

# Viridis, cut before its pale greens and yellow, which vanish on white paper.
CUT = 0.8
SCALE = plotly.colors.sample_colorscale("Viridis", [i / 10 * CUT for i in range(11)])
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def _axis() -> dict[str, Any]:
    return {
        "showgrid": True,
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": SOFT,
        "showline": True,
        "ticks": "outside",
        "tickcolor": SOFT,
        "automargin": True,
        "title": {"standoff": 10},
    }


TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 14, "color": INK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "colorway": list(CATEGORIES),
        "xaxis": _axis(),
        "yaxis": _axis(),
        "margin": {"l": 70, "r": 24, "t": 56, "b": 60},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "font": {"size": 13}},
        "hoverlabel": {"font": {"family": FONT, "size": 13}},
    }
)


def blank(height: int = 460) -> go.Figure:
    """An empty figure in the house's look."""
    return go.Figure(layout={"template": TEMPLATE, "height": height})


def dress(figure: go.Figure, height: int = 460) -> go.Figure:
    """The house's look on a figure that plotly made (subplots)."""
    return figure.update_layout(template=TEMPLATE, height=height)


def message(text: str, height: int = 160) -> go.Figure:
    """A figure that could not be drawn says why."""
    figure = blank(height).update_xaxes(visible=False).update_yaxes(visible=False)
    return figure.add_annotation(text=text, showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper")


def shade(value: float, low: float, high: float) -> str:
    """The colour of `value` on a logarithmic scale from low to high."""
    share = 0.5 if high <= low else (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return _viridis(CUT * min(max(share, 0.0), 1.0))


@lru_cache(maxsize=4096)
def _viridis(position: float) -> str:
    """Plotly takes two milliseconds for a colour, and a figure asks for one a run."""
    return str(plotly.colors.sample_colorscale("Viridis", [position])[0])


def faded(color: str, alpha: float) -> str:
    """A colour with transparency, for bands: from #rrggbb."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def log_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Round numbers on [low, high]: decades where they are enough, else 1-2-5, else finer."""
    dense = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
    for least, mantissas in ((3, (1.0,)), (3, (1.0, 3.0)), (3, (1.0, 2.0, 5.0)), (4, dense)):
        ticks = _round_numbers(low, high, mantissas)
        if len(ticks) >= least:
            return ticks[:: -(-len(ticks) // most)]
    return linear_ticks(low, high, most)


def _round_numbers(low: float, high: float, mantissas: Sequence[float]) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    values = [mantissa * 10.0**exponent for exponent in range(first, last + 1) for mantissa in mantissas]
    return [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """Evenly spaced round values: over less than half a decade they read better than 1-2-5."""
    raw = (high - low) / most
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= raw)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def log_axis(values: Any, title: str, style: str = "power", most: int = 7, pad: float = 0.04) -> dict[str, Any]:
    """Settings of a logarithmic axis over `values`: range, ticks at round numbers, labels in the given style."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite) & (finite > 0)]
    if finite.size == 0:
        return {"type": "log", "title": {"text": title}}
    low, high = float(finite.min()), float(finite.max())
    room = max(pad * math.log10(high / low), 0.01)
    low, high = low * 10**-room, high * 10**room
    ticks = log_ticks(low, high, most)
    return {
        "type": "log",
        "title": {"text": title},
        "range": [math.log10(low), math.log10(high)],
        "tickvals": ticks,
        "ticktext": [label(tick, style) for tick in ticks],
    }


def label(value: float, style: str) -> str:
    """A tick's label: 10¹¹ for FLOPs, 50k for counts, plain digits for losses."""
    if style == "power":
        return formats.power(value, 2)
    if style == "count":
        text = formats.count(value, 3)
        return re.sub(r"\.?0+(?=[kMBT]$)", "", text) if "." in text else text
    return f"{value:.6g}"
