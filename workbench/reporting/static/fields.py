"""Bars, histograms, heat maps and contours."""

from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Patch

from workbench.reporting import theme
from workbench.reporting.static.axes import Panel, Plot
from workbench.reporting.static.marks import Brush, Drawn, error_bars, first_color, house_scale, shades_of
from workbench.reporting.static.text import array, color, numbers, scale, text


def bars(panel: Panel, trace: Plot, brush: Brush) -> Drawn:
    """Bars: beside one another, on one another, or alone."""
    lying = trace.get("orientation") == "h"
    across, along = ("y", "x") if lying else ("x", "y")
    at, length = panel.places(across, trace.get(across)), panel.places(along, trace.get(along))
    marker = trace.get("marker") or {}
    opacity = float(trace.get("opacity", 1.0)) * float(marker.get("opacity", 1.0) or 1.0)
    shades, mapped = shades_of(marker, len(at), opacity, trace, brush)
    width = trace.get("width") or 0.8
    wide = numbers(width) if isinstance(width, list | dict) else np.full(len(at), float(width))
    base = numbers(trace["base"]) if isinstance(trace.get("base"), list | dict) else float(trace.get("base") or 0.0)
    if brush.bars is None:
        base = np.array([panel.piled.get(place, 0.0) for place in at.tolist()])
        panel.piled |= dict(zip(at.tolist(), (base + np.nan_to_num(length)).tolist(), strict=True))
    elif brush.bars[1] > 1:
        which, many = brush.bars
        wide = wide / many
        at = at + wide * (which - (many - 1) / 2)
    draw = panel.axes.barh if lying else panel.axes.bar
    draw(at, length, wide, base, color=shades, zorder=2.0)
    if trace.get("text") is not None and trace.get("textposition") == "inside":
        _labels(panel, trace, at, base + length / 2, lying)
    error_bars(panel, trace, *((length, at) if lying else (at, length)), color(theme.INK), brush)
    bar = marker.get("colorbar", {}) if marker.get("showscale") else None
    return Drawn(Patch(facecolor=shades[0]) if shades else None, mapped, bar)


def _labels(panel: Panel, trace: Plot, at: np.ndarray, middle: np.ndarray, lying: bool) -> None:
    """Words in the middle of each bar."""
    tint = color((trace.get("textfont") or {}).get("color", theme.INK))
    for place, centre, word in zip(at, middle, array(trace["text"]).tolist(), strict=True):
        x, y = (centre, place) if lying else (place, centre)
        panel.axes.text(x, y, text(word), ha="center", va="center", color=tint)


def histogram(panel: Panel, trace: Plot, brush: Brush) -> Drawn:
    """Counts of `x`, in plotly's bins where they are given."""
    values = numbers(trace.get("x"))
    bins: Any = trace.get("nbinsx") or "auto"
    if given := trace.get("xbins"):
        bins = np.arange(float(given["start"]), float(given["end"]) + float(given["size"]) / 2, float(given["size"]))
    tint = color(first_color(trace, brush), float(trace.get("opacity", 1.0)))
    density = "density" in (trace.get("histnorm") or "")
    panel.axes.hist(values[np.isfinite(values)], bins=bins, color=tint, density=density, zorder=2.0)
    return Drawn(Patch(facecolor=tint))


def heatmap(panel: Panel, trace: Plot, _: Brush) -> Drawn:
    """Cells of a colour, and their words where each has one."""
    z, mapped = _field(trace)
    x = panel.places("x", trace["x"]) if trace.get("x") is not None else np.arange(z.shape[1], dtype=float)
    y = panel.places("y", trace["y"]) if trace.get("y") is not None else np.arange(z.shape[0], dtype=float)
    across, up = _edges(x), _edges(y)
    coloring: dict[str, Any] = {"cmap": mapped.cmap, "norm": mapped.norm}
    panel.axes.pcolormesh(across, up, z, **coloring, zorder=1.0, rasterized=True)
    if trace.get("text") is not None and trace.get("texttemplate"):
        for row, line in enumerate(array(trace["text"]).tolist()):
            for column, word in enumerate(line):
                dark = sum(mapped.to_rgba(z[row, column])[:3]) < 1.5
                panel.axes.text(
                    x[column], y[row], text(word), ha="center", va="center", color="white" if dark else theme.INK
                )
    return Drawn(mappable=mapped, bar=None if trace.get("showscale") is False else trace.get("colorbar", {}))


def _edges(centers: np.ndarray) -> np.ndarray:
    """Where cells around these centres begin and end; one alone is 1 wide."""
    if len(centers) < 2:
        return np.array([centers[0] - 0.5, centers[0] + 0.5]) if len(centers) else centers
    between = (centers[:-1] + centers[1:]) / 2
    return np.concatenate([[2 * centers[0] - between[0]], between, [2 * centers[-1] - between[-1]]])


def contour(panel: Panel, trace: Plot, brush: Brush) -> Drawn:
    """Lines of equal height, filled between unless the lines alone are asked for."""
    z, mapped = _field(trace)
    x, y = numbers(trace["x"]), numbers(trace["y"])
    given, line = trace.get("contours") or {}, trace.get("line") or {}
    if {"start", "end", "size"} <= set(given):
        levels: Any = np.arange(float(given["start"]), float(given["end"]) + float(given["size"]) / 2, given["size"])
    else:
        levels = int(trace.get("ncontours", 12))
    filled = given.get("coloring", "fill") in ("fill", "heatmap")
    if filled:
        panel.axes.contourf(x, y, z, levels, cmap=mapped.cmap, norm=mapped.norm, zorder=1.0, extend="both")
    colored = given.get("coloring") == "lines" and not line.get("color")
    drawing = {"cmap": mapped.cmap, "norm": mapped.norm} if colored else {"colors": [color(line.get("color", "white"))]}
    width = float(line.get("width", 1)) * brush.point
    if width > 0 and given.get("showlines") is not False:
        lines = panel.axes.contour(x, y, z, levels, linewidths=width, zorder=1.5, **drawing)
        if given.get("showlabels"):
            panel.axes.clabel(lines, fontsize="small", fmt=lambda level: f"{level:.4g}")
    shown = trace.get("showscale") is not False and (filled or colored)
    return Drawn(mappable=mapped, bar=trace.get("colorbar", {}) if shown else None)


def _field(trace: Plot) -> tuple[np.ndarray, ScalarMappable]:
    """Heights on a grid, missing ones left blank, and their colours."""
    z = np.ma.masked_invalid(numbers(trace["z"]))
    low, high = trace.get("zmin"), trace.get("zmax")
    norm = Normalize(float(z.min() if low is None else low), float(z.max() if high is None else high))
    stops = list(trace.get("colorscale") or house_scale())
    if trace.get("reversescale"):
        stops = [[1 - at, shade] for at, shade in reversed(stops)]
    return z, ScalarMappable(norm, scale(stops))
