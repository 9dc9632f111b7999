"""Steps against tokens to a loss, and the critical batch against the loss, by two measurements."""

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.reporting import theme


def critical_batch(trade: pd.DataFrame, curves: pd.DataFrame, points: pd.DataFrame, law: pd.DataFrame) -> go.Figure:
    """Left: what was measured of each target loss, on its hyperbola. Right: B_crit of both measurements.

    `trade` has target, steps, tokens of each measurement, `curves` the same along each fit; `points` has kind (`noise`
    or `direct`), loss, batch, low and high, `law` the power law's loss, batch, low and high.
    """
    titles = ["steps and tokens to a loss", "critical batch"]
    figure = theme.dress(make_subplots(cols=2, horizontal_spacing=0.13, subplot_titles=titles), 460)
    targets = sorted(trade["target"].unique().tolist()) if len(trade) else []
    for target in targets:
        color = theme.shade(target, targets[0], targets[-1])
        measured, fitted = (table[table["target"] == target] for table in (trade, curves))
        figure.add_trace(
            go.Scatter(
                x=measured["steps"].tolist(), y=measured["tokens"].tolist(), mode="markers", name=f"loss {target:.2f}",
                marker={"size": 7, "color": color}, legendgroup=f"{target}",
            ),
            row=1, col=1,
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=fitted["steps"].tolist(), y=fitted["tokens"].tolist(), mode="lines", showlegend=False,
                line={"color": color, "width": 2}, legendgroup=f"{target}",
            ),
            row=1, col=1,
        )  # fmt: skip
    if len(law):
        _band(figure, law)
    for kind, name, color, symbol in (
        ("noise", "gradient noise", theme.BLUE, "circle"),
        ("direct", "steps and tokens", theme.VERMILION, "diamond"),
    ):
        mine = points[points["kind"] == kind]
        if len(mine):
            figure.add_trace(_errors(mine, name, color, symbol), row=1, col=2)
    if len(trade):
        figure.update_xaxes(theme.log_axis(trade["steps"], "steps", "count"), row=1, col=1)
        figure.update_yaxes(theme.log_axis(trade["tokens"], "tokens", "count"), row=1, col=1)
    figure.update_xaxes(theme.log_axis(points["loss"], "loss [nats per token]", "plain"), row=1, col=2)
    figure.update_yaxes(theme.log_axis(points[["batch", "low", "high"]], "tokens of a batch", "count"), row=1, col=2)
    # Above the panels' titles, not upon them.
    figure.update_layout(legend={"x": 0.5, "xanchor": "center", "y": 1.1, "yanchor": "bottom"}, margin={"t": 100})
    return figure


def _errors(points: pd.DataFrame, name: str, color: str, symbol: str) -> go.Scatter:
    """Points with their intervals."""
    return go.Scatter(
        x=points["loss"].tolist(), y=points["batch"].tolist(), mode="markers", name=name,
        error_y={
            "type": "data", "symmetric": False, "array": (points["high"] - points["batch"]).tolist(),
            "arrayminus": (points["batch"] - points["low"]).tolist(), "color": color, "thickness": 1.6, "width": 0,
        },
        marker={"size": 9, "color": color, "symbol": symbol},
        hovertemplate="loss %{x:.3f}: %{y:,.0f} tokens<extra></extra>",
    )  # fmt: skip


def _band(figure: go.Figure, law: pd.DataFrame) -> None:
    """The power law and its interval."""
    loss = law["loss"].tolist()
    if law["low"].notna().all():
        edges = [*law["high"].tolist(), *law["low"].tolist()[::-1]]
        figure.add_trace(
            go.Scatter(
                x=[*loss, *loss[::-1]], y=edges, fill="toself", fillcolor=theme.faded(theme.BLUE, 0.15),
                line={"width": 0}, mode="lines", showlegend=False, hoverinfo="skip",
            ),
            row=1, col=2,
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=loss, y=law["batch"].tolist(), mode="lines", name="gradient noise, between its bands",
            line={"color": theme.BLUE, "width": 2},
        ),
        row=1, col=2,
    )  # fmt: skip
