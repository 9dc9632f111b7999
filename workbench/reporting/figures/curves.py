"""Training curves as lines and bands: the first key of a group colours them, further keys change their dash."""

from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from workbench.reporting import theme
from workbench.reporting.figures.explore import FEW, Quantity, axis, quantity
from workbench.reporting.figures.pieces import broken_lines, color_bar

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")

SHADED = 4
"""From so many numbers on, they are shaded along a scale; fewer are told apart by the palette."""

MOST_NAMED = 24
"""More groups than these are not listed in a legend; the mouse names them."""


@dataclass(frozen=True)
class Axes:
    """What is drawn against what."""

    x: str
    y: str
    log_x: bool = True
    log_y: bool = True


@dataclass(frozen=True)
class _Look:
    """How the lines of a group are drawn."""

    place: tuple[int, int]
    """Where it stands among the others: by the first key, then by the rest; lines without a first key come last."""
    name: str
    color: str
    dash: str


def curves(rows: pd.DataFrame, groups: pd.DataFrame, axes: Axes) -> go.Figure:
    """`rows` has line, x, y, and of bands low and high; `groups` has the keys of each line, which is its index."""
    if rows.empty:
        return theme.message(f"These runs recorded no {quantity(axes.y).title.partition(' [')[0]} to draw.")
    figure = theme.blank(540)
    shaded = _scale(groups[groups.columns[0]])
    looks = _looks(groups, shaded)
    listed = (shaded is None or len(groups.columns) > 1) and 1 < len(set(looks.values())) <= MOST_NAMED
    look_of_row = rows["line"].map(looks)
    for look in sorted(set(look_of_row), key=lambda one: one.place):
        group = rows[(look_of_row == look).to_numpy()]
        _bands(figure, group, look)
        _lines(figure, group, look, listed and shaded is None)
    if shaded is not None:
        first = quantity(groups.columns[0])
        color_bar(figure, shaded, first.title, first.style)
        figure.update_layout(margin={"t": 24})
        if listed:
            _dashes_named(figure, looks, groups)
    elif listed:
        title = ", ".join(quantity(key).title for key in groups.columns)
        figure.update_layout(legend={"title": {"text": title + "  "}})
    spread = [rows["y"], *(rows[edge].dropna() for edge in ("low", "high") if edge in rows)]
    figure.update_xaxes(axis(rows["x"], axes.x, axes.log_x))
    return figure.update_yaxes(axis(pd.concat(spread), axes.y, axes.log_y))


def _scale(values: pd.Series) -> tuple[float, float] | None:
    """The ends of a scale of colours, where the key has many positive numbers."""
    known = values.dropna()
    if not pd.api.types.is_numeric_dtype(known) or pd.api.types.is_bool_dtype(known):
        return None
    if known.nunique() < SHADED or not (known > 0).all():
        return None
    return float(known.min()), float(known.max())


def _looks(groups: pd.DataFrame, shaded: tuple[float, float] | None) -> dict[str, _Look]:
    """Line → its look; those of one group have the same."""
    first, *rest = groups.columns
    colors = {value: place for place, value in enumerate(_distinct(groups[first]))}
    others = {value: place for place, value in enumerate(_distinct(groups[rest].apply(tuple, axis=1)))} if rest else {}
    found: dict[str, _Look] = {}
    for line, row in zip(groups.index, groups.itertuples(index=False, name=None), strict=True):
        value, other = row[0], others.get(tuple(row[1:]), 0)
        place = colors.get(value, len(colors))
        if place == len(colors):
            color = theme.SOFT
        elif shaded is not None:
            color = theme.shade(float(value), *shaded)
        else:
            color = theme.CATEGORIES[place % FEW]
        turn = other + (place // FEW if shaded is None else 0)
        name = ", ".join(written(cell, quantity(key)) for key, cell in zip(groups.columns, row, strict=True))
        found[str(line)] = _Look((place, other), name, color, DASHES[turn % len(DASHES)])
    return found


def _distinct(values: pd.Series) -> list[object]:
    """The values of a key, in order where they have one."""
    known = list(dict.fromkeys(value for value in values if value is not None and value == value))
    try:
        return sorted(known)
    except TypeError:
        return sorted(known, key=str)


def written(value: object, kind: Quantity) -> str:
    """A value of a key as a legend names it."""
    if value is None or value != value:
        return "none"
    if isinstance(value, bool | str):
        return str(value)
    return theme.label(float(str(value)), kind.style)


def _lines(figure: go.Figure, group: pd.DataFrame, look: _Look, named: bool) -> None:
    lines = broken_lines(group, "line", ["x", "y"])
    short = group.groupby("line").size().max() < 3
    figure.add_trace(
        go.Scatter(
            x=lines["x"],
            y=lines["y"],
            mode="lines+markers" if short else "lines",
            name=look.name,
            line={"color": look.color, "width": 1.4 if "low" not in group else 2.0, "dash": look.dash},
            showlegend=named,
            hovertemplate=f"{look.name}<br>%{{x:.4s}}, %{{y:.4g}}<extra></extra>",
        )
    )


def _bands(figure: go.Figure, group: pd.DataFrame, look: _Look) -> None:
    """The bands of all lines of a group as one trace."""
    if "low" not in group or group["low"].isna().all():
        return
    x: list[float | None] = []
    y: list[float | None] = []
    for _, one in group.dropna(subset=["low"]).groupby("line", sort=True):
        along = [float(f"{value:.6g}") for value in one["x"]]
        low, high = ([float(f"{value:.6g}") for value in one[edge]] for edge in ("low", "high"))
        x += [*along, *reversed(along), None]
        y += [*high, *reversed(low), None]
    figure.add_trace(
        go.Scatter(
            x=x, y=y, fill="toself", fillcolor=_faded(look.color), line={"width": 0}, mode="lines",
            hoverinfo="skip", showlegend=False,
        )
    )  # fmt: skip


def _faded(color: str, alpha: float = 0.2) -> str:
    """A colour with transparency, from #rrggbb or rgb(r, g, b)."""
    if color.startswith("#"):
        return theme.faded(color, alpha)
    return color.replace("rgb(", "rgba(").replace(")", f", {alpha})")


def _dashes_named(figure: go.Figure, looks: dict[str, _Look], groups: pd.DataFrame) -> None:
    """Which dash is which combination of the further keys, beside the scale of the first."""
    rest = list(groups.columns[1:])
    said: dict[str, str] = {}
    for line, row in zip(groups.index, groups[rest].itertuples(index=False, name=None), strict=True):
        name = ", ".join(written(cell, quantity(key)) for key, cell in zip(rest, row, strict=True))
        said.setdefault(name, looks[str(line)].dash)
    for name, dash in said.items():
        line = {"color": theme.SOFT, "width": 2, "dash": dash}
        figure.add_trace(go.Scatter(x=[None], y=[None], mode="lines", name=name, line=line, hoverinfo="skip"))
    title = ", ".join(quantity(key).title for key in rest)
    figure.update_layout(legend={"title": {"text": title + "  "}}, margin={"t": 56})
