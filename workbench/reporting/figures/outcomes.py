"""Forecasts against outcomes: the largest budget held out, errors by distance, observed against predicted."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.reporting import theme
from workbench.reporting.figures.pieces import band
from workbench.reporting.figures.sweep import LOSSES


def backtest(fitted: pd.DataFrame, held_out: pd.DataFrame) -> go.Figure:
    """The largest budget, held out, as forecast from the smaller ones: open circles were never shown to the fit.

    `fitted` has n, loss, budget; `held_out` n, loss, predicted and, where known, low, high.
    """
    figure = theme.blank(480)
    figure.add_trace(
        go.Scatter(
            x=fitted["n"].tolist(), y=fitted["loss"].tolist(), mode="markers", name="used by the fit",
            marker={"size": 7, "color": theme.SOFT, "opacity": 0.55},
            hovertemplate="N = %{x:.4s}<br>loss %{y:.4f}<extra>used</extra>",
        )
    )  # fmt: skip
    ordered = held_out.sort_values("n")
    losses = [fitted["loss"], ordered["loss"], ordered["predicted"]]
    if {"low", "high"} <= set(ordered.columns) and ordered["low"].notna().all():
        band(figure, ordered["n"].tolist(), ordered["low"].tolist(), ordered["high"].tolist(), theme.BLUE)
        figure.data[-1].update(name="interval of the law", showlegend=True)
    figure.add_trace(
        go.Scatter(
            x=ordered["n"].tolist(), y=ordered["predicted"].tolist(), mode="lines", name="forecast",
            line={"color": theme.BLUE, "width": 2.2},
            hovertemplate="N = %{x:.4s}<br>forecast %{y:.4f}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=ordered["n"].tolist(), y=ordered["loss"].tolist(), mode="markers", name="what it reached",
            marker={"size": 10, "color": theme.VERMILION, "symbol": "circle-open", "line": {"width": 2.2}},
            hovertemplate="N = %{x:.4s}<br>loss %{y:.4f}<extra>held out</extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(theme.log_axis(np.concatenate([fitted["n"], ordered["n"]]), "parameters N", "count"))
    return figure.update_yaxes(theme.log_axis(np.concatenate(losses), LOSSES["loss"], "plain"))


def backtest_errors(points: pd.DataFrame) -> go.Figure:
    """Error of every held-out run against how many times the compute of the largest fitted run it took, by factor.

    `points` has factor (runs above C_max/factor were held out), distance, relative_error and, where known, inside: a
    run outside its own prediction interval is hollow. Runs of one budget would lie on one another: each factor stands
    a few percent beside its place.
    """
    figure = theme.blank(460)
    figure.add_hline(y=0, line={"color": theme.SOFT, "width": 1.2})
    factors = sorted(points["factor"].unique().tolist())
    for index, factor in enumerate(factors):
        part = points[points["factor"] == factor].sort_values("distance")
        inside = part["inside"].tolist() if "inside" in part else [None] * len(part)
        symbol = SYMBOLS[index % len(SYMBOLS)]
        color = theme.shade(factor, factors[0], factors[-1])
        figure.add_trace(
            go.Scatter(
                x=(part["distance"] * APART ** (index - (len(factors) - 1) / 2)).tolist(),
                y=(100 * part["relative_error"]).tolist(),
                customdata=part["distance"].tolist(),
                mode="markers",
                name=f"C<sub>max</sub>/{factor:g}",
                marker={
                    "size": 8,
                    "symbol": [f"{symbol}-open" if covered is False else symbol for covered in inside],
                    "color": color,
                    "line": {"width": [2.0 if covered is False else 0.0 for covered in inside], "color": color},
                },
                hovertemplate="%{customdata:.3g} times the compute seen<br>%{y:+.2f}%<extra></extra>",
            )
        )
    low, high = float(points["distance"].min()), float(points["distance"].max())
    ticks = [tick for tick in DOUBLINGS if low / 1.1 <= tick <= high * 1.1]
    room = APART ** (len(factors) / 2)
    figure.update_xaxes(theme.log_axis([low / room, high * room], "compute over the largest that the fit saw"))
    figure.update_xaxes(tickvals=ticks, ticktext=[f"×{tick:g}" for tick in ticks])
    figure.update_layout(legend={"title": {"text": "held out above  "}})
    return figure.update_yaxes(title={"text": "forecast over outcome [%]"}, ticksuffix="%")


SYMBOLS = ("circle", "square", "diamond", "triangle-up", "star", "hexagon", "pentagon", "triangle-down")
APART = 1.045
"""Factors stand so far apart."""

DOUBLINGS = tuple(2.0**power for power in range(12))
"""Ticks of a distance: ×1, ×2, ×4 and so on."""


def observed_predicted(points: pd.DataFrame, title: str, logarithmic: bool = True) -> go.Figure:
    """Observed against predicted, for laws with no one axis to draw: on the line a law is right.

    `points` has observed and predicted.
    """
    figure = theme.blank(480)
    both = np.concatenate([points["observed"], points["predicted"]]).astype(float)
    ends = [float(both.min()), float(both.max())]
    figure.add_trace(
        go.Scatter(
            x=ends, y=ends, mode="lines", name="observed = predicted", hoverinfo="skip",
            line={"color": theme.SOFT, "width": 1.6, "dash": "dash"},
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=points["predicted"].tolist(),
            y=points["observed"].tolist(),
            mode="markers",
            name="points of the fit",
            marker={"size": 9, "color": theme.VERMILION, "line": {"color": "white", "width": 0.8}},
            hovertemplate="predicted %{x:.4g}<br>observed %{y:.4g}<extra></extra>",
        )
    )
    names = (f"predicted {title}", f"observed {title}")
    if logarithmic and ends[0] > 0:
        style = "plain" if ends[1] < 1e4 else "count"
        figure.update_xaxes(theme.log_axis(both, names[0], style))
        return figure.update_yaxes(theme.log_axis(both, names[1], style))
    return figure.update_xaxes(title={"text": names[0]}).update_yaxes(title={"text": names[1]})
