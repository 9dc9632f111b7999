"""The picture of docs/isoflop-bias.md: one budget and its curves, and the bias against the range of sizes."""

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tests.benchmarks.isoflop_truths import Design
from workbench.fitting.isoflop.curves import SHAPES
from workbench.fitting.isoflop.minima import minima
from workbench.reporting import theme

LOOKS = {
    "parabola": (theme.VERMILION, "dash"),
    "cubic": (theme.GREEN, "dot"),
    "two-powers": (theme.BLUE, "solid"),
}
"""Shape → colour and dash."""

SHOWN = {"Hoffmann": "circle", "asymmetric": "diamond"}
"""Surface → marker."""

WIDTHS = (2, 3, 4, 6, 8, 12, 16)


def draw(path: Path) -> None:
    """Write the picture: needs the extra `docs` and a Chromium."""
    titles = ("one budget of the asymmetric surface, sizes ±16", "bias of D* without noise")
    figure = make_subplots(1, 2, subplot_titles=titles, horizontal_spacing=0.12)
    _budget(figure, Design("asymmetric", 16, 11))
    _bias(figure)
    figure.update_layout(template=theme.TEMPLATE, legend={"y": 1.1})
    figure.write_image(path, width=1000, height=460, scale=2)


def _budget(figure: go.Figure, design: Design) -> None:
    """Losses at the middle budget over those of the optimum, and the curves fitted to all budgets."""
    every = design.curves()
    which = len(every) // 2
    curve, y_1M = every[which], np.concatenate([curve.y_M for curve in every])[None]
    best = float(design.ln_n_opt(curve.budget))
    z = np.linspace(curve.z_M.min(), curve.z_M.max(), 101)
    for name, (color, dash) in LOOKS.items():
        found = minima(every, SHAPES[name], y_1M)
        x, y = np.exp(z + curve.centre - best), np.exp(SHAPES[name].ln_loss(found.curve_SBK[0, which], z))
        line = {"color": color, "dash": dash, "width": 2}
        figure.add_scatter(x=x, y=y, mode="lines", name=name, line=line, row=1, col=1)
        star = {"symbol": "star", "size": 13, "color": color, "line": {"color": "white", "width": 1}}
        x_opt, y_opt = np.exp(found.ln_n_SB[0, which] - best), np.exp(found.ln_l_SB[0, which])
        figure.add_scatter(x=[x_opt], y=[y_opt], mode="markers", marker=star, showlegend=False, row=1, col=1)
    dots = {"color": theme.INK, "size": 6}
    x = np.exp(curve.z_M + curve.centre - best)
    figure.add_scatter(x=x, y=np.exp(curve.y_M), mode="markers", marker=dots, showlegend=False, row=1, col=1)
    figure.add_vline(x=1, line={"color": theme.SOFT, "dash": "dot", "width": 1}, row=1, col=1)
    ticks = [1 / 16, 1 / 4, 1, 4, 16]
    labels = ["1/16", "1/4", "1", "4", "16"]
    figure.update_xaxes(type="log", title="N / true optimum", tickvals=ticks, ticktext=labels, row=1, col=1)
    figure.update_yaxes(title="loss", row=1, col=1)


def _bias(figure: go.Figure) -> None:
    """D* against the range of sizes, for each shape and surface."""
    for surface, symbol in SHOWN.items():
        for name, (color, dash) in LOOKS.items():
            y = []
            for width in WIDTHS:
                every = Design(surface, width, 11).curves()
                found = minima(every, SHAPES[name], np.concatenate([curve.y_M for curve in every])[None])
                best_B = np.array([float(Design(surface, width, 11).ln_n_opt(curve.budget)) for curve in every])
                y.append(100 * float(np.expm1((best_B - found.ln_n_SB[0]).mean())))
            line, marker = {"color": color, "dash": dash, "width": 2}, {"symbol": symbol, "size": 8, "color": color}
            figure.add_scatter(
                x=WIDTHS, y=y, mode="lines+markers", line=line, marker=marker, showlegend=False, row=1, col=2
            )
            if name == "parabola":
                said = {"xanchor": "right", "yanchor": "top", "showarrow": False, "font": {"color": color}}
                figure.add_annotation(x=np.log10(16), y=y[-1] - 0.6, text=f"{surface}, parabola", row=1, col=2, **said)
    ticks = [2, 4, 8, 16]
    figure.update_xaxes(type="log", title="sizes reach to ± a factor of", tickvals=ticks, row=1, col=2)
    figure.update_yaxes(title="bias of D* [%]", row=1, col=2)
