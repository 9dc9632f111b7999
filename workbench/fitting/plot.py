"""A look at a fit: what was observed against what the law predicts, and the residuals against compute."""

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import BadInput
from workbench.fitting.laws import LAWS

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.fitting.record import Fit

BLUE, GREY = "#3b6fb6", "#8a8a8a"


def plot(fit: "Fit") -> "go.Figure":
    """Two panels, side by side; hovering a point shows its run."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    law = LAWS.get(fit.law)
    points = fit.residuals
    if law is None or points.empty or "predicted" not in points:
        raise BadInput(f"{fit.law} carries no predictions of single runs to plot; fit a law of the table again.")
    observed = points[law.response].to_numpy(dtype=np.float64)
    predicted = points["predicted"].to_numpy(dtype=np.float64)
    residual = points["residual"].to_numpy(dtype=np.float64)
    name, axis = _axis(fit)
    hover = [_words(row) for row in points.to_dict("records")]
    word = "ln observed − ln predicted" if law.log_response else "observed − predicted"
    figure = make_subplots(
        cols=2, subplot_titles=(f"{law.response}: observed against predicted", f"residuals against {name}")
    )
    ends = [float(min(observed.min(), predicted.min())), float(max(observed.max(), predicted.max()))]
    line = {"color": GREY, "width": 1}
    marker = {"color": BLUE, "size": 6, "opacity": 0.7}
    figure.add_trace(go.Scatter(x=ends, y=ends, mode="lines", line=line, hoverinfo="skip"), row=1, col=1)
    for column, (x, y) in enumerate(((predicted, observed), (axis, residual)), start=1):
        figure.add_trace(
            go.Scatter(x=x.tolist(), y=y.tolist(), mode="markers", marker=marker, text=hover, hoverinfo="text"),
            row=1,
            col=column,
        )
    figure.add_hline(y=0, line=line, row=1, col=2)
    scale = "log" if law.log_response else "linear"
    figure.update_xaxes(title_text="predicted", type=scale, row=1, col=1)
    figure.update_yaxes(title_text="observed", type=scale, row=1, col=1)
    figure.update_xaxes(title_text=name, type="log" if (axis > 0).all() else "linear", row=1, col=2)
    figure.update_yaxes(title_text=word, row=1, col=2)
    figure.update_layout(template="plotly_white", showlegend=False, title=f"{fit.law}: {fit.n_points} points")
    return figure


def _axis(fit: "Fit") -> tuple[str, Any]:
    """What the residuals are shown against: compute, or else the law's first column of numbers."""
    points = fit.residuals
    for name in ("c", *fit.configured_law.columns):
        column = fit.convention if name == "n" else name
        if column in points and points[column].notna().all() and points[column].dtype.kind in "fiu":
            return {"c": "C (FLOPs)", "n": "N", "d": "D"}.get(name, name), points[column].to_numpy(dtype=np.float64)
    return "row", np.arange(1, len(points) + 1, dtype=np.float64)


def _words(row: dict[Any, Any]) -> str:
    return "<br>".join(
        f"{name} {value:.5g}" if isinstance(value, float) else f"{name} {value}" for name, value in row.items()
    )
