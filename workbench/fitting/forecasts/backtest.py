"""A forecast is worth what it would have been worth before: hold out the largest compute, fit the rest, compare."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting import tables
from workbench.fitting.fit import RESAMPLES, fit
from workbench.fitting.forecasts.prediction import CELLS, prediction_interval
from workbench.fitting.isoflop.estimator import budgets
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Law
from workbench.fitting.record import Fit, NotIdentifiable

TOP = 0.5
"""Without budgets, the runs within this many decades of the largest compute are held out."""


@dataclass(frozen=True)
class BackTest:
    """What a law fitted below the largest budget said of it, and what came."""

    law: str
    convention: str
    held_out: str
    """What was held out, in words."""
    compute: float
    """The largest budget, in FLOPs."""
    distance: float
    """How many times the largest compute the fit saw."""
    predicted: float
    """The best loss forecast for the held-out runs."""
    observed: float
    """The best loss they reached."""
    relative_error: float
    """predicted / observed − 1."""
    fit: Fit = field(repr=False, compare=False)
    """The fit that made the forecast."""
    points: pd.DataFrame = field(repr=False, compare=False)
    """One row a held-out run: n, d, c, loss, predicted, relative_error; the law's low and high; and run_low and
    run_high, between which the run was to fall."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; of the points, the mean and the largest absolute error."""
        errors = self.points["relative_error"].abs()
        return {
            "law": self.law,
            "convention": self.convention,
            "held_out": self.held_out,
            "compute": self.compute,
            "distance": self.distance,
            "predicted": self.predicted,
            "observed": self.observed,
            "relative_error": self.relative_error,
            "points": len(self.points),
            "mean_absolute_error": float(errors.mean()),
            "largest_absolute_error": float(errors.max()),
            "coverage": coverage(self.points),
        }


def backtest(
    table: pd.DataFrame,
    law: str = "chinchilla",
    objective: str = "huber",
    delta: float = 1e-3,
    convention: str = "n",
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
    *,
    intervals: str = "auto",
    fixed: Mapping[str, float] | None = None,
    noise: str = "equal",
) -> BackTest:
    """Hold out the largest budget (or the top half decade of compute), fit `law` to the rest and compare its forecast.

    A law of N and D forecasts every held-out run; one of compute alone, the best of the budget.
    """
    table = tested_table(table, law, convention)
    held, said = _held_out(table)
    rest = table[~held].reset_index(drop=True)
    rest.attrs = table.attrs
    if len(rest) == 0:
        raise NotIdentifiable("all runs have one budget, so none can be held out; add a smaller budget.")
    found = fit(
        rest, law, objective, delta, convention, resamples, seed, level, intervals=intervals, fixed=fixed, noise=noise
    )
    points = forecast_of(found, table[held])
    if LAWS[law].columns == ("c",):
        # The law is of the frontier, so that only the best run of the budget answers to it.
        points = points.loc[[points["loss"].idxmin()]].reset_index(drop=True)
    predicted, observed = float(points["predicted"].min()), float(points["loss"].min())
    largest = float(points["c"].max())
    return BackTest(
        law=law,
        convention=convention,
        held_out=f"{said}: {int(held.sum())} of {len(table)} runs",
        compute=largest,
        distance=largest / float(rest["c"].max()),
        predicted=predicted,
        observed=observed,
        relative_error=predicted / observed - 1,
        fit=found,
        points=points,
    )


def tested_table(table: pd.DataFrame, law: str, convention: str) -> pd.DataFrame:
    """The runs a back-test of this law may use: final points with N, D, C, the loss and what else the law reads."""
    testable = [name for name, one in LAWS.items() if _testable(one)]
    if law not in testable:
        raise BadInput(f"law is '{law}'; a back-test over compute takes {', '.join(testable)}.")
    if "conventions" not in table.attrs:
        table = tables.canonical(table)
    attrs = table.attrs
    others = tuple(name for name in LAWS[law].columns if name not in ("n", "d", "c", "group"))
    missing = [name for name in others if name not in table]
    if missing:
        raise NotIdentifiable(tables.lacking(law, missing[0], table))
    table, _ = tables.final_points(table)
    table, _ = tables.checked(table, (convention, "d", "c", *others, "loss"))
    table = weighed_at_all(table)
    table.attrs = dict(attrs)
    return table


def weighed_at_all(table: pd.DataFrame) -> pd.DataFrame:
    """Without the rows of weight 0: no fit sees them, and no forecast is judged by them."""
    if "weight" not in table:
        return table
    return table[table["weight"].fillna(0) > 0].reset_index(drop=True)


def _testable(law: Law) -> bool:
    """Whether a law forecasts losses of runs of more compute."""
    return law.response == "loss" and ({"n", "d"} <= set(law.columns) or law.columns == ("c",))


def forecast_of(found: Fit, held: pd.DataFrame) -> pd.DataFrame:
    """The held-out runs with what the fit says of them."""
    points = held.reset_index(drop=True)
    points.attrs = {}
    inputs: dict[str, Any] = {
        name: points[found.convention if name == "n" else name].to_numpy() for name in LAWS[found.law].columns
    }
    points["predicted"] = found.predict(**inputs)
    if found.resamples:
        step = max(1, CELLS // found.resamples)
        with np.errstate(all="ignore"):  # extreme draws may over- or underflow
            parts = [
                found.predict_interval(**{name: value[first : first + step] for name, value in inputs.items()})
                for first in range(0, len(points), step)
            ]
        points["low"], points["high"] = (np.concatenate(ends) for ends in zip(*parts, strict=True))
        points["run_low"], points["run_high"] = prediction_interval(found, **inputs)
    points["relative_error"] = points["predicted"] / points["loss"] - 1
    return points


def coverage(points: pd.DataFrame) -> float:
    """The share of held-out runs that fell where they were to fall; NaN where nothing was said of that."""
    if "run_low" not in points or points["run_low"].isna().all():
        return float("nan")
    inside = (points["run_low"] <= points["loss"]) & (points["loss"] <= points["run_high"])
    return float(inside.mean())


def _held_out(table: pd.DataFrame) -> tuple[np.ndarray, str]:
    """The rows of the largest budget, or the top of the range of compute, and which it was."""
    if "budget" in table and table["budget"].notna().any():
        largest = table["budget"].max()
        # Runs outside the design (a seed at another point, say) are held out when they spent as much.
        held = (table["budget"] == largest) | (table["budget"].isna() & (table["c"] >= 0.9 * largest))
        return held.to_numpy(), f"the largest budget, {largest:.4g} FLOPs"
    compute = table["c"].to_numpy(dtype=np.float64)
    group = budgets(table).to_numpy()
    values, sizes = np.unique(group, return_counts=True)
    if not np.isnan(group).any() and len(values) >= 2 and sizes.min() >= 3:
        return group == values[-1], f"the runs of the largest compute, about {values[-1]:.4g} FLOPs"
    held = compute >= compute.max() / 10**TOP
    return held, f"the top half decade of compute, from {compute.max() / 10**TOP:.4g} FLOPs"
