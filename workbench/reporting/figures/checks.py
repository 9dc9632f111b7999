"""What makes a sweep believable, and what a law of loss does not say: rate check, seed noise, tasks that emerge."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.reporting import theme


def rate_check(points: pd.DataFrame) -> go.Figure:
    """Change of the loss when the learning rate is multiplied: a rate that is right has its minimum at ×1.

    `points` has n, d, rate_factor and change = loss / loss at factor 1 − 1.
    """
    figure = theme.blank(420)
    figure.add_hline(y=0, line={"color": theme.SOFT, "width": 1.2})
    for index, (key, group) in enumerate(points.groupby(["n", "d"], sort=True)):
        n, d = (float(str(part)) for part in key)
        ordered = group.sort_values("rate_factor")
        color = theme.CATEGORIES[index % len(theme.CATEGORIES)]
        figure.add_trace(
            go.Scatter(
                x=ordered["rate_factor"].tolist(),
                y=(100 * ordered["change"]).tolist(),
                mode="lines+markers",
                name=f"N = {theme.label(n, 'count')}, D = {theme.label(d, 'count')}",
                line={"color": color, "width": 2},
                marker={"size": 9, "symbol": SYMBOLS[index % len(SYMBOLS)]},
                hovertemplate="rate ×%{x}<br>%{y:+.2f}%<extra></extra>",
            )
        )
    factors = sorted(points["rate_factor"].unique().tolist())
    ends = [float(np.log10(factors[0])) - 0.05, float(np.log10(factors[-1])) + 0.05]
    figure.update_xaxes(type="log", range=ends, tickvals=factors, ticktext=[f"×{factor:g}" for factor in factors])
    figure.update_xaxes(title={"text": "learning rate, relative to the rule's"})
    return figure.update_yaxes(title={"text": "change of the held-out loss"}, ticksuffix="%")


SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star")


def seed_noise(points: pd.DataFrame) -> go.Figure:
    """Each seed's loss against the mean of its configuration, in percent. `points` has c and change."""
    figure = theme.blank(360)
    figure.add_hline(y=0, line={"color": theme.SOFT, "width": 1.2})
    figure.add_trace(
        go.Scatter(
            x=points["c"].tolist(),
            y=(100 * points["change"]).tolist(),
            mode="markers",
            showlegend=False,
            marker={"size": 10, "color": theme.BLUE, "line": {"color": "white", "width": 0.8}},
            hovertemplate="C = %{x:.3g}<br>%{y:+.2f}%<extra></extra>",
        )
    )
    figure.update_xaxes(theme.log_axis(points["c"], "compute C [FLOPs]", "power"))
    return figure.update_yaxes(title={"text": "loss against the mean of its seeds"}, ticksuffix="%")


def emergence(points: pd.DataFrame, lines: pd.DataFrame | None = None, x: str = "n") -> go.Figure:
    """Exact match and a metric of its tokens side by side: a leap that is a slope on the right is the metric's.

    `points` has x, metric, key, value and, where known, se; `lines` the fitted threshold curves on a finer grid.
    """
    metrics = [m for m in METRIC_NAMES if m in set(points["metric"])]
    metrics += sorted(set(points["metric"]) - set(metrics))
    titles = [METRIC_NAMES.get(metric, (metric, ""))[0] for metric in metrics]
    figure = theme.dress(make_subplots(cols=len(metrics), horizontal_spacing=0.1, subplot_titles=titles), 460)
    keys = [str(key) for key in sorted(points["key"].unique(), key=_natural)]
    for column, metric in enumerate(metrics, start=1):
        for index, key in enumerate(keys):
            color = theme.CATEGORIES[index % len(theme.CATEGORIES)]
            part = points[(points["metric"] == metric) & (points["key"] == key)].sort_values(x)
            _task_points(figure, part, x, key, color, SYMBOLS[index % len(SYMBOLS)], column)
            if lines is not None:
                _task_line(figure, lines[(lines["metric"] == metric) & (lines["key"] == key)], x, color, column)
        title, style = X_TITLES[x]
        figure.update_xaxes(theme.log_axis(points[x], title, style), row=1, col=column)
        figure.update_yaxes(title={"text": METRIC_NAMES.get(metric, ("", "value"))[1]}, row=1, col=column)
        if metric != "answer_nll":  # every other is a share
            figure.update_yaxes(range=[-0.03, 1.03], row=1, col=column)
    sized = any(keys)
    return figure.update_layout(
        legend={"y": 1.1, "title": {"text": "size of item  " if sized else ""}}, margin={"t": 84}
    )


def _natural(key: object) -> tuple[int, str]:
    """Sizes in the order of their numbers: 2 before 10."""
    text = str(key)
    return (int(text), "") if text.isdigit() else (-1, text)


METRIC_NAMES = {
    "exact_match": ("exact match", "share of answers"),
    "token_probability": ("probability of a correct token", "probability"),
    "token_accuracy": ("correct tokens", "share of tokens"),
    "answer_nll": ("surprise per token of the answer", "nats per token"),
}
"""Metric → the title of its panel, and of its axis."""

X_TITLES = {
    "n": ("parameters N", "count"),
    "d": ("tokens D", "count"),
    "c": ("compute C [FLOPs]", "power"),
    "loss": ("held-out loss [nats/token]", "plain"),
}


def _task_points(figure: go.Figure, part: pd.DataFrame, x: str, key: str, color: str, symbol: str, column: int) -> None:
    errors = {"error_y": {"array": part["se"].fillna(0).tolist(), "thickness": 1, "width": 0}} if "se" in part else {}
    figure.add_trace(
        go.Scatter(
            x=part[x].tolist(),
            y=part["value"].tolist(),
            mode="markers",
            name=key or "all items",
            legendgroup=key,
            showlegend=column == 1,
            marker={"size": 8, "symbol": symbol, "color": color, "line": {"color": "white", "width": 0.6}},
            hovertemplate="%{x:.4s}<br>%{y:.3f}<extra>" + (key or "all items") + "</extra>",
            **errors,
        ),
        row=1,
        col=column,
    )


def _task_line(figure: go.Figure, line: pd.DataFrame, x: str, color: str, column: int) -> None:
    if not line.empty:
        figure.add_trace(
            go.Scatter(
                x=line[x].tolist(), y=line["value"].tolist(), mode="lines", showlegend=False, hoverinfo="skip",
                line={"color": color, "width": 2},
            ),
            row=1,
            col=column,
        )  # fmt: skip
