"""The threshold curve of each metric of a task, against N, D, C or the loss."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.emergence import Threshold, fit_threshold
from workbench.fitting.record import Fit
from workbench.reporting.document import Column

Fitted = Mapping[tuple[str, str], Fit | str]
"""(metric, size of item) → its curve, or the reason why there is none."""


@dataclass(frozen=True)
class Axis:
    """What a task's metrics may be drawn and fitted against."""

    title: str
    symbol: str
    style: str
    """Of its numbers (see `formats.show`)."""
    fitted: str
    """The column that the curve is fitted in: a metric rises as the loss falls, so with its inverse."""

    @property
    def falls(self) -> bool:
        """Whether better is less."""
        return self.symbol == "L"

    @property
    def formula(self) -> str:
        """The curve, in this axis's symbol."""
        at, place = (f"ln {self.symbol}", f"ln {self.symbol}_c")
        rise = f"({place} - {at})/width" if self.falls else f"({at} - {place})/width"
        return f"P({self.symbol}) = floor + (ceiling - floor) * sigmoid({rise})"


AXES = {
    "n": Axis("parameters N", "N", "count", "n"),
    "d": Axis("tokens D", "D", "count", "d"),
    "c": Axis("compute C", "C", "power", "c"),
    "loss": Axis("held-out loss", "L", "loss", "inverse_loss"),
}
"""Column of a task's points → what it is."""

RISE = 81.0
"""10% to 90% of a sigmoid's rise is done over a factor of 81^w, w its width in ln x: σ⁻¹(0.9) − σ⁻¹(0.1) = ln 81."""

COLUMNS = (
    Column("metric", "metric"),
    Column("key", "size of item"),
    Column("threshold", "threshold"),
    Column("threshold_interval", "interval"),
    Column("width", "width", "number"),
    Column("span", "10% to 90% of the rise over a factor of", "number"),
    Column("span_interval", "interval", "interval"),
    Column("floor", "floor", "number"),
    Column("ceiling", "ceiling", "number"),
    Column("remark", "remark"),
)


def columns(x: str = "n") -> tuple[Column, ...]:
    """The columns of `table`, with an axis's symbol and the style of its numbers."""
    axis = AXES[x]
    told = {
        "threshold": (f"threshold {axis.symbol}_c", axis.style),
        "threshold_interval": ("interval", f"interval-{axis.style}"),
        "width": (f"width [ln {axis.symbol}]", "number"),
    }
    return tuple(replace(c, title=told[c.key][0], style=told[c.key][1]) if c.key in told else c for c in COLUMNS)


def fits(
    points: pd.DataFrame, resamples: int = 200, seed: int = 0, level: float = 0.95, x: str = "n"
) -> dict[tuple[str, str], Fit | str]:
    """The threshold curve of each (metric, key), or the reason why there is none."""
    found: dict[tuple[str, str], Fit | str] = {}
    column = AXES[x].fitted
    with_inverse = points.assign(inverse_loss=1 / points["loss"])
    for (metric, key), group in with_inverse.groupby(["metric", "key"], sort=True):
        try:
            found[str(metric), str(key)] = fit_threshold(group, resamples, seed, level, column)
        except BadInput as error:
            found[str(metric), str(key)] = str(error)
    return found


def place(fit: Fit) -> tuple[float, float, float]:
    """The threshold and the ends of its interval, in the axis itself; NaN ends where nothing was resampled."""
    value, (low, high) = fit.params["N_c"], fit.intervals.get("N_c", (np.nan, np.nan))
    return (1 / value, 1 / high, 1 / low) if fit.convention == "inverse_loss" else (value, low, high)


def table(fitted: Fitted) -> pd.DataFrame:
    """One row a curve: its threshold with an interval, width, floor, ceiling, and a remark where it is undetermined."""
    rows: list[dict[str, Any]] = []
    for (metric, key), fit in fitted.items():
        row: dict[str, Any] = {"metric": metric.replace("_", " "), "key": key or "all"}
        if isinstance(fit, str):
            rows.append(row | {"remark": f"not fitted: {fit}"})
            continue
        value, low, high = place(fit)
        row |= {"threshold": value, "threshold_interval": [low, high]}
        row |= {"span": RISE ** fit.params["width"]}
        row |= {"span_interval": [RISE**end for end in fit.intervals.get("width", (float("nan"), float("nan")))]}
        row |= {"width": fit.params["width"], "floor": fit.params["floor"], "ceiling": fit.params["ceiling"]}
        rows.append(row | {"remark": " ".join(fit.notes) or "determined"})
    return pd.DataFrame(rows, columns=[column.key for column in COLUMNS])


def lines(fitted: Fitted, points: pd.DataFrame, x: str = "n", count: int = 81) -> pd.DataFrame:
    """The fitted curves over what was measured: metric, key, the axis, value."""
    along = np.geomspace(float(points[x].min()), float(points[x].max()), count)
    law = Threshold()
    frames = [
        pd.DataFrame({"metric": metric, "key": key, x: along, "value": law.predict(fit.params, n=_fitted(along, x))})
        for (metric, key), fit in fitted.items()
        if isinstance(fit, Fit)
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["metric", "key", x, "value"])


def _fitted(along: np.ndarray, x: str) -> np.ndarray:
    return 1 / along if AXES[x].falls else along
