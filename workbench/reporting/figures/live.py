"""A sweep in training: curves that grow, and every run's state as a tile."""

import math

import pandas as pd
import plotly.graph_objects as go

from workbench.reporting import theme
from workbench.reporting.figures.explore import QUANTITIES
from workbench.reporting.figures.pieces import color_bar

STATE_COLORS = {
    "running": theme.BLUE,
    "silent": theme.INK,
    "interrupted": theme.ORANGE,
    "waiting": theme.GRID,
    "done": theme.GREEN,
    "diverged": theme.PURPLE,
    "failed": theme.VERMILION,
}
"""State of a run → its tile."""

TILES, LEAST_COLUMNS, TILE_PIXELS = 2000, 40, 22
"""Most tiles that say their run when pointed at; columns at least; pixels of a row."""


def live_curves(
    runs: pd.DataFrame, rows: pd.DataFrame, x: str, y: str, log_x: bool = True, log_y: bool = True
) -> go.Figure:
    """One line a run: those in training bold with a point at their end, those that ended thin, by size.

    `runs` has run_id, n_params (or NaN), size, status; `rows` run_id, x and y.
    """
    rows = rows[((rows[x] > 0) | (not log_x)) & ((rows[y] > 0) | (not log_y))]
    if rows.empty:
        return theme.message("No run has recorded a point yet.", 220)
    figure = theme.blank(480)
    sizes = runs["n_params"].dropna()
    low, high = (float(sizes.min()), float(sizes.max())) if len(sizes) else (1.0, 1.0)
    known = {str(run["run_id"]): run for run in runs[["run_id", "n_params", "size", "status"]].to_dict("records")}
    shown: set[str] = set()
    for run_id, group in rows.groupby("run_id", sort=False):
        run = known[str(run_id)]
        n, size, status = float(run["n_params"]), str(run["size"]), str(run["status"])
        kind = (
            "in training" if status in ("running", "silent") else "interrupted" if status == "interrupted" else "ended"
        )
        color = theme.shade(n, low, high) if not math.isnan(n) else theme.BLUE
        _line(figure, group, x, y, kind, color, f"{run_id}<br>{size}, {status}", kind not in shown)
        shown.add(kind)
    if high > low:
        color_bar(figure, [low, high], "parameters N", "count")
    figure.update_layout(uirevision="live")  # a reader's zoom outlives the next look
    figure.update_xaxes(_axis(rows[x], x, log_x))
    return figure.update_yaxes(_axis(rows[y], y, log_y))


def _line(
    figure: go.Figure, rows: pd.DataFrame, x: str, y: str, kind: str, color: str, hover: str, legend: bool
) -> None:
    style = {"in training": (2.6, "solid", 1.0), "interrupted": (1.8, "dot", 0.9), "ended": (1.1, "solid", 0.55)}
    width, dash, opacity = style[kind]
    sizes = [0] * (len(rows) - 1) + [9]
    figure.add_trace(
        go.Scatter(
            x=rows[x].tolist(),
            y=rows[y].tolist(),
            mode="lines+markers" if kind == "in training" else "lines",
            name=kind,
            legendgroup=kind,
            showlegend=legend,
            opacity=opacity,
            line={"color": color, "width": width, "dash": dash},
            marker={"color": color, "size": sizes, "line": {"width": 0}},
            hovertemplate=f"{hover}<br>%{{x:.4s}}, %{{y:.4g}}<extra></extra>",
        )
    )


def _axis(values: pd.Series, key: str, log: bool) -> dict[str, object]:
    quantity = QUANTITIES[key]
    if log:
        return theme.log_axis(values, quantity.title, quantity.style)
    return {"title": {"text": quantity.title}, "exponentformat": "power" if quantity.style == "power" else "SI"}


def run_states(runs: pd.DataFrame) -> go.Figure:
    """A tile a run, in the order of the plan, by state. `runs` has status, and maybe `words` for a tile pointed at."""
    many = len(runs)
    columns = max(math.ceil(math.sqrt(6 * many)), min(many, LEAST_COLUMNS))
    lines = math.ceil(many / columns)
    names = list(STATE_COLORS)
    codes = [names.index(status) for status in runs["status"]]
    cells: list[int | None] = [*codes, *([None] * (lines * columns - many))]
    words = [*runs["words"], *([""] * (lines * columns - many))] if "words" in runs else None
    figure = theme.blank(60 + round(min(max(lines, 1.4) * TILE_PIXELS, 300)))
    figure.add_trace(
        go.Heatmap(
            z=[cells[i * columns : (i + 1) * columns] for i in range(lines)],
            text=None if words is None else [words[i * columns : (i + 1) * columns] for i in range(lines)],
            hovertemplate="%{text}<extra></extra>" if words else None,
            hoverinfo=None if words else "skip",
            zmin=-0.5,
            zmax=len(names) - 0.5,
            colorscale=_steps(list(STATE_COLORS.values())),
            showscale=False,
            xgap=2 if lines <= 12 else 0,
            ygap=2 if lines <= 12 else 0,
        )
    )
    counts = runs["status"].value_counts()
    for name in names:
        if name in counts.index:
            marker = {"symbol": "square", "size": 12, "color": STATE_COLORS[name]}
            figure.add_trace(
                go.Scatter(x=[None], y=[None], mode="markers", name=f"{counts[name]:,} {name}", marker=marker)
            )
    figure.update_layout(margin={"t": 44, "b": 8, "l": 8, "r": 8}, uirevision="live", showlegend=True)
    figure.update_layout(legend={"itemclick": False, "itemdoubleclick": False, "traceorder": "normal"})
    figure.update_xaxes(visible=False, range=[-0.5, max(columns, LEAST_COLUMNS) - 0.5], fixedrange=True)
    return figure.update_yaxes(visible=False, range=[lines - 0.5, -0.5], fixedrange=True)


def _steps(colors: list[str]) -> list[list[object]]:
    """A colour scale of so many equal steps."""
    many = len(colors)
    return [[(index + end) / many, color] for index, color in enumerate(colors) for end in (0, 1)]
