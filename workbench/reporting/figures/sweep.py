"""A sweep before any law: its learning curves, and its losses against the compute they took."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.reporting import theme
from workbench.reporting.figures.pieces import band, broken_lines, color_bar

AXES = {
    "step": ("step", "count"),
    "tokens": ("tokens D", "count"),
    "flops": ("compute C [FLOPs]", "power"),
    "seconds": ("time [s]", "count"),
}
"""Column of the x axis → its title and the style of its ticks."""

LOSSES = {
    "loss": "held-out loss [nats/token]",
    "train_loss": "training loss [nats/token]",
    "bpb": "held-out bits per byte",
}
"""Column of the y axis → its title."""


def thin(curves: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most `most` points of each run, evenly spaced, the first and the last kept."""

    def some(group: pd.DataFrame) -> np.ndarray:
        positions = np.linspace(0, len(group) - 1, min(most, len(group))).round().astype(int)
        return group.index.to_numpy()[np.unique(positions)]

    kept = [some(group) for _, group in curves.groupby("run_id", sort=False)]
    return curves.loc[np.sort(np.concatenate(kept))] if kept else curves


def learning_curves(
    runs: pd.DataFrame, curves: pd.DataFrame, x: str = "tokens", y: str = "train_loss", color: str = "n_params"
) -> go.Figure:
    """Loss against tokens (or steps, FLOPs, seconds), one line a run, coloured by size."""
    frame = curves.merge(runs[["run_id", color]], on="run_id").dropna(subset=[x, y])
    frame = frame[(frame[x] > 0) & (frame[y] > 0)]
    if frame.empty:
        return theme.message("No learning curve was recorded for these runs.")
    figure = theme.blank(480)
    low, high = float(frame[color].min()), float(frame[color].max())
    for value, group in frame.groupby(color, sort=True):
        size = float(str(value))
        lines = broken_lines(group, "run_id", [x, y])
        figure.add_trace(
            go.Scatter(
                x=lines[x],
                y=lines[y],
                mode="lines",
                line={"color": theme.shade(size, low, high), "width": 1.3},
                name=theme.label(size, "count"),
                showlegend=False,
                hovertemplate=f"N = {theme.label(size, 'count')}<br>%{{x:.3s}}, %{{y:.3f}}<extra></extra>",
            )
        )
    color_bar(figure, [low, high], "parameters N", "count")
    figure.update_layout(margin={"t": 24})
    title, style = AXES[x]
    figure.update_xaxes(theme.log_axis(frame[x], title, style))
    return figure.update_yaxes(theme.log_axis(frame[y], LOSSES[y], "plain"))


def loss_against_compute(
    table: pd.DataFrame, curves: pd.DataFrame | None = None, frontier: pd.DataFrame | None = None
) -> go.Figure:
    """Every run's final loss at its compute, the training curves behind, and the fitted compute-optimal frontier.

    `table` has n, c, loss; `curves` has run_id, n, flops, loss; `frontier` has flops, loss, loss_low, loss_high.
    """
    figure = theme.blank(520)
    low, high = float(table["n"].min()), float(table["n"].max())
    if curves is not None and not curves.empty:
        for value, group in curves.groupby("n", sort=True):
            size = float(str(value))
            lines = broken_lines(group, "run_id", ["flops", "loss"])
            line = {"color": theme.shade(size, low, high), "width": 1}
            figure.add_trace(
                go.Scatter(
                    x=lines["flops"], y=lines["loss"], mode="lines", line=line, opacity=0.45, showlegend=False,
                    hoverinfo="skip",
                )
            )  # fmt: skip
    if frontier is not None and not frontier.empty:
        _frontier(figure, frontier, float(table["c"].max()))
    figure.add_trace(
        go.Scatter(
            x=table["c"].tolist(),
            y=table["loss"].tolist(),
            mode="markers",
            name="final loss of a run",
            marker={
                "size": 8,
                "color": [theme.shade(n, low, high) for n in table["n"]],
                "line": {"color": "white", "width": 0.8},
            },
            customdata=[[theme.label(n, "count")] for n in table["n"]],
            hovertemplate="C = %{x:.3g}<br>loss %{y:.4f}<br>N = %{customdata[0]}<extra></extra>",
        )
    )
    color_bar(figure, [low, high], "parameters N", "count")
    compute, losses = [table["c"]], [table["loss"]]
    if frontier is not None and not frontier.empty:
        compute.append(frontier["flops"])
        losses += [frontier["loss"], frontier["loss_low"].dropna(), frontier["loss_high"].dropna()]
    if curves is not None and not curves.empty:
        compute.append(curves["flops"])
        losses.append(curves["loss"])
    figure.update_xaxes(theme.log_axis(np.concatenate(compute), "compute C [FLOPs]", "power"))
    return figure.update_yaxes(theme.log_axis(np.concatenate(losses), LOSSES["loss"], "plain"))


def _frontier(figure: go.Figure, frontier: pd.DataFrame, largest: float) -> None:
    """The law's best loss at each compute: full within the sweep, dotted beyond its largest budget."""
    if frontier["loss_low"].notna().all():
        band(
            figure,
            frontier["flops"].tolist(),
            frontier["loss_low"].tolist(),
            frontier["loss_high"].tolist(),
            theme.VERMILION,
        )
    flops, loss = frontier["flops"].to_numpy(), frontier["loss"].to_numpy()
    if flops[0] < largest < flops[-1]:  # where the two lines meet
        there, meeting = np.searchsorted(flops, largest), np.interp(np.log(largest), np.log(flops), np.log(loss))
        flops, loss = np.insert(flops, there, largest), np.insert(loss, there, np.exp(meeting))
    line = pd.DataFrame({"flops": flops, "loss": loss})
    within, beyond = line[line["flops"] <= largest], line[line["flops"] >= largest]
    for part, dash, name in ((within, "solid", "compute-optimal frontier"), (beyond, "dot", "extrapolated")):
        if len(part) > 1:
            figure.add_trace(
                go.Scatter(
                    x=part["flops"].tolist(),
                    y=part["loss"].tolist(),
                    mode="lines",
                    name=name,
                    line={"color": theme.VERMILION, "width": 2.5, "dash": dash},
                    hovertemplate="C = %{x:.3g}<br>optimal loss %{y:.4f}<extra></extra>",
                )
            )
