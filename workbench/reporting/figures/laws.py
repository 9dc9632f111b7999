"""Fitted laws: isoFLOP curves and their minima, the optimum against compute, L(N, D), what a law misses."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.reporting import formats, theme
from workbench.reporting.figures.pieces import band, color_bar
from workbench.reporting.figures.sweep import LOSSES

MOST_NAMED = 8
"""More budgets than this get a colour bar and no legend."""


def isoflop(points: pd.DataFrame, minima: pd.DataFrame | None = None, lines: pd.DataFrame | None = None) -> go.Figure:
    """Loss against N at each budget, the fitted curves and their minima (a hollow star: not bracketed on both sides).

    `points` has n, loss, budget; `minima` budget, n_opt, loss_opt, bracketed; `lines` budget, n, loss.
    """
    figure = theme.blank(540)
    low, high = float(points["budget"].min()), float(points["budget"].max())
    named = points["budget"].nunique() <= MOST_NAMED
    if lines is not None:
        for value, group in lines.groupby("budget", sort=True):
            line = {"color": theme.shade(float(str(value)), low, high), "width": 2}
            figure.add_trace(
                go.Scatter(
                    x=group["n"].tolist(), y=group["loss"].tolist(), mode="lines", line=line, showlegend=False,
                    hoverinfo="skip",
                )
            )  # fmt: skip
    for value, group in points.sort_values("n").groupby("budget", sort=True):
        budget = float(str(value))
        name = formats.power(budget)
        figure.add_trace(
            go.Scatter(
                x=group["n"].tolist(),
                y=group["loss"].tolist(),
                mode="markers",
                name=name,
                showlegend=named,
                marker={
                    "size": 9,
                    "color": theme.shade(budget, low, high),
                    "line": {"color": "white", "width": 0.8},
                },
                hovertemplate=f"C = {name} FLOPs<br>N = %{{x:.4s}}<br>loss %{{y:.4f}}<extra></extra>",
            )
        )
    if minima is not None and not minima.empty:
        _stars(figure, minima)
    figure.update_xaxes(theme.log_axis(points["n"], "parameters N", "count"))
    figure.update_yaxes(theme.log_axis(points["loss"], LOSSES["loss"], "plain"))
    if not named:
        color_bar(figure, [low, high], "budget C [FLOPs]", "power")
        return figure
    return figure.update_layout(
        legend={"title": {"text": "budget [FLOPs]"}, "orientation": "v", "x": 1.01, "y": 1, "yanchor": "top"}
    )


def _stars(figure: go.Figure, minima: pd.DataFrame) -> None:
    """The minima, filled where the design brackets them."""
    for bracketed, name, symbol in ((True, "minimum", "star"), (False, "not bracketed", "star-open")):
        part = minima[minima["bracketed"].astype(bool) == bracketed].dropna(subset=["n_opt", "loss_opt"])
        if part.empty:
            continue
        figure.add_trace(
            go.Scatter(
                x=part["n_opt"].tolist(),
                y=part["loss_opt"].tolist(),
                mode="markers",
                name=name,
                marker={
                    "size": 15,
                    "symbol": symbol,
                    "color": theme.VERMILION,
                    "line": {"color": "white" if bracketed else theme.VERMILION, "width": 1},
                },
                hovertemplate="N_opt = %{x:.4s}<br>loss %{y:.4f}<extra></extra>",
            )
        )


def optimum(
    lines: pd.DataFrame, minima: pd.DataFrame | None, largest: float, largest_name: str = "largest budget"
) -> go.Figure:
    """N_opt and D_opt against compute for each approach; right of the dashed line no run has been.

    `lines` has law, flops, n, n_low, n_high, d, d_low, d_high; `minima` has budget, n_opt, d_opt, bracketed.
    """
    titles = ("N<sub>opt</sub>", "D<sub>opt</sub>")
    figure = theme.dress(make_subplots(cols=2, horizontal_spacing=0.13), 480)
    for column, quantity in ((1, "n"), (2, "d")):
        for law, group in lines.groupby("law", sort=True):
            _optimum_line(figure, str(law), group, quantity, column)
        values = [lines[quantity]]
        if minima is not None and not minima.empty:
            _optimum_points(figure, minima, quantity, column)
            values.append(minima[f"{quantity}_opt"])
        # A law that is not determined has bands over many decades; the lines are what the axis must show.
        bottom, top = min(v.min() for v in values) / BAND_ROOM, max(v.max() for v in values) * BAND_ROOM
        values += [lines[f"{quantity}_{end}"].dropna().clip(bottom, top) for end in ("low", "high")]
        figure.add_vline(x=largest, line={"color": theme.SOFT, "dash": "dash", "width": 1.2}, row=1, col=column)
        title = f"{titles[column - 1]} [{'parameters' if quantity == 'n' else 'tokens'}]"
        figure.update_yaxes(theme.log_axis(np.concatenate(values), title, "count"), row=1, col=column)
        figure.update_xaxes(theme.log_axis(lines["flops"], "compute C [FLOPs]", "power"), row=1, col=column)
    return figure.add_annotation(
        x=np.log10(largest), y=1, yref="y domain", xref="x", text=f"{largest_name} ", showarrow=False, xanchor="right",
        yanchor="top", font={"color": theme.SOFT, "size": 12},
    )  # fmt: skip


BAND_ROOM = 10.0
"""Bands are shown as far as this factor beyond the lines."""


def _optimum_line(figure: go.Figure, law: str, group: pd.DataFrame, quantity: str, column: int) -> None:
    color = theme.LAW_COLORS.get(law, theme.INK)
    ordered = group.sort_values("flops")
    known = ordered.dropna(subset=[f"{quantity}_low", f"{quantity}_high"])
    if not known.empty:
        edges = (known[f"{quantity}_low"].tolist(), known[f"{quantity}_high"].tolist())
        band(figure, known["flops"].tolist(), *edges, color, row=1, col=column)
    figure.add_trace(
        go.Scatter(
            x=ordered["flops"].tolist(),
            y=ordered[quantity].tolist(),
            mode="lines",
            name=theme.LAW_NAMES.get(law, law),
            legendgroup=law,
            showlegend=column == 1,
            line={"color": color, "width": 2.2, "dash": theme.LAW_DASHES.get(law, "solid")},
            hovertemplate="C = %{x:.3g}<br>%{y:.4s}<extra>" + theme.LAW_NAMES.get(law, law) + "</extra>",
        ),
        row=1,
        col=column,
    )


def _optimum_points(figure: go.Figure, minima: pd.DataFrame, quantity: str, column: int) -> None:
    symbols = ["star" if bracketed else "star-open" for bracketed in minima["bracketed"]]
    figure.add_trace(
        go.Scatter(
            x=minima["budget"].tolist(),
            y=minima[f"{quantity}_opt"].tolist(),
            mode="markers",
            name="minimum of a budget",
            legendgroup="minima",
            showlegend=column == 1,
            marker={"size": 12, "symbol": symbols, "color": theme.VERMILION, "line": {"color": "white", "width": 1}},
            hovertemplate="C = %{x:.3g}<br>%{y:.4s}<extra></extra>",
        ),
        row=1,
        col=column,
    )


def law_lines(points: pd.DataFrame, lines: pd.DataFrame) -> go.Figure:
    """Loss against tokens: the runs, and the fitted L(N, D) at each size. Both frames have n, d, loss."""
    figure = theme.blank(500)
    low, high = float(points["n"].min()), float(points["n"].max())
    for value, group in lines.groupby("n", sort=True):
        size = float(str(value))
        figure.add_trace(
            go.Scatter(
                x=group["d"].tolist(), y=group["loss"].tolist(), mode="lines", showlegend=False, hoverinfo="skip",
                line={"color": theme.shade(size, low, high), "width": 1.6},
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=points["d"].tolist(),
            y=points["loss"].tolist(),
            mode="markers",
            showlegend=False,
            customdata=[[theme.label(n, "count")] for n in points["n"]],
            marker={
                "size": 8,
                "color": [theme.shade(n, low, high) for n in points["n"]],
                "line": {"color": "white", "width": 0.8},
            },
            hovertemplate="N = %{customdata[0]}<br>D = %{x:.4s}<br>loss %{y:.4f}<extra></extra>",
        )
    )
    color_bar(figure, [low, high], "parameters N", "count")
    figure.update_layout(margin={"t": 24})
    figure.update_xaxes(theme.log_axis(points["d"], "tokens D", "count"))
    return figure.update_yaxes(theme.log_axis(points["loss"], LOSSES["loss"], "plain"))


def residuals(points: pd.DataFrame, logarithmic: bool = True) -> go.Figure:
    """Observed over predicted, in percent, against N, D and C: structure here is what the law misses.

    `points` has residual and those of n, d, c that the table has (else the first of its other columns): residual is
    ln(observed/predicted), or, where not `logarithmic`, their difference.
    """
    panels = [panel for panel in PANELS if panel[0] in points] or [(str(points.columns[0]), str(points.columns[0]), "")]
    figure = theme.dress(make_subplots(cols=len(panels), shared_yaxes=True, horizontal_spacing=0.04), 380)
    missed = (100 * np.expm1(points["residual"]) if logarithmic else points["residual"]).tolist()
    unit, sign = ("%", "+.2f") if logarithmic else ("", "+.3g")
    for column, (key, title, style) in enumerate(panels, start=1):
        figure.add_trace(
            go.Scatter(
                x=points[key].tolist(),
                y=missed,
                mode="markers",
                showlegend=False,
                marker={"size": 8, "color": theme.BLUE, "opacity": 0.8, "line": {"color": "white", "width": 0.8}},
                hovertemplate=f"%{{x:.4s}}<br>%{{y:{sign}}}{unit}<extra></extra>",
            ),
            row=1,
            col=column,
        )
        figure.add_hline(y=0, line={"color": theme.SOFT, "width": 1.2}, row=1, col=column)
        axis = theme.log_axis(points[key], title, style, most=4) if style else {"title": {"text": title}}
        figure.update_xaxes(axis, row=1, col=column)
    title = "observed / predicted − 1 [%]" if logarithmic else "observed minus predicted"
    figure.update_yaxes(title={"text": title}, ticksuffix=unit, row=1, col=1)
    return figure.update_layout(margin={"t": 24})


PANELS = (("n", "parameters N", "count"), ("d", "tokens D", "count"), ("c", "compute C [FLOPs]", "power"))
