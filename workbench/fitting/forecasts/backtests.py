"""How errors grow with distance: hold out the top of the range of compute by factors of 2, 4, 8, …, each time anew.

At a factor k every run with C > C_max/k is forecast by the law fitted to the others. Errors are of ln L; coverage is
the share of held-out runs inside the interval of a single run (`prediction`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench.fitting import limits
from workbench.fitting.fit import fit
from workbench.fitting.forecasts.backtest import coverage, forecast_of, tested_table
from workbench.fitting.laws import LAWS
from workbench.fitting.record import Fit, NotIdentifiable

FACTORS = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
"""By so much less compute than the largest run had."""

RESAMPLES = 200
"""Behind the intervals of every back-test by distance, wherever one is shown: a command, a report and a comparison of
the same runs then say the same."""

ALIKE = 1.25
"""Held-out runs within this factor of the farthest count as being as far out: runs of one budget differ by percents."""

SPARE = 3
"""Runs that a back-test's fit must have beyond its parameters."""


@dataclass(frozen=True)
class HeldOut:
    """One back-test: what was held out, and the errors there."""

    factor: float
    """Runs of more than the largest compute over this were held out."""
    fitted: int
    """Runs the law was fitted to."""
    distance: float
    """Compute of the largest held-out run over that of the largest fitted one."""
    bias: float
    """Mean of ln L̂ − ln L: positive where the law was too pessimistic."""
    rms: float
    worst: float
    """Largest |ln L̂ − ln L|."""
    coverage: float
    half_width: float
    """Median of half the width of the runs' intervals, as a share of the loss: a wide interval covers anything."""
    identified: bool
    """Whether what was left determined the law."""
    points: pd.DataFrame = field(repr=False, compare=False)
    """One row a held-out run, as in `BackTest`, with its own `distance`."""
    fit: Fit = field(repr=False, compare=False)

    @property
    def at_furthest(self) -> pd.DataFrame:
        """The held-out runs as far out as the farthest: `rms` and the others pool them with nearer ones."""
        return self.points[self.points["distance"] >= self.distance / ALIKE]

    @property
    def furthest_rms(self) -> float:
        """Root mean square error of those runs alone."""
        far = self.at_furthest
        return float(np.sqrt(np.mean(np.log((far["predicted"] / far["loss"]).to_numpy(dtype=np.float64)) ** 2)))

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "factor": self.factor,
            "fitted": self.fitted,
            "held_out": len(self.points),
            "distance": self.distance,
            "bias": self.bias,
            "rms": self.rms,
            "worst": self.worst,
            "furthest_runs": len(self.at_furthest),
            "furthest_rms": self.furthest_rms,
            "coverage": self.coverage,
            "half_width": self.half_width,
            "identified": self.identified,
        }


@dataclass(frozen=True)
class BackTests:
    """The back-tests of one law, the nearest first."""

    law: str
    convention: str
    level: float
    """At which runs were to be covered."""
    tests: tuple[HeldOut, ...]
    ended: str
    """Why no more was held out."""

    @property
    def furthest(self) -> float:
        """The largest distance that was tested."""
        return max(test.distance for test in self.tests)

    @property
    def points(self) -> pd.DataFrame:
        """Every held-out run of every test, with `factor` and `distance`."""
        return pd.concat([test.points.assign(factor=test.factor) for test in self.tests], ignore_index=True)

    def frame(self) -> pd.DataFrame:
        """One row a test."""
        return pd.DataFrame([test.to_dict() for test in self.tests])

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        tests = [test.to_dict() for test in self.tests]
        return {
            "law": self.law,
            "convention": self.convention,
            "level": self.level,
            "tests": tests,
            "ended": self.ended,
        }


def backtests(
    table: pd.DataFrame,
    law: str = "chinchilla",
    objective: str = "huber",
    delta: float = 1e-3,
    convention: str = "n",
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
    *,
    factors: Sequence[float] = FACTORS,
    intervals: str = "auto",
    fixed: Mapping[str, float] | None = None,
    noise: str = "equal",
) -> BackTests:
    """Hold out the top of the range of compute by each factor, while enough remains to fit `law`."""
    table = tested_table(table, law, convention)
    c_M = table["c"].to_numpy(dtype=np.float64)
    tests: list[HeldOut] = []
    ended = f"no more than everything above 1/{max(factors):g} of the largest compute was held out"
    before = 0
    for factor in sorted(factors):
        held_M = c_M > c_M.max() / factor
        if held_M.sum() == before:
            continue  # between two budgets: the same runs as before
        before = int(held_M.sum())
        rest = table[~held_M].reset_index(drop=True)
        rest.attrs = table.attrs
        try:
            _enough(len(rest), law, factor)
            found = fit(
                rest,
                law,
                objective,
                delta,
                convention,
                resamples,
                seed,
                level,
                intervals=intervals,
                fixed=fixed,
                noise=noise,
            )
        except NotIdentifiable as error:
            ended = str(error)
            break
        held = table[held_M]
        if LAWS[law].columns == ("c",):
            held = _on_frontier(table, held, convention)
        tests.append(_errors(found, held, factor, float(rest["c"].max())))
    if not tests:
        raise NotIdentifiable(f"no runs can be held out by their compute: {ended}")
    return BackTests(law, convention, level, tuple(tests), ended)


def _enough(many: int, law: str, factor: float) -> None:
    """Refuse to fit a law to hardly more runs than it has parameters: its noise would be a guess."""
    needed = len(LAWS[law].parameters) + SPARE
    if LAWS[law].columns != ("c",) and many < needed:
        raise NotIdentifiable(
            f"holding out everything above 1/{factor:g} of the largest compute would leave {many} runs; "
            f"the fit of {law} needs {needed}."
        )


def _on_frontier(table: pd.DataFrame, held: pd.DataFrame, convention: str) -> pd.DataFrame:
    """What a law of compute alone answers for: the frontier's points above the smallest compute held out."""
    points, _ = limits.frontier(table, convention)
    return points[points["c"] >= held["c"].min() * (1 - 1e-9)]


def half_width(points: pd.DataFrame) -> float:
    """Median of ½ ln(high/low) of the held-out runs' intervals; NaN where there are none."""
    if "run_low" not in points or points["run_low"].isna().all():
        return float("nan")
    return float(np.median(np.log((points["run_high"] / points["run_low"]).to_numpy(dtype=np.float64)) / 2))


def _errors(found: Fit, held: pd.DataFrame, factor: float, reached: float) -> HeldOut:
    points = forecast_of(found, held)
    points["distance"] = points["c"] / reached
    error_M = np.log((points["predicted"] / points["loss"]).to_numpy(dtype=np.float64))
    return HeldOut(
        factor=float(factor),
        fitted=found.n_points,
        distance=float(points["distance"].max()),
        bias=float(error_M.mean()),
        rms=float(np.sqrt((error_M**2).mean())),
        worst=float(np.abs(error_M).max()),
        coverage=coverage(points),
        half_width=half_width(points),
        identified=found.identified,
        points=points,
        fit=found,
    )
