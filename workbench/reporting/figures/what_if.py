"""What a budget buys: the loss over sizes at one compute, and a fit beside published laws."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.reporting import theme
from workbench.reporting.figures.pieces import band
from workbench.reporting.figures.sweep import LOSSES

MARKS = {
    "optimum": ("compute-optimal", "star", theme.VERMILION, 17),
    "departed": ("the model chosen", "diamond", theme.GREEN, 13),
    "limited": ("best with the limit on data", "square", theme.PURPLE, 12),
    "served": ("cheapest with inference (more training)", "circle", theme.ORANGE, 12),
}
"""Kind of a choice → its name, symbol, colour and size."""


def one_budget(line: pd.DataFrame, choices: pd.DataFrame) -> go.Figure:
    """Loss against N at one compute. `line` has n, loss and, where known, low, high, run_low, run_high, limited.

    `choices` has kind (a key of `MARKS`), n, loss.
    """
    figure = theme.blank(500)
    losses = [line["loss"], choices["loss"]]
    for low, high, name, strength in (
        ("run_low", "run_high", "where one run will fall", 0.2),
        ("low", "high", "interval of the law", 0.35),
    ):
        if low in line and line[low].notna().all():
            band(figure, line["n"].tolist(), line[low].tolist(), line[high].tolist(), theme.BLUE)
            figure.data[-1].update(name=name, showlegend=True, fillcolor=theme.faded(theme.BLUE, strength))
            losses += [line[low], line[high]]
    _line(figure, line, "loss", "all tokens distinct", theme.BLUE, "solid")
    if "limited" in line:
        _line(figure, line, "limited", "with the limit on data", theme.PURPLE, "dash")
    for row in choices.to_dict("records"):
        name, mark, color, size = MARKS[row["kind"]]
        figure.add_trace(
            go.Scatter(
                x=[row["n"]], y=[row["loss"]], mode="markers", name=name,
                marker={"size": size, "symbol": mark, "color": color, "line": {"color": "white", "width": 1.2}},
                hovertemplate="N = %{x:.4s}<br>loss %{y:.4f}<extra>" + name + "</extra>",
            )
        )  # fmt: skip
    figure.update_xaxes(theme.log_axis(np.append(line["n"], choices["n"]), "parameters N", "count"))
    return figure.update_yaxes(theme.log_axis(np.concatenate(losses), LOSSES["loss"], "plain"))


def _line(figure: go.Figure, line: pd.DataFrame, key: str, name: str, color: str, dash: str) -> None:
    figure.add_trace(
        go.Scatter(
            x=line["n"].tolist(), y=line[key].tolist(), mode="lines", name=name,
            line={"color": color, "width": 2.2, "dash": dash},
            hovertemplate="N = %{x:.4s}<br>loss %{y:.4f}<extra>" + name + "</extra>",
        )
    )  # fmt: skip


OURS = "this fit"

SOURCES = {OURS: (theme.BLUE, "solid")}
"""Our line; the published ones take the next colours and dashes."""

OTHERS = ((theme.VERMILION, "dash"), (theme.GREEN, "dashdot"), (theme.PURPLE, "dot"))

TITLES = {
    "n": ("N<sub>opt</sub> [parameters]", "count"),
    "d": ("D<sub>opt</sub> [tokens]", "count"),
    "loss": ("loss at the optimum [nats/token]", "plain"),
}
"""Quantity → its axis."""


def beside(lines: pd.DataFrame, quantities: tuple[str, ...], marks: dict[str, float]) -> go.Figure:
    """Each source's optimum against compute, one panel a quantity; dashed verticals are the `marks`, named.

    `lines` has source, flops, n, d, loss and, of our own, low and high of each.
    """
    figure = make_subplots(cols=len(quantities), horizontal_spacing=0.12)
    figure = theme.dress(figure, 500)
    others = [source for source in lines["source"].unique() if source != OURS]
    for column, quantity in enumerate(quantities, start=1):
        for source, part in lines.groupby("source", sort=False):
            _source(figure, part, quantity, str(source), others.index(source) if source in others else 0, column)
        title, style = TITLES[quantity]
        ends = [lines[name] for name in (f"{quantity}_low", f"{quantity}_high") if name in lines]
        figure.update_yaxes(theme.log_axis(np.concatenate([lines[quantity], *ends]), title, style), row=1, col=column)
        figure.update_xaxes(theme.log_axis(lines["flops"], "compute C [FLOPs]", "power", most=6), row=1, col=column)
        for level, (name, flops) in enumerate(marks.items()):
            figure.add_vline(x=flops, line={"color": theme.SOFT, "dash": "dash", "width": 1.2}, row=1, col=column)
            if column == 1:
                figure.add_annotation(
                    x=np.log10(flops), y=1 - 0.06 * level, xref="x", yref="y domain", text=f" {name}", xanchor="left",
                    yanchor="top", showarrow=False, font={"color": theme.SOFT, "size": 12},
                )  # fmt: skip
    return figure


def _source(figure: go.Figure, part: pd.DataFrame, quantity: str, source: str, index: int, column: int) -> None:
    part = part.dropna(subset=[quantity])
    if part.empty:
        return
    color, dash = SOURCES.get(source, OTHERS[index % len(OTHERS)])
    low, high = f"{quantity}_low", f"{quantity}_high"
    if low in part and part[low].notna().all():
        band(figure, part["flops"].tolist(), part[low].tolist(), part[high].tolist(), color, row=1, col=column)
    figure.add_trace(
        go.Scatter(
            x=part["flops"].tolist(), y=part[quantity].tolist(), mode="lines", name=source, legendgroup=source,
            showlegend=column == 1, line={"color": color, "width": 2.4 if source == OURS else 1.8, "dash": dash},
            hovertemplate="C = %{x:.3g}<br>%{y:.4s}<extra>" + source + "</extra>",
        ),
        row=1,
        col=column,
    )  # fmt: skip
