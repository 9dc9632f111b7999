"""The kinds of plotly traces that our figures use, drawn by matplotlib. Another kind is refused, not left out."""

from collections.abc import Callable

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from workbench.reporting.static.axes import Panel, Plot
from workbench.reporting.static.fields import bars, contour, heatmap, histogram
from workbench.reporting.static.marks import (
    DASHES,
    SIZES,
    Brush,
    CannotDraw,
    Drawn,
    error_bars,
    first_color,
    handle_of,
    shades_of,
    symbol_of,
)
from workbench.reporting.static.text import RGBA, color, each, text


def draw_trace(panel: Panel, trace: Plot, brush: Brush) -> Drawn:
    """Draw one trace of any of the kinds below."""
    kind = trace.get("type", "scatter")
    if kind not in TRACES:
        raise CannotDraw(f"a trace of the kind {kind} has no static drawing; there are: {', '.join(TRACES)}")
    return TRACES[kind](panel, trace, brush)


def _scatter(panel: Panel, trace: Plot, brush: Brush) -> Drawn:
    x, y = panel.places("x", trace.get("x")), panel.places("y", trace.get("y"))
    mode = trace.get("mode") or ("lines+markers" if len(x) < 20 else "lines")
    opacity = float(trace.get("opacity", 1.0))
    drawn, line = Drawn(), trace.get("line") or {}
    tint = color(line.get("color") or first_color(trace, brush), opacity)
    if trace.get("fill"):
        drawn.handle = _fill(panel, trace, x, y, tint)
    error_bars(panel, trace, x, y, tint, brush)
    width = float(line.get("width", 2)) * brush.point
    if "lines" in mode and width > 0:
        style = DASHES[line.get("dash", "solid")]
        steps = {"hv": "steps-post", "vh": "steps-pre", "hvh": "steps-mid"}.get(line.get("shape", ""), "default")
        panel.axes.plot(x, y, color=tint, linewidth=width, linestyle=style, drawstyle=steps, zorder=2.0)
        drawn.handle = Line2D([], [], color=tint, linewidth=width, linestyle=style)
    if "markers" in mode:
        drawn = _markers(panel, trace, x, y, brush, drawn)
    if "text" in mode:
        _labels(panel, trace, x, y)
    return drawn


def _fill(panel: Panel, trace: Plot, x: np.ndarray, y: np.ndarray, tint: RGBA) -> Patch:
    """A band: a closed outline, or down to zero."""
    face = color(trace["fillcolor"]) if trace.get("fillcolor") else (*tint[:3], 0.5 * tint[3])
    if trace["fill"] == "toself":
        panel.axes.fill(x, y, facecolor=face, edgecolor="none", zorder=1.2)
    elif trace["fill"] == "tozeroy":
        panel.axes.fill_between(x, y, 0, facecolor=face, edgecolor="none", zorder=1.2)
    else:
        raise CannotDraw(f"a fill {trace['fill']} has no static drawing; there are toself and tozeroy")
    return Patch(facecolor=face, edgecolor="none")


def _markers(panel: Panel, trace: Plot, x: np.ndarray, y: np.ndarray, brush: Brush, drawn: Drawn) -> Drawn:
    """Points, one call a symbol: filled in their colour with an edge, or hollow."""
    marker = trace.get("marker") or {}
    many = len(x)
    opacity = float(trace.get("opacity", 1.0)) * float(marker.get("opacity", 1.0) or 1.0)
    shades, drawn.mappable = shades_of(marker, many, opacity, trace, brush)
    drawn.bar = marker.get("colorbar", {}) if marker.get("showscale") else None
    symbols = [str(one or "circle") for one in each(marker.get("symbol"), many)]
    sizes = np.array([float(6 if one is None else one) for one in each(marker.get("size", 6), many)]) * brush.point
    edge = marker.get("line") or {}
    edges, widths = each(edge.get("color"), many), each(edge.get("width", 0), many)
    # Hollow points lie over the rest, as the exceptions that they are.
    for symbol in sorted(set(symbols), key=lambda name: name.endswith("-open")):
        mine = [i for i, one in enumerate(symbols) if one == symbol and np.isfinite(x[i]) and np.isfinite(y[i])]
        if not mine:
            continue  # a point that only carries a colour bar
        shape = symbol_of(symbol)
        hollow = symbol.endswith("-open")
        line = [float(widths[i] or 0) * brush.point for i in mine]
        faces = [shades[i] for i in mine]
        rims = faces if hollow else [color(edges[i], opacity) if edges[i] else shades[i] for i in mine]
        size = sizes[mine] * SIZES.get(shape, 1.0)
        line = [max(one, 1.6 * brush.point) for one in line] if hollow else line
        panel.axes.scatter(
            x[mine], y[mine], s=size**2, marker=shape, facecolors="none" if hollow else np.array(faces),
            edgecolors=np.array(rims), linewidths=line, zorder=3.2 if hollow else 3.0,
        )  # fmt: skip
    drawn.handle = handle_of(symbols, sizes, shades, drawn.handle)
    return drawn


def _labels(panel: Panel, trace: Plot, x: np.ndarray, y: np.ndarray) -> None:
    """Words beside points."""
    words, places = each(trace.get("text"), len(x)), each(trace.get("textposition", "middle center"), len(x))
    for px, py, word, place in zip(x, y, words, places, strict=True):
        vertical, _, horizontal = str(place).partition(" ")
        offset = (
            {"left": -4, "right": 4}.get(horizontal, 0),
            {"top": 4, "bottom": -4}.get(vertical, 0),
        )
        panel.axes.annotate(
            text(word), (px, py), offset, textcoords="offset points", clip_on=True,
            ha={"left": "right", "right": "left"}.get(horizontal, "center"),
            va={"top": "bottom", "bottom": "top"}.get(vertical, "center"),
        )  # fmt: skip


TRACES: dict[str, Callable[[Panel, Plot, Brush], Drawn]] = {
    "scatter": _scatter,
    "scattergl": _scatter,
    "bar": bars,
    "histogram": histogram,
    "heatmap": heatmap,
    "contour": contour,
}
"""Kind of a trace → what draws it."""
