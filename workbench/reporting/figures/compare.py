"""Groups of runs beside one another: their losses with their frontiers, and the compute that each needs."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.reporting import theme
from workbench.reporting.figures.pieces import band

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star")
DASHES = ("solid", "dash", "dashdot", "longdash", "longdashdot", "dot")
LONGEST = 44
"""Characters of a group's name in a legend."""


def compared_losses(points: pd.DataFrame, lines: pd.DataFrame, title: str) -> go.Figure:
    """Every run's loss at its compute, and each group's frontier: thin where it goes beyond the group's own runs.

    `points` has group, n, c, loss; `lines` group, flops, loss, low, high and inside; groups in the order of `lines`.
    """
    figure = theme.blank(500)
    groups = list(dict.fromkeys(lines["group"]))
    for i, group in enumerate(groups):
        color = theme.CATEGORIES[i % len(theme.CATEGORIES)]
        mine = lines[(lines["group"] == group) & lines["inside"]]
        if mine["low"].notna().all():
            band(figure, mine["flops"].tolist(), mine["low"].tolist(), mine["high"].tolist(), color)
        every = lines[lines["group"] == group]
        first, last = (mine["flops"].min(), mine["flops"].max()) if len(mine) else (np.inf, np.inf)
        before, after = every[every["flops"] <= first], every[every["flops"] >= last]
        for part, width, dash in ((before, 1.2, "dot"), (mine, 2.5, DASHES[i]), (after, 1.2, "dot")):
            if len(part) < 2:
                continue
            figure.add_trace(
                go.Scatter(
                    x=part["flops"].tolist(), y=part["loss"].tolist(), mode="lines", showlegend=False,
                    line={"color": color, "width": width, "dash": dash}, legendgroup=group,
                    hovertemplate="C = %{x:.3g}<br>best loss %{y:.4f}<extra></extra>",
                )
            )  # fmt: skip
        runs = points[points["group"] == group]
        figure.add_trace(
            go.Scatter(
                x=runs["c"].tolist(),
                y=runs["loss"].tolist(),
                mode="markers",
                name=short(group),
                legendgroup=group,
                marker={"size": 8, "symbol": SYMBOLS[i], "color": color, "line": {"color": "white", "width": 0.8}},
                customdata=[[theme.label(n, "count")] for n in runs["n"]],
                hovertemplate="C = %{x:.3g}<br>loss %{y:.4f}<br>N = %{customdata[0]}<extra></extra>",
            )
        )
    seen = [points["loss"], lines["loss"]]
    figure.update_xaxes(theme.log_axis(np.concatenate([points["c"], lines["flops"]]), "compute C [FLOPs]", "power"))
    return figure.update_yaxes(theme.log_axis(np.concatenate(seen), title, "plain"))


def compared_times(lines: pd.DataFrame, x: str, title: str, reference: str) -> go.Figure:
    """Times the compute of the reference, with its interval, against the loss or the reference's compute.

    `lines` has group, loss, flops_ref, times, low, high.
    """
    figure = theme.blank(420)
    figure.add_hline(y=1, line={"color": theme.SOFT, "width": 1.4})
    groups = list(dict.fromkeys(lines["group"]))
    for i, group in enumerate(groups, start=1):
        color = theme.CATEGORIES[i % len(theme.CATEGORIES)]
        mine = lines[(lines["group"] == group) & np.isfinite(lines["times"])]
        known = mine[np.isfinite(mine["low"]) & np.isfinite(mine["high"]) & (mine["low"] > 0)]
        band(figure, known[x].tolist(), known["low"].tolist(), known["high"].tolist(), color)
        figure.add_trace(
            go.Scatter(
                x=mine[x].tolist(),
                y=mine["times"].tolist(),
                mode="lines",
                name=short(group),
                showlegend=len(groups) > 1,
                line={"color": color, "width": 2.5, "dash": DASHES[i]},
                hovertemplate="%{x:.4g}: %{y:.3f} times<extra></extra>",
            )
        )
    seen = lines[["times", "low", "high"]].to_numpy(dtype=np.float64).ravel()
    axis = theme.log_axis(lines[x], title, "power" if x == "flops_ref" else "plain")
    if x == "loss":  # better to the right, as compute goes
        axis["range"] = axis["range"][::-1] if "range" in axis else None
    figure.update_xaxes(axis)
    return figure.update_yaxes(
        theme.log_axis(np.append(seen[np.isfinite(seen)], 1.0), f"times the compute of {short(reference, 24)}", "plain")
    )


def short(name: str, longest: int = LONGEST) -> str:
    """A name that a legend has room for."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
