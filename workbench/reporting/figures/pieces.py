"""What several figures share: a colour bar for a logarithmic quantity, a band, lines broken between runs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.reporting import theme


def color_bar(figure: go.Figure, values: Sequence[float], title: str, style: str, x: float = 1.02) -> None:
    """A bar that explains the colours of `theme.shade` over `values`, drawn by an invisible point."""
    low, high = min(values), max(values)
    ticks = theme.log_ticks(low, high, most=6) if high > low else [low]
    figure.add_trace(
        go.Scatter(
            x=[None],
            y=[None],
            mode="markers",
            showlegend=False,
            hoverinfo="skip",
            marker={
                "color": [np.log10(low)],
                "cmin": float(np.log10(low)) - (0.5 if high <= low else 0.0),
                "cmax": float(np.log10(high)) + (0.5 if high <= low else 0.0),
                "colorscale": theme.SCALE,
                "showscale": True,
                "colorbar": {
                    "title": {"text": title, "side": "right"},
                    "tickvals": [float(np.log10(tick)) for tick in ticks],
                    "ticktext": [theme.label(tick, style) for tick in ticks],
                    "thickness": 14,
                    "outlinewidth": 0,
                    "x": x,
                },
            },
        )
    )
    figure.update_layout(margin={"r": 110})


def band(
    figure: go.Figure, x: Sequence[float], low: Sequence[float], high: Sequence[float], color: str, **where: int
) -> None:
    """An interval as a pale area, without an entry in the legend."""
    figure.add_trace(
        go.Scatter(
            x=[*x, *reversed(x)],
            y=[*high, *reversed(low)],
            fill="toself",
            fillcolor=theme.faded(color, 0.16),
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
        ),
        **({"row": where["row"], "col": where["col"]} if where else {}),
    )


def broken_lines(frame: pd.DataFrame, key: str, columns: Sequence[str]) -> dict[str, list[float | None]]:
    """The columns of all groups one after another with a gap between, so that one trace draws many lines.

    Six digits: finer than a screen, and half the size of a page with many curves.
    """
    lists: dict[str, list[float | None]] = {column: [] for column in columns}
    for _, group in frame.groupby(key, sort=True):
        for column in columns:
            lists[column] += [*(float(f"{value:.6g}") for value in group[column]), None]
    return lists


def plural(count: int, noun: str) -> str:
    """'1 run', '12 runs'."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
