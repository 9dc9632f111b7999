"""L(N, D) as a map: lines of equal loss, the runs on it, lines of equal compute, the compute-optimal frontier."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.reporting import formats, theme
from workbench.reporting.figures.pieces import broken_lines
from workbench.reporting.figures.sweep import LOSSES

LEVELS = 12
"""About so many lines of equal loss."""


def contour(
    grid: pd.DataFrame, points: pd.DataFrame, frontier: pd.DataFrame | None, budgets: pd.DataFrame | None
) -> go.Figure:
    """The fitted loss over N and D, and the runs, coloured alike: a run that stands out of its ground is missed.

    `grid` has n, d, loss at every pair; `points` n, d, loss, predicted; `frontier` n, d, c; `budgets` c, n, d: what
    each line joins.
    """
    figure = theme.blank(560)
    table = grid.pivot_table(index="d", columns="n", values="loss")
    z = np.log(table.to_numpy(dtype=float))
    low, high = (float(end(np.append(np.log(points["loss"]), z))) for end in (np.min, np.max))
    ticks = theme.log_ticks(np.exp(low), np.exp(high), most=8)
    bar = {
        "title": {"text": LOSSES["loss"], "side": "right"}, "tickvals": np.log(ticks).tolist(),
        "ticktext": [theme.label(tick, "plain") for tick in ticks], "thickness": 14, "outlinewidth": 0,
    }  # fmt: skip
    figure.add_trace(
        go.Contour(
            x=table.columns.tolist(), y=table.index.tolist(), z=z.tolist(), zmin=low, zmax=high,
            colorscale=theme.SCALE, colorbar=bar, opacity=0.85, ncontours=LEVELS,
            line={"width": 0.6, "color": "white"}, customdata=np.exp(z).tolist(),
            hovertemplate="N = %{x:.3s}<br>D = %{y:.3s}<br>law %{customdata:.4f}<extra></extra>",
        )
    )  # fmt: skip
    if budgets is not None and not budgets.empty:
        _budgets(figure, budgets)
    if frontier is not None and not frontier.empty:
        figure.add_trace(
            go.Scatter(
                x=frontier["n"].tolist(), y=frontier["d"].tolist(), mode="lines", name="compute-optimal frontier",
                line={"color": theme.VERMILION, "width": 3}, customdata=[formats.power(c) for c in frontier["c"]],
                hovertemplate="C = %{customdata}<br>N_opt = %{x:.3s}<br>D_opt = %{y:.3s}<extra></extra>",
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=points["n"].tolist(), y=points["d"].tolist(), mode="markers", name="run",
            marker={
                "size": 11, "color": np.log(points["loss"]).tolist(), "cmin": low, "cmax": high,
                "colorscale": theme.SCALE, "line": {"color": "white", "width": 1.6},
            },
            customdata=points[["loss", "predicted"]].to_numpy().tolist(),
            hovertemplate="N = %{x:.4s}<br>D = %{y:.4s}<br>loss %{customdata[0]:.4f}<br>law %{customdata[1]:.4f}"
            "<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(theme.log_axis(grid["n"], "parameters N", "count", pad=0.0))
    return figure.update_yaxes(theme.log_axis(grid["d"], "tokens D", "count", pad=0.0))


def _budgets(figure: go.Figure, budgets: pd.DataFrame) -> None:
    """One thin line through the runs of each compute."""
    lines = broken_lines(budgets, "c", ["n", "d"])
    figure.add_trace(
        go.Scatter(
            x=lines["n"], y=lines["d"], mode="lines", name="equal compute", hoverinfo="skip",
            line={"color": theme.INK, "width": 1, "dash": "dot"},
        )
    )  # fmt: skip
