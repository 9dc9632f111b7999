"""How sure a fit is: the profile of each parameter, the cloud of resampled parameters, exponents with intervals."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.reporting import theme

SYMBOLS_OF = {"E": "E", "alpha": "α", "beta": "β", "alpha_N": "α<sub>N</sub>", "alpha_D": "α<sub>D</sub>"}
"""Parameter → what a figure calls it."""

COLUMNS = 4
"""Panels in a row."""

PANEL = 230
"""Height of a panel, in pixels."""

SPREAD = 5.0
"""Positive values that span more than this factor are drawn on a logarithmic axis."""


FAR = 1e6
"""Values that span more than this are labelled with powers of ten."""

EXPONENTS = ("a", "b", "gamma")
"""What the names of exponents begin with: their zero has a meaning."""

OUTER = 0.005
"""Share of the draws that an axis of the cloud leaves out at each end."""


def symbol(name: str) -> str:
    """A parameter's name as a paper sets it."""
    if name in SYMBOLS_OF:
        return SYMBOLS_OF[name]
    stem, _, below = name.partition("_")
    return f"{SYMBOLS_OF.get(stem, stem)}<sub>{below}</sub>" if below else stem


def profiles(curves: pd.DataFrame, limit: float, level: float) -> go.Figure:
    """One panel a quantity: the statistic against its value, and the line above which a value is rejected.

    `curves` has name, value and statistic.
    """
    names = list(dict.fromkeys(curves["name"]))
    columns = min(COLUMNS, len(names))
    rows = math.ceil(len(names) / columns)
    figure = make_subplots(
        rows=rows, cols=columns, shared_yaxes=True, horizontal_spacing=0.03, vertical_spacing=min(0.24, 0.5 / rows)
    )
    figure = theme.dress(figure, PANEL * rows + 60)
    top = 2.2 * limit
    for index, name in enumerate(names):
        place = {"row": index // columns + 1, "col": index % columns + 1}
        part = curves[curves["name"] == name].sort_values("value")
        shown = part[part["statistic"] <= 1.3 * top]
        figure.add_trace(
            go.Scatter(
                x=part["value"].tolist(), y=part["statistic"].tolist(), mode="lines+markers", showlegend=False,
                line={"color": theme.BLUE, "width": 2, "shape": "spline", "smoothing": 0.6}, marker={"size": 4},
                hovertemplate="%{x:.4g}<br>statistic %{y:.3g}<extra></extra>",
            ),
            **place,
        )  # fmt: skip
        # After the curve: plotly leaves panels that are still empty without a line.
        figure.add_hline(y=limit, line={"color": theme.VERMILION, "width": 1.4, "dash": "dash"}, **place)
        figure.update_xaxes(_axis(shown["value"], name, symbol(name), most=4), **place)
        figure.update_yaxes(range=[-0.04 * top, top], **place)
    figure.add_annotation(
        text=f" {100 * level:g}%", x=1, xref="x" + (str(columns) if columns > 1 else "") + " domain", y=limit, yref="y",
        showarrow=False, xanchor="left", font={"color": theme.VERMILION, "size": 12},
    )  # fmt: skip
    for row in range(1, rows + 1):
        figure.update_yaxes(title={"text": "statistic"}, row=row, col=1)
    return figure.update_layout(margin={"t": 24, "r": 48})


def cloud(draws: pd.DataFrame, estimate: pd.Series) -> go.Figure:
    """The draws of every pair of parameters, and the estimate as a star. Columns are the parameters."""
    names = [str(name) for name in draws.columns]
    side = len(names) - 1
    figure = make_subplots(rows=side, cols=side, horizontal_spacing=0.03, vertical_spacing=0.03)
    figure = theme.dress(figure, min(190 * side + 80, 900))
    for row in range(side):
        for column in range(side):
            place = {"row": row + 1, "col": column + 1}
            if column > row:
                figure.update_xaxes(visible=False, **place).update_yaxes(visible=False, **place)
                continue
            _pair(figure, draws, estimate, names[column], names[row + 1], place)
            last, first = row == side - 1, column == 0
            x, y = names[column], names[row + 1]
            figure.update_xaxes(_axis(_inner(draws[x]), x, symbol(x) if last else "", most=3), **place)
            figure.update_yaxes(_axis(_inner(draws[y]), y, symbol(y) if first else "", most=4), **place)
            figure.update_xaxes(showticklabels=last, **place).update_yaxes(showticklabels=first, **place)
    return figure.update_layout(margin={"t": 40})


def _pair(figure: go.Figure, draws: pd.DataFrame, estimate: pd.Series, x: str, y: str, place: dict[str, int]) -> None:
    first = place == {"row": 1, "col": 1}
    figure.add_trace(
        go.Scatter(
            x=_short(draws[x]), y=_short(draws[y]), mode="markers", name="resample", showlegend=first,
            marker={"size": 4, "color": theme.BLUE, "opacity": 0.35},
            hovertemplate=f"{symbol(x)} %{{x:.4g}}<br>{symbol(y)} %{{y:.4g}}<extra></extra>",
        ),
        **place,
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=[estimate[x]], y=[estimate[y]], mode="markers", name="estimate", showlegend=first,
            marker={"size": 12, "symbol": "star", "color": theme.VERMILION, "line": {"color": "white", "width": 1}},
            hovertemplate=f"{symbol(x)} %{{x:.4g}}<br>{symbol(y)} %{{y:.4g}}<extra>estimate</extra>",
        ),
        **place,
    )  # fmt: skip


def _short(values: pd.Series) -> list[float]:
    """Five digits: finer than a screen."""
    return [float(f"{value:.5g}") for value in values]


def _inner(values: pd.Series) -> pd.Series:
    """Without the outermost draws, which would squeeze the others into a corner."""
    return values[values.between(*values.quantile([OUTER, 1 - OUTER]))]


def _axis(values: pd.Series, name: str, title: str, most: int) -> dict[str, object]:
    """Logarithmic where the values are positive and far apart, and no exponents."""
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low > SPREAD and not name.startswith(EXPONENTS):
        style = "power" if high / low > FAR else "count" if high >= 1e4 else "plain"
        return theme.log_axis(values, title, style, most=most)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return {"title": {"text": title}, "range": [low - room, high + room], "nticks": most + 1}


def exponents(rows: pd.DataFrame) -> go.Figure:
    """The exponent a with its interval, one line a row. `rows` has label, a, low, high and ours."""
    figure = theme.blank(max(300, 34 * len(rows) + 110))
    # From the bottom up, so that the first row stands on top.
    for ours, color, name in ((False, theme.SOFT, "published"), (True, theme.BLUE, "these runs")):
        part = rows[rows["ours"] == ours].iloc[::-1]
        if part.empty:
            continue
        known = np.isfinite(part["low"]) & np.isfinite(part["high"])
        figure.add_trace(
            go.Scatter(
                x=part["a"].tolist(), y=part["label"].tolist(), mode="markers", name=name,
                marker={"size": 10, "color": color, "symbol": "circle" if ours else "diamond"},
                error_x={
                    "type": "data", "symmetric": False, "color": color, "thickness": 1.8, "width": 5,
                    "array": np.where(known, part["high"] - part["a"], 0.0).tolist(),
                    "arrayminus": np.where(known, part["a"] - part["low"], 0.0).tolist(),
                },
                hovertemplate="%{y}<br>a = %{x:.3f}<extra></extra>",
            )
        )  # fmt: skip
    figure.add_vline(x=0.5, line={"color": theme.SOFT, "dash": "dot", "width": 1.2})
    figure.update_xaxes(title={"text": "exponent a of N<sub>opt</sub> ∝ C<sup>a</sup>"})
    labels: Sequence[str] = rows["label"].tolist()
    figure.update_layout(legend={"traceorder": "reversed"})
    return figure.update_yaxes(categoryorder="array", categoryarray=list(reversed(labels)))
