"""The proposed runs over those so far, and one number's interval now and after."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.fitting.design.proposal import Proposal
from workbench.reporting import formats, theme


@dataclass(frozen=True)
class Plane:
    """Two of N, D and C to draw runs in."""

    x: str
    y: str
    words: str


PLANES = {"nd": Plane("n", "d", "parameters N and tokens D"), "cn": Plane("c", "n", "compute C and parameters N")}

AXES = {"n": ("parameters N", "count"), "d": ("tokens D", "count"), "c": ("compute C [FLOPs]", "power")}

VALUES = {
    "a": "exponent a",
    "alpha": "exponent α of model size",
    "beta": "exponent β of data",
    "E": "irreducible loss E [nats/token]",
    "loss": "loss at that compute [nats/token]",
    "losses": "loss at the far end [nats/token]",
    "n-opt": "N<sub>opt</sub> [parameters]",
}
"""Target → the title of its axis."""

KINDS = (
    ("target", "for the target", theme.VERMILION, "diamond"),
    ("check", "to check the law", theme.GREEN, "square"),
)


def next_runs(
    runs: pd.DataFrame,
    proposed: pd.DataFrame,
    line: pd.DataFrame,
    proposal: Proposal,
    plane: str = "nd",
    determined: bool = True,
) -> go.Figure:
    """Left, in a plane, the runs; right the target's interval.

    `runs` has n, d, c of those so far, `proposed` also repeats and purpose, `line` those of the compute-optimal line.
    An interval that determines nothing is not drawn.
    """
    chosen = PLANES[plane]
    titles = ["runs so far and proposed", "interval now and after"]
    figure = make_subplots(cols=2, column_widths=[0.66, 0.34], horizontal_spacing=0.12, subplot_titles=titles)
    theme.dress(figure, 500)
    _runs(figure, runs, line, chosen)
    for purpose, name, color, symbol in KINDS:
        part = proposed[proposed["purpose"] == purpose]
        if not part.empty:
            figure.add_trace(_points(part, chosen, name, color, symbol), row=1, col=1)
    for update, axis in ((figure.update_xaxes, chosen.x), (figure.update_yaxes, chosen.y)):
        values = np.concatenate([runs[axis], proposed[axis]])
        update(theme.log_axis(values, *AXES[axis], pad=0.12), row=1, col=1)
    if determined:
        _intervals(figure, proposal)
    else:
        figure.add_annotation(text="not determined", x=0.5, y=0.5, xref="x2 domain", yref="y2 domain", showarrow=False)
        figure.update_xaxes(visible=False, row=1, col=2).update_yaxes(visible=False, row=1, col=2)
    # Above the panels' titles, not upon them.
    return figure.update_layout(legend={"y": 1.1}, margin={"t": 90})


def _runs(figure: go.Figure, runs: pd.DataFrame, line: pd.DataFrame, plane: Plane) -> None:
    figure.add_trace(
        go.Scatter(
            x=line[plane.x].tolist(), y=line[plane.y].tolist(), mode="lines", name="compute-optimal, fitted",
            line={"color": theme.BLUE, "width": 2, "dash": "dash"}, hoverinfo="skip",
        ),
        row=1, col=1,
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=runs[plane.x].tolist(), y=runs[plane.y].tolist(), mode="markers", name="runs so far",
            marker={"size": 8, "color": theme.SOFT, "opacity": 0.6},
            hovertemplate=_hover(plane) + "<extra>so far</extra>",
        ),
        row=1, col=1,
    )  # fmt: skip


def _points(part: pd.DataFrame, plane: Plane, name: str, color: str, symbol: str) -> go.Scatter:
    """Proposed runs, larger the more often they are repeated."""
    return go.Scatter(
        x=part[plane.x].tolist(),
        y=part[plane.y].tolist(),
        mode="markers+text",
        name=name,
        text=[f"×{repeats}" if repeats > 1 else "" for repeats in part["repeats"]],
        textposition="top center",
        textfont={"color": theme.INK, "size": 13},
        marker={
            "size": (9 + 2.5 * np.sqrt(part["repeats"])).tolist(),
            "symbol": symbol,
            "color": color,
            "opacity": 1,
            "line": {"color": "white", "width": 1},
        },
        cliponaxis=False,
        hovertemplate=_hover(plane) + "<br>%{text}<extra>" + name + "</extra>",
    )


def _hover(plane: Plane) -> str:
    return f"{plane.x.upper()} = %{{x:.4s}}<br>{plane.y.upper()} = %{{y:.4s}}"


def _intervals(figure: go.Figure, proposal: Proposal) -> None:
    """The interval of the target as it is, and as it would be if the estimate stays where it is."""
    # An axis of words begins below.
    rows = (("after", proposal.then, theme.VERMILION), ("now", proposal.now, theme.SOFT))
    for name, (low, high), color in rows:
        figure.add_trace(
            go.Scatter(
                x=[proposal.value], y=[name], mode="markers", showlegend=False,
                marker={"size": 11, "color": color},
                error_x={
                    "type": "data", "symmetric": False, "array": [high - proposal.value],
                    "arrayminus": [proposal.value - low], "color": color, "thickness": 3, "width": 8,
                },
                hovertemplate=f"{name}: {formats.number(low)} to {formats.number(high)}<extra></extra>",
            ),
            row=1, col=2,
        )  # fmt: skip
    figure.update_yaxes(type="category", showgrid=False, range=[-0.6, 1.6], row=1, col=2)
    title = VALUES[proposal.target.name]
    if proposal.target.name == "n-opt":
        figure.update_xaxes(theme.log_axis(proposal.now, title, "count", most=4, pad=0.2), row=1, col=2)
    else:
        figure.update_xaxes(title={"text": title}, nticks=5, row=1, col=2)
