"""Forecasts from a table: optimal N, D and loss at a compute, or the loss at N and D, backed by a back-test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting import tables
from workbench.fitting.allocation import Allocation, allocate
from workbench.fitting.backtest import BackTest, backtest
from workbench.fitting.fit import RESAMPLES, fit
from workbench.fitting.record import Fit, Interval, NotIdentifiable

MULTIPLES = (10.0, 100.0)
"""Without a compute asked for, these multiples of the largest budget."""


@dataclass(frozen=True)
class LossAt:
    """The loss of one size trained on so many tokens."""

    n: float
    d: float
    loss: float
    interval: Interval


@dataclass(frozen=True)
class Forecast:
    """What was asked of the laws, and what they answered."""

    fit: Fit
    """The parametric law the forecasts come from."""
    beside: Fit | None
    """The isoFLOP law, where the design has one."""
    largest: float
    """The largest budget, in FLOPs."""
    allocations: tuple[Allocation, ...]
    points: tuple[LossAt, ...]
    backtest: BackTest | None
    said: str
    """The back-test in a sentence, or why there is none."""
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "law": self.fit.law,
            "level": self.fit.level,
            "largest_budget": self.largest,
            "compute": [one.to_dict() for one in self.allocations],
            "points": [
                {"n": one.n, "d": one.d, "loss": one.loss, "interval": list(one.interval)} for one in self.points
            ],
            "backtest": None if self.backtest is None else self.backtest.to_dict(),
            "identified": self.fit.identified,
            "notes": [self.said, *self.notes, *self.fit.notes],
            "fits": [one.to_dict() for one in (self.fit, self.beside) if one is not None],
        }


def forecast(
    table: pd.DataFrame,
    computes: Sequence[float] = (),
    at: tuple[float, float] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Forecast:
    """Forecast from a canonical table: at each of `computes` (by default 10× and 100× the largest), or at (N, D)."""
    for name, value in (
        *(("--compute", c) for c in computes),
        *zip(("--n-params", "--tokens"), at or (), strict=False),
    ):
        if not (np.isfinite(value) and value > 0):
            raise BadInput(f"{name} is {value:g}; it must be a positive number.")
    if "conventions" not in table.attrs:
        table = tables.canonical(table)
    main = fit(table, "chinchilla", resamples=resamples, seed=seed)
    beside: Fit | None = None
    notes = []
    try:
        beside = fit(table, "isoflop", resamples=resamples, seed=seed)
    except NotIdentifiable as error:
        notes.append(f"No isoFLOP law stands beside: {error}")
    tested: BackTest | None = None
    try:
        tested = backtest(table, "chinchilla", resamples=resamples, seed=seed)
        said = (
            f"Back-test: fitted without {tested.held_out}, the law missed its best loss, {tested.observed:.4f}, by "
            f"{100 * tested.relative_error:+.2f}% at {tested.distance:.3g}× the compute it saw."
        )
    except NotIdentifiable as error:
        said = f"Back-test: not possible, since {error}"
    largest = largest_budget(table)
    asked = tuple(computes) or (() if at else tuple(largest * multiple for multiple in MULTIPLES))
    laws = [one for one in (main, beside) if one is not None]
    return Forecast(
        fit=main,
        beside=beside,
        largest=largest,
        allocations=tuple(allocate(one, flops) for flops in asked for one in laws),
        points=() if at is None else (_loss_at(main, *at),),
        backtest=tested,
        said=said,
        notes=(*notes, *_distance(main, table, asked, at, tested)),
    )


def largest_budget(table: pd.DataFrame) -> float:
    """The largest budget of the design, or else the largest compute of a final point."""
    final, _ = tables.final_points(table)
    if "budget" in final and final["budget"].notna().any():
        return float(final["budget"].max())
    return float(final["c"].max())


def _loss_at(law: Fit, n: float, d: float) -> LossAt:
    loss = float(law.predict(n=n, d=d))
    if not law.resamples:
        return LossAt(n, d, loss, (float("nan"), float("nan")))
    low, high = law.predict_interval(n=n, d=d)
    return LossAt(n, d, loss, (float(low[0]), float(high[0])))


def _distance(
    law: Fit,
    table: pd.DataFrame,
    asked: Sequence[float],
    at: tuple[float, float] | None,
    tested: BackTest | None,
) -> list[str]:
    """What a reader should know of how far the forecasts reach."""
    found = ["Intervals are of the law, given that its form holds; the noise of one run is not in them."]
    top = float(table["c"].max())
    far = max([*asked, *([law.cost.flops(*at)] if at else [])]) / top
    reached = 1.0 if tested is None else tested.distance
    if far > reached:
        last = "there is no back-test" if tested is None else f"the back-test reached {reached:.3g}×"
        found.append(f"The furthest forecast is at {far:.3g}× the compute of the largest run; {last}.")
    return found
