"""What stands around the traces of a static figure: lines across it, annotations, colour bars and the legend."""

import textwrap
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from workbench.reporting import theme
from workbench.reporting.static.axes import Panel, Plot, panel_of
from workbench.reporting.static.marks import DASHES, CannotDraw, Drawn
from workbench.reporting.static.text import color, text


@dataclass(frozen=True)
class Width:
    """A width of a printed page: how wide, how large text is, and how many points a pixel of the screen becomes."""

    mm: float
    text: float
    point: float
    stacked: bool
    """Whether panels stand under one another."""

    def height(self, pixels: float, many: int) -> float:
        """Of a figure that is so many pixels high on a screen, in mm."""
        if self.stacked:
            return 58.0 * many + 8.0 if many > 1 else min(max(0.145 * pixels, 45.0), 0.2 * pixels + 10.0)
        return 0.16 * pixels


def shapes(layout: Plot, made: dict[tuple[str, str], Panel], width: Width) -> None:
    """Lines across a panel, and rectangles."""
    for shape in layout.get("shapes", []):
        panel = panel_of(made, shape.get("xref", "x"), shape.get("yref", "y"))
        if panel is None:
            raise CannotDraw("a shape that belongs to no axis has no static drawing")
        line = shape.get("line") or {}
        across = "domain" in shape.get("xref", "x") or shape.get("xref") == "paper"
        upright = "domain" in shape.get("yref", "y") or shape.get("yref") == "paper"
        look: dict[str, Any] = {"zorder": 1.6}
        if shape.get("type") == "rect":
            look |= {"facecolor": color(shape.get("fillcolor", theme.GRID), float(shape.get("opacity", 1.0)))}
            look |= {"edgecolor": "none", "zorder": 0.8}
        else:
            look |= {"color": color(line.get("color", theme.SOFT)), "linewidth": line.get("width", 1) * width.point}
            look |= {"linestyle": DASHES[line.get("dash", "solid")]}
        if shape.get("type") == "rect" and upright:
            panel.axes.axvspan(shape["x0"], shape["x1"], **look)
        elif shape.get("type") == "rect" and across:
            panel.axes.axhspan(shape["y0"], shape["y1"], **look)
        elif upright:
            panel.axes.axvline(shape["x0"], **look)
        elif across:
            panel.axes.axhline(shape["y0"], **look)
        else:
            panel.axes.plot([shape["x0"], shape["x1"]], [shape["y0"], shape["y1"]], **look)


def annotations(figure: Figure, layout: Plot, made: dict[tuple[str, str], Panel], width: Width) -> None:
    """Titles of panels, words at a place of a panel, and messages in the middle of an empty figure."""
    for one in layout.get("annotations", []):
        words = text(one.get("text"))
        size = width.text * float((one.get("font") or {}).get("size", 13)) / 14
        tint = color((one.get("font") or {}).get("color", theme.INK))
        panel = panel_of(made, one.get("xref", "x"), one.get("yref", "y"))
        if panel is None and (titled := _titled(one, made)) is not None:
            titled.axes.set_title(words, fontsize=width.text)
            continue
        if panel is None:
            figure.text(one["x"], one["y"], _wrapped(words, width), ha="center", va="center", fontsize=size, color=tint)
            continue
        x, across = _place(panel, one, "x")
        y, upright = _place(panel, one, "y")
        arrow = one.get("showarrow", True)
        offset = (
            (float(one.get("ax", 0)) * width.point, -float(one.get("ay", 0)) * width.point) if arrow else (0.0, 0.0)
        )
        panel.axes.annotate(
            words, (x, y), offset, xycoords=(across, upright), textcoords="offset points", fontsize=size, color=tint,
            ha=_anchor(one.get("xanchor")), va=_anchor(one.get("yanchor")), zorder=5,
            arrowprops={"arrowstyle": "-", "color": tint, "linewidth": 0.5} if arrow else None,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.8},
        )  # fmt: skip


BESIDE = {"right": -2.5, "left": 2.5}
"""Points between a place and words that end or begin there."""


def keep_inside(figure: Figure, panel: Panel) -> None:
    """Turn words that would cross a side of their panel to the other side of their place; after the layout."""
    renderer = figure.canvas.get_renderer()
    room = panel.axes.get_window_extent(renderer)
    for words in panel.axes.texts:
        box = words.get_window_extent(renderer)
        side = "left" if box.x0 < room.x0 else "right" if box.x1 > room.x1 else None
        if side is not None and isinstance(words, Annotation):
            words.set_horizontalalignment(side)
            words.xyann = (BESIDE[side], words.xyann[1])


def _place(panel: Panel, one: Plot, which: str) -> tuple[float, str]:
    """A coordinate and what it counts: plotly gives an annotation on a logarithmic axis in powers of ten."""
    if "domain" in one.get(f"{which}ref", which) or one.get(f"{which}ref") == "paper":
        return float(one[which]), "axes fraction"
    return (10.0 ** float(one[which]) if panel.log(which) else float(one[which])), "data"


def _anchor(name: str | None) -> str:
    return {None: "center", "auto": "center", "middle": "center"}.get(name, name or "center")


def _titled(one: Plot, made: dict[tuple[str, str], Panel]) -> Panel | None:
    """The panel that an annotation is the title of: it stands above its middle."""
    if one.get("yanchor") != "bottom":
        return None
    for panel in made.values():
        left, right = panel.x.get("domain", (0, 1))
        top = panel.y.get("domain", (0, 1))[1]
        if abs(float(one["x"]) - (left + right) / 2) < 0.02 and abs(float(one["y"]) - top) < 0.02:
            return panel
    return None


def _wrapped(words: str, width: Width) -> str:
    """A message in lines that fit."""
    return "\n".join(textwrap.wrap(words, int(width.mm / (0.21 * width.text))))


def color_bar(figure: Figure, made: dict[tuple[str, str], Panel], drawn: Drawn) -> None:
    """The scale of the colours, right of every panel."""
    settings = drawn.bar or {}
    bar = figure.colorbar(
        drawn.mappable, ax=[panel.axes for panel in made.values()], pad=0.02, aspect=28, fraction=0.05
    )
    bar.outline.set_visible(False)
    if settings.get("tickvals") is not None:
        bar.set_ticks(list(settings["tickvals"]), labels=[text(one) for one in settings.get("ticktext") or []] or None)
    bar.ax.tick_params(size=0)
    bar.ax.minorticks_off()
    title = settings.get("title") or {}
    bar.set_label(text(title.get("text") if isinstance(title, dict) else title))


def legend(figure: Figure, layout: Plot, entries: dict[str, Drawn]) -> None:
    """Above the panels, in as many columns as fit."""
    title = ((layout.get("legend") or {}).get("title") or {}).get("text")
    room = figure.get_figwidth() * figure.dpi
    longest = max(map(len, entries))
    # A letter is about half as wide as it is high; one column more than that is tried first.
    guess = int(room * 72 / figure.dpi / ((0.55 * longest + 3.5) * matplotlib.rcParams["font.size"]))
    for columns in range(min(len(entries), guess + 2), 0, -1):
        legend = figure.legend(
            [drawn.handle for drawn in entries.values()], list(entries), loc="outside upper left", ncols=columns,
            title=text(title) or None, alignment="left", handlelength=1.8, columnspacing=1.3, handletextpad=0.5,
            borderpad=0.2, labelspacing=0.35,
        )  # fmt: skip
        if columns == 1 or legend.get_window_extent(figure.canvas.get_renderer()).width <= room:
            return
        legend.remove()
