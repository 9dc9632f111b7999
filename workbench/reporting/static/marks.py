"""What every kind of trace is drawn with: colours, symbols, bars of error, and the entry of a legend."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D

from workbench.reporting import theme
from workbench.reporting.static.axes import Panel, Plot
from workbench.reporting.static.text import RGBA, array, color, each, numbers, scale


class CannotDraw(ValueError):
    """A kind of trace that has no static drawing."""


@dataclass
class Brush:
    """What a trace is drawn with: its place in the palette, and how many points a pixel is."""

    index: int
    point: float
    bars: tuple[int, int] | None = (0, 1)
    """Of bars beside one another, which this is and how many there are; None where they are stacked."""

    @property
    def own(self) -> str:
        """The palette's colour of a trace that names none."""
        return theme.CATEGORIES[self.index % len(theme.CATEGORIES)]


@dataclass
class Drawn:
    """What a trace leaves for the legend and for a colour bar."""

    handle: Artist | None = None
    mappable: ScalarMappable | None = None
    bar: Plot | None = None


DASHES: dict[str, Any] = {
    "solid": "-",
    "dot": (0, (1, 1.6)),
    "dash": (0, (4, 2)),
    "longdash": (0, (7, 2)),
    "dashdot": (0, (4, 1.6, 1, 1.6)),
    "longdashdot": (0, (7, 1.6, 1, 1.6)),
}

SYMBOLS: dict[str, Any] = {
    "circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "triangle-down": "v", "triangle-left": "<",
    "triangle-right": ">", "cross": "P", "x": "X", "star": "*", "hexagon": "h", "pentagon": "p", "line-ew": "_",
    "line-ns": "|",
}  # fmt: skip
"""Plotly's name of a symbol → matplotlib's; `-open` after it leaves it hollow."""

SIZES = {"*": 1.15, "D": 0.82, "P": 1.05, "X": 1.05}
"""Matplotlib's symbols are drawn in boxes: these make them look as large as plotly's."""


def symbol_of(name: str) -> str:
    """Matplotlib's symbol for plotly's."""
    plain = name.removesuffix("-open").removesuffix("-dot")
    if plain not in SYMBOLS:
        raise CannotDraw(f"the symbol {name} has no static drawing; there are: {', '.join(SYMBOLS)}")
    return str(SYMBOLS[plain])


def handle_of(symbols: list[str], sizes: np.ndarray, shades: list[RGBA], line: Artist | None) -> Artist | None:
    """What a legend shows of the points: the first of them, on the trace's line if it has one."""
    if not symbols:
        return line
    # The commonest symbol stands for the trace: a single hollow point is not what it is.
    symbol = max(symbols, key=symbols.count)
    first = symbols.index(symbol)
    hollow = symbol.endswith("-open")
    base = line if isinstance(line, Line2D) else None
    look: dict[str, Any] = {"linestyle": "none", "color": shades[first]} if base is None else {
        "linestyle": base.get_linestyle(), "color": base.get_color(), "linewidth": base.get_linewidth()
    }  # fmt: skip
    return Line2D(
        [], [], **look, marker=symbol_of(symbol),
        markersize=float(sizes[first]), markerfacecolor="none" if hollow else shades[first],
        markeredgecolor=shades[first], markeredgewidth=0.9 if hollow else 0,
    )  # fmt: skip


def shades_of(
    marker: Plot, many: int, opacity: float, trace: Plot, brush: Brush
) -> tuple[list[RGBA], ScalarMappable | None]:
    """The colour of each point: named, or a number on a scale."""
    listed = marker.get("color")
    values = array(listed) if isinstance(listed, list | tuple | dict) else None
    if values is None or values.dtype.kind in "US" or any(isinstance(one, str) for one in values.tolist()):
        own = (trace.get("line") or {}).get("color") or brush.own
        return [color(one or own, opacity) for one in each(listed, many)], None
    known = np.asarray(values, dtype=float)
    low, high = marker.get("cmin", np.nanmin(known)), marker.get("cmax", np.nanmax(known))
    mapped = ScalarMappable(Normalize(float(low), float(high)), scale(marker.get("colorscale") or house_scale()))
    colors = [(*one[:3], one[3] * opacity) for one in mapped.to_rgba(known)]
    return (colors * many)[:many], mapped


def house_scale() -> list[list[Any]]:
    """The scale of a trace that names none."""
    return [[index / (len(theme.SCALE) - 1), shade] for index, shade in enumerate(theme.SCALE)]


def first_color(trace: Plot, brush: Brush) -> Any:
    """The one colour of a trace's markers, or the palette's."""
    listed = (trace.get("marker") or {}).get("color")
    return listed if isinstance(listed, str) else brush.own


def error_bars(panel: Panel, trace: Plot, x: np.ndarray, y: np.ndarray, tint: RGBA, brush: Brush) -> None:
    """Bars of error along either axis."""
    for which in ("x", "y"):
        bar = trace.get(f"error_{which}")
        if not bar or bar.get("visible") is False or bar.get("array") is None:
            continue
        up = numbers(bar["array"])
        down = numbers(bar["arrayminus"]) if bar.get("arrayminus") is not None else up
        panel.axes.errorbar(
            x, y, **{f"{which}err": np.nan_to_num(np.maximum([down, up], 0.0))}, fmt="none", zorder=2.4,
            ecolor=color(bar["color"]) if bar.get("color") else tint,
            elinewidth=float(bar.get("thickness", 2)) * brush.point, capsize=float(bar.get("width", 3)) * brush.point,
        )  # fmt: skip
