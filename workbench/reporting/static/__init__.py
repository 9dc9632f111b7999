"""Our figures for paper: plotly's specification drawn by matplotlib, as SVG, PNG or PDF, with no browser.

Text is drawn as outlines in an SVG and embedded in a PDF, so that every reader sees the same letters. The same
specification gives the same bytes.
"""

import io
from typing import Any

import matplotlib
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from workbench.reporting import theme
from workbench.reporting.static.around import Width, annotations, color_bar, keep_inside, legend, shapes
from workbench.reporting.static.axes import Panel, Plot, finish, panels, set_scales, thin_labels
from workbench.reporting.static.marks import Brush, CannotDraw, Drawn
from workbench.reporting.static.text import text
from workbench.reporting.static.traces import draw_trace

__all__ = ["COLUMN", "FULL", "KINDS", "CannotDraw", "Width", "draw", "picture"]

MM = 1 / 25.4
DPI = 220


FULL = Width(170.0, 8.0, 0.55, stacked=False)
COLUMN = Width(85.0, 7.0, 0.45, stacked=True)
"""One of two columns: panels that stand side by side on a screen stand under one another."""

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": theme.SOFT,
    "axes.formatter.use_mathtext": False,
    "axes.labelcolor": theme.INK,
    "axes.linewidth": 0.6,
    "axes.titlelocation": "center",
    "axes.unicode_minus": True,
    "font.family": "DejaVu Sans",
    "grid.color": theme.GRID,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "mathtext.fontset": "dejavusans",
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "workbench",
    "text.color": theme.INK,
    "xtick.color": theme.SOFT,
    "xtick.labelcolor": theme.INK,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.color": theme.SOFT,
    "ytick.labelcolor": theme.INK,
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.6,
}

KINDS: dict[str, tuple[type[FigureCanvasBase], str, dict[str, Any]]] = {
    "svg": (FigureCanvasSVG, "print_svg", {"metadata": {"Date": None}}),
    "png": (FigureCanvasAgg, "print_png", {"metadata": {"Software": None}}),
    "pdf": (
        FigureCanvasPdf,
        "print_pdf",
        {"metadata": dict.fromkeys(("CreationDate", "ModDate", "Producer", "Creator"))},
    ),
}
"""Kind of a file → the canvas that writes it, without the time or its own version."""


def picture(plot: Plot, kind: str, width: Width = FULL) -> bytes:
    """One figure as a file's content."""
    return save(draw(plot, width), kind)


def save(figure: Figure, kind: str) -> bytes:
    """A drawn figure as a file's content."""
    buffer = io.BytesIO()
    canvas, name, settings = KINDS[kind]
    before, figure.dpi = figure.dpi, DPI
    # Not `savefig`, which draws everything twice: once to lay out a figure that is laid out already.
    with matplotlib.rc_context(STYLE):
        getattr(canvas(figure), name)(buffer, **settings)
    figure.dpi = before
    return buffer.getvalue()


def draw(plot: Plot, width: Width = FULL) -> Figure:
    """Plotly's specification (`figure.to_json()`, read) as a figure of matplotlib, laid out."""
    sizes = {"font.size": width.text, "axes.titlesize": width.text, "legend.title_fontsize": width.text}
    with matplotlib.rc_context({**STYLE, **sizes}):
        return _drawn(plot, width)


def _drawn(plot: Plot, width: Width) -> Figure:
    layout = plot.get("layout", {})
    engine = ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0.03)
    figure = Figure(layout=engine)
    FigureCanvasAgg(figure)
    made = panels(figure, plot, width.stacked)
    figure.set_size_inches(width.mm * MM, width.height(float(layout.get("height", 460)), len(made)) * MM)
    for panel in made.values():
        set_scales(panel)
    entries, bars = _traces(plot, made, width)
    shapes(layout, made, width)
    annotations(figure, layout, made, width)
    for panel in made.values():
        finish(panel, width.stacked, _matched(panel, made))
    for drawn in bars:
        color_bar(figure, made, drawn)
    if entries:
        legend(figure, layout, entries)
    engine.execute(figure)
    figure.set_layout_engine("none")
    for panel in made.values():
        thin_labels(figure, panel)
        keep_inside(figure, panel)
    return figure


def _traces(plot: Plot, made: dict[tuple[str, str], Panel], width: Width) -> tuple[dict[str, Drawn], list[Drawn]]:
    """Everything drawn; entries of the legend by name, and what needs a colour bar."""
    entries: list[tuple[Plot, Drawn]] = []
    bars = []
    shown = [trace for trace in plot.get("data", []) if trace.get("visible", True) is True]
    upright = [index for index, trace in enumerate(shown) if trace.get("type") == "bar"]
    beside = plot.get("layout", {}).get("barmode", "group") == "group"
    for index, trace in enumerate(shown):
        panel = made[trace.get("xaxis", "x"), trace.get("yaxis", "y")]
        slot = (upright.index(index), len(upright)) if index in upright else (0, 1)
        drawn = draw_trace(panel, trace, Brush(index, width.point, slot if beside else None))
        if drawn.bar is not None and drawn.mappable is not None:
            bars.append(drawn)
        if trace.get("showlegend") is not False and trace.get("name") and drawn.handle is not None:
            entries.append((trace, drawn))
    wanted = plot.get("layout", {}).get("showlegend")
    asked = wanted if wanted is not None else len(entries) > 1 or any(t.get("showlegend") for t, _ in entries)
    return ({text(trace["name"]): drawn for trace, drawn in entries} if asked else {}), bars


def _matched(panel: Panel, made: dict[tuple[str, str], Panel]) -> Plot | None:
    """The settings of the y axis that this panel's repeats, where one is shared."""
    name = panel.y.get("matches")
    return next((other.y for other in made.values() if other.names[1] == name), None)
