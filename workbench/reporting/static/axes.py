"""The panels of a static figure: where each stands, its scales, its ticks and its titles."""

import itertools
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from workbench.reporting import formats, theme
from workbench.reporting.static.text import array, text

Plot = dict[str, Any]


@dataclass
class Panel:
    """One pair of axes: plotly's settings of each, and matplotlib's object."""

    axes: Axes
    x: Plot
    y: Plot
    names: tuple[str, str]
    words: dict[str, dict[str, int]] = field(default_factory=lambda: {"x": {}, "y": {}})
    """Places of words on an axis of categories, in the order in which they came."""
    piled: dict[float, float] = field(default_factory=dict)
    """How high bars stand already, by their place, where they are stacked."""

    def log(self, which: str) -> bool:
        """Whether an axis is logarithmic."""
        return bool(getattr(self, which).get("type") == "log")

    def places(self, which: str, values: Any) -> np.ndarray:
        """Where values stand on an axis: numbers, or the places of words."""
        listed = array(values)
        if listed.dtype.kind not in "US" and not any(isinstance(value, str) for value in listed.tolist()):
            return np.asarray(listed, dtype=float)
        known = self.words[which]
        return np.array([known.setdefault(str(word), len(known)) for word in listed.tolist()], dtype=float)


def panels(figure: Figure, plot: Plot, stacked: bool) -> dict[tuple[str, str], Panel]:
    """A panel for each pair of axes that a trace stands on, placed as their domains say, or under one another."""
    layout = plot.get("layout", {})
    pairs = list(dict.fromkeys((t.get("xaxis", "x"), t.get("yaxis", "y")) for t in plot.get("data", []))) or [
        ("x", "y")
    ]
    settings = {name: layout.get(_key(name), {}) for pair in pairs for name in pair}
    lefts = sorted({_domain(settings[x])[0] for x, _ in pairs})
    bottoms = sorted({_domain(settings[y])[0] for _, y in pairs}, reverse=True)
    grid = figure.add_gridspec(len(pairs), 1) if stacked else figure.add_gridspec(len(bottoms), len(lefts))
    made: dict[tuple[str, str], Panel] = {}
    for index, (x, y) in enumerate(pairs):
        row, column = bottoms.index(_domain(settings[y])[0]), lefts.index(_domain(settings[x])[0])
        axes = figure.add_subplot(grid[index, 0] if stacked else grid[row, column])
        made[x, y] = Panel(axes, settings[x], settings[y], (x, y))
    return made


def _key(name: str) -> str:
    """'x2' is set in the layout's `xaxis2`."""
    return f"{name[0]}axis{name[1:]}"


def _domain(axis: Plot) -> tuple[float, float]:
    low, high = axis.get("domain", (0.0, 1.0))
    return round(float(low), 4), round(float(high), 4)


def set_scales(panel: Panel) -> None:
    """Logarithmic axes, before anything is drawn."""
    for which in ("x", "y"):
        if panel.log(which):
            getattr(panel.axes, f"set_{which}scale")("log")


def finish(panel: Panel, stacked: bool, shared: Plot | None) -> None:
    """Ranges, ticks, grid and titles, after everything is drawn. `shared` is the y axis that this one repeats."""
    axes = panel.axes
    if panel.x.get("visible") is False and panel.y.get("visible") is False:
        for which, mine in (("x", panel.x), ("y", panel.y)):
            _range(panel, which, mine)
        axes.set_axis_off()
        return
    axes.spines[["top", "right"]].set_visible(False)
    for artist in (*axes.lines, *axes.collections, *axes.patches):
        artist.set_in_layout(False)  # they end at the axes, and measuring thousands of points takes its time
    for which, axis, mine in (("x", axes.xaxis, panel.x), ("y", axes.yaxis, panel.y)):
        settings = {**(shared or {}), **mine} if which == "y" else mine
        _range(panel, which, settings)
        _ticks(panel, which, axis, settings)
        axis.grid(settings.get("showgrid", True))
        hidden = which == "y" and mine.get("showticklabels") is False and not stacked
        if hidden:
            axis.set_tick_params(labelleft=False)
        title = (settings if stacked else mine).get("title") or {}
        axis.set_label_text(text(title.get("text") if isinstance(title, dict) else title))


def _range(panel: Panel, which: str, settings: Plot) -> None:
    """Plotly gives the range of a logarithmic axis in powers of ten."""
    limits = settings.get("range")
    if limits is not None:
        ends = [10.0 ** float(end) if panel.log(which) else float(end) for end in limits]
        getattr(panel.axes, f"set_{which}lim")(*ends)
    if settings.get("autorange") == "reversed":
        getattr(panel.axes, f"invert_{which}axis")()


def _ticks(panel: Panel, which: str, axis: Any, settings: Plot) -> None:
    if words := panel.words[which]:
        axis.set_major_locator(FixedLocator(list(words.values())))
        axis.set_major_formatter(FixedFormatter([text(word) for word in words]))
        return
    low, high = sorted(getattr(panel.axes, f"get_{which}lim")())
    values, labels = settings.get("tickvals"), settings.get("ticktext")
    affixes = text(settings.get("tickprefix")), text(settings.get("ticksuffix"))
    if values is None and panel.log(which):
        values = theme.log_ticks(low, high)
    if values is None:
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{affixes[0]}{_written(value, settings)}{affixes[1]}"))
        return
    listed = [float(value) for value in array(values).tolist()]
    shown = (
        [theme.label(v, "plain") for v in listed] if labels is None else [str(one) for one in array(labels).tolist()]
    )
    # What lies a rounding beyond the range would widen it.
    kept = [(v, label) for v, label in zip(listed, shown, strict=True) if low * (1 - 1e-9) <= v <= high * (1 + 1e-9)]
    axis.set_major_locator(FixedLocator([v for v, _ in kept]))
    axis.set_major_formatter(FixedFormatter([f"{affixes[0]}{text(label)}{affixes[1]}" for _, label in kept]))
    axis.set_minor_locator(NullLocator())


def _written(value: float, settings: Plot) -> str:
    """A number of a linear axis."""
    if settings.get("exponentformat") == "power" and value:
        return formats.power(value, 2)
    if settings.get("exponentformat") == "SI" and abs(value) >= 1000:
        return theme.label(value, "count")
    return f"{0.0 if abs(value) < 1e-12 else value:.6g}".replace("-", "−")


def thin_labels(figure: Figure, panel: Panel) -> None:
    """Leave out tick labels that would touch: every second one, until none does. The figure is laid out already."""
    renderer = figure.canvas.get_renderer()
    for axis, along in ((panel.axes.xaxis, 0), (panel.axes.yaxis, 1)):
        ticks = [tick for tick in axis.get_major_ticks() if tick.label1.get_visible() and tick.label1.get_text()]
        for step in (1, 2, 3, 4, 6, 8):
            for index, tick in enumerate(ticks):
                tick.label1.set_visible(index % step == 0)
            boxes = [tick.label1.get_window_extent(renderer) for tick in ticks[::step]]
            spans = sorted(((box.x0, box.x1) if along == 0 else (box.y0, box.y1)) for box in boxes)
            room = figure.dpi / 72 * (4.0 if along == 0 else 0.5)
            if all(after[0] - before[1] >= room for before, after in itertools.pairwise(spans)):
                break


_REF = re.compile(r"([xy]\d*)( domain)?")


def panel_of(made: dict[tuple[str, str], Panel], xref: str, yref: str) -> Panel | None:
    """The panel that a shape or an annotation names by either of its references."""
    for reference in (xref, yref):
        found = _REF.fullmatch(reference)
        if found is None:
            continue
        for panel in made.values():
            if found[1] in panel.names:
                return panel
    return None
