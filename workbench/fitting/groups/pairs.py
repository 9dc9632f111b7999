"""Groups at the same N and D, compared without a law: the mean difference of ln L over points, with its interval.

The interval is Student's over the points, each the mean over its seeds, or over the sizes as wholes, whichever is
wider: a size is tuned once, and its points may err together. What the difference is worth in compute does ask a law,
for E and γ alone (`pricing` has the formula): (L − E)/(L_ref − E) to the power 1/γ is the compute of the group over the
reference's where both pay the same for a model and its tokens.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.fitting.forecasts.surface import Estimate
from workbench.fitting.laws.base import Array
from workbench.fitting.uncertainty.groups import FEWEST, SAME, level_codes

COLUMNS = ["n", "d", "loss", "loss_ref", "runs", "runs_ref", "difference"]

TOKENS = 1.01
"""Numbers of tokens within this factor are the same: a budget is met to a few steps."""


@dataclass(frozen=True)
class Paired:
    """A group beside the reference at the points that both have."""

    points: pd.DataFrame
    """n, d, loss and loss_ref (geometric means over seeds), runs and runs_ref, difference = ln(loss/loss_ref)."""
    difference: Estimate
    """Mean of ln L − ln L_ref."""
    times: Estimate | None
    """The same in compute; None where no law says what a loss is worth."""


def points(table: pd.DataFrame, group: str, reference: str, convention: str = "n") -> pd.DataFrame:
    """The points, of one N and D each, at which both were trained."""
    both = table[table["group"].isin([group, reference])]
    where = pd.DataFrame(
        {
            "size": level_codes(both[convention].to_numpy(dtype=np.float64), SAME["model sizes"]),
            "tokens": level_codes(both["d"].to_numpy(dtype=np.float64), TOKENS),
            "group": both["group"].to_numpy(),
            "n": both[convention].to_numpy(),
            "d": both["d"].to_numpy(),
            "log": np.log(both["loss"].to_numpy(dtype=np.float64)),
        }
    )
    mean = where.groupby(["size", "tokens", "group"]).agg(
        n=("n", "mean"), d=("d", "mean"), log=("log", "mean"), runs=("log", "size")
    )
    mean = mean.reset_index()
    mine, theirs = (mean[mean["group"] == name].drop(columns="group") for name in (group, reference))
    found = mine.merge(theirs.drop(columns=["n", "d"]), on=["size", "tokens"], suffixes=("", "_ref"))
    found = found.assign(
        loss=np.exp(found["log"]), loss_ref=np.exp(found["log_ref"]), difference=found["log"] - found["log_ref"]
    )
    return found.sort_values(["n", "d"], ignore_index=True)[COLUMNS]


def compared(
    points: pd.DataFrame, level: float, floor: float = np.nan, gamma: float = np.nan, cost: float = 1.0
) -> Paired:
    """The mean over `points`; `cost` is what the group pays over the reference for the same N and D."""
    times = None
    lowest = float(points[["loss", "loss_ref"]].min().min()) if len(points) else np.nan
    if floor < lowest:
        above_M, above_ref_M = (points[name].to_numpy(dtype=np.float64) - floor for name in ("loss", "loss_ref"))
        log_M = np.log(above_M / above_ref_M) / gamma + np.log(cost)
        found = _mean(log_M, points["n"].to_numpy(dtype=np.float64), level)
        low, high = (float(np.exp(end)) for end in found.interval)
        times = Estimate(float(np.exp(found.value)), (low, high))
    values_M, size_M = (points[name].to_numpy(dtype=np.float64) for name in ("difference", "n"))
    return Paired(points, _mean(values_M, size_M, level), times)


def _mean(values_M: Array, size_M: Array, level: float) -> Estimate:
    """The mean with Student's interval, over points or over sizes; none of a single value.

    Over G sizes the variance of the mean is G/(G − 1)·Σ_g (Σ_{i in g} r_i)²/M², with G − 1 degrees of freedom.
    """
    from scipy.special import stdtrit

    many = len(values_M)
    if not many:
        return Estimate(float("nan"), (float("nan"), float("nan")))
    mean = float(values_M.mean())
    if many < 2:
        return Estimate(mean, (float("nan"), float("nan")))
    half = float(stdtrit(many - 1, (1 + level) / 2) * values_M.std(ddof=1) / np.sqrt(many))
    code_M = level_codes(size_M, SAME["model sizes"])
    sizes = int(code_M.max()) + 1
    if FEWEST <= sizes < many:
        sum_G = np.bincount(code_M, values_M - mean)
        error = np.sqrt(sizes / (sizes - 1) * float(sum_G @ sum_G)) / many
        half = max(half, float(stdtrit(sizes - 1, (1 + level) / 2) * error))
    return Estimate(mean, (mean - half, mean + half))
