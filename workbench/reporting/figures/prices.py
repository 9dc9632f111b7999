"""Compute multipliers in order, and the loss against the learning rate at several widths."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.reporting import theme


def prices(points: pd.DataFrame) -> go.Figure:
    """Multipliers with intervals, one line a technique; a hollow one has a point whose best rate is not bracketed.

    `points` has variant, multiplier, interval (a pair), points and bracketed, the best first.
    """
    figure = theme.blank(max(240, 90 + 20 * len(points)))
    figure.add_vline(x=1, line={"color": theme.SOFT, "width": 1.4})
    ends = np.array(points["interval"].tolist(), dtype=float)
    centre = points["multiplier"].to_numpy(dtype=float)
    whole = (points["bracketed"] == points["points"]).tolist()
    figure.add_trace(
        go.Scatter(
            x=centre.tolist(),
            y=points["variant"].tolist(),
            mode="markers",
            showlegend=False,
            error_x={
                "type": "data", "symmetric": False, "array": (ends[:, 1] - centre).tolist(),
                "arrayminus": (centre - ends[:, 0]).tolist(), "color": theme.BLUE, "thickness": 1.6, "width": 0,
            },
            marker={
                "size": 9, "color": theme.BLUE, "symbol": ["circle" if one else "circle-open" for one in whole],
            },
            hovertemplate="%{y}: ×%{x:.3f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_xaxes(theme.log_axis(ends.ravel(), "compute multiplier", "plain"))
    return figure.update_yaxes(autorange="reversed", title=None, tickmode="linear", showgrid=False)


def widths(points: pd.DataFrame, optima: pd.DataFrame) -> go.Figure:
    """Loss against rate at each width, one panel a parameterisation, its optimum a star.

    `points` has parameterisation, width, rate and loss (mean over seeds); `optima` the same of each fitted best.
    """
    names = sorted(points["parameterisation"].unique(), key=lambda name: (name != "standard", name))
    titles = [TITLES.get(name, name) for name in names]
    figure = theme.dress(
        make_subplots(cols=len(names), shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=titles), 460
    )
    all_widths = sorted(points["width"].unique().tolist())
    for column, name in enumerate(names, start=1):
        for width in all_widths:
            color = theme.shade(width, all_widths[0], all_widths[-1])
            mine = points[(points["parameterisation"] == name) & (points["width"] == width)].sort_values("rate")
            best = optima[(optima["parameterisation"] == name) & (optima["width"] == width)]
            figure.add_trace(
                go.Scatter(
                    x=mine["rate"].tolist(), y=mine["loss"].tolist(), mode="lines+markers", name=f"width {width:g}",
                    legendgroup=f"{width:g}", showlegend=column == 1, line={"color": color, "width": 2},
                    marker={"size": 6}, hovertemplate="rate %{x:.3g}<br>loss %{y:.4f}<extra></extra>",
                ),
                row=1, col=column,
            )  # fmt: skip
            figure.add_trace(
                go.Scatter(
                    x=best["rate"].tolist(), y=best["loss"].tolist(), mode="markers", showlegend=False,
                    legendgroup=f"{width:g}",
                    marker={"size": 15, "symbol": "star", "color": color, "line": {"color": "white", "width": 1}},
                    hovertemplate="best rate %{x:.3g}<extra></extra>",
                ),
                row=1, col=column,
            )  # fmt: skip
        figure.update_xaxes(theme.log_axis(points["rate"], "peak learning rate", "plain"), row=1, col=column)
    figure.update_yaxes(title={"text": "held-out loss [nats per token]"}, row=1, col=1)
    # Above the panels' titles, not upon them.
    figure.update_layout(legend={"x": 0.5, "xanchor": "center", "y": 1.1, "yanchor": "bottom"}, margin={"t": 84})
    return figure


TITLES = {"standard": "standard", "mup": "μP", "completep": "CompleteP"}
