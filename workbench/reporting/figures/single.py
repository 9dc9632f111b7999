"""A law of one variable: L(N), L(D) or L(C), over the points it was fitted to."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.reporting import theme
from workbench.reporting.figures.explore import QUANTITIES
from workbench.reporting.figures.pieces import band

AXES = {"n": "n_params", "n_non_embedding": "n_params_non_embedding", "d": "tokens", "c": "flops"}
"""Column of a canonical table → the quantity it is."""


def single_law(points: pd.DataFrame, line: pd.DataFrame, x: str) -> go.Figure:
    """`points` has x and loss; `line` has x, loss and, where known, low and high."""
    figure = theme.blank(480)
    if {"low", "high"} <= set(line.columns) and line["low"].notna().all():
        band(figure, line[x].tolist(), line["low"].tolist(), line["high"].tolist(), theme.BLUE)
    figure.add_trace(
        go.Scatter(
            x=line[x].tolist(), y=line["loss"].tolist(), mode="lines", name="fitted law",
            line={"color": theme.BLUE, "width": 2.2}, hoverinfo="skip",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=points[x].tolist(),
            y=points["loss"].tolist(),
            mode="markers",
            name="points of the fit",
            marker={"size": 9, "color": theme.VERMILION, "line": {"color": "white", "width": 0.8}},
            hovertemplate="%{x:.4s}<br>loss %{y:.4f}<extra></extra>",
        )
    )
    quantity = QUANTITIES[AXES[x]]
    figure.update_xaxes(theme.log_axis(np.concatenate([points[x], line[x]]), quantity.title, quantity.style))
    losses = np.concatenate([points["loss"], line["loss"]])
    return figure.update_yaxes(theme.log_axis(losses, QUANTITIES["loss"].title, "plain"))
