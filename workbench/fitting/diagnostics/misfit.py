"""Is the law right? Its residuals are held against the noise of seeds, against each axis, and against one another.

lack of fit    the variance of the misses against that between seeds of one configuration (F test against pure error:
               Draper and Smith 1998, Applied Regression Analysis, section 2.1)
misfit         a bend or a step along ln N, ln D or ln C is added to the law, linearised at its optimum, and tested
               (added variables: Cook and Weisberg 1982, section 2.3; standard errors HC3, for noise may be uneven)
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.fitting.laws.base import Array
from workbench.fitting.uncertainty.fitted import Fitted
from workbench.fitting.uncertainty.groups import clusters
from workbench.fitting.uncertainty.weighting import compute_of

LEVEL = 0.05
"""Of all tests of misfit together, the share of right laws that are doubted (Bonferroni)."""

LEFT = 5
"""Degrees of freedom that a test must have left."""

OUTLYING = 4.0
"""Residuals beyond this many standard deviations, by their median, are pulled in: an outlier is no trend."""


@dataclass(frozen=True)
class Bend:
    """One way in which a law may be wrong: a column beside its jacobian, and its words."""

    axis: str
    kind: str
    z_M: Array


AXES = {"n": "model size N", "d": "tokens D", "c": "compute C"}


def bends(fitted: Fitted) -> list[Bend]:
    """A hinge at the middle, and a step at the top third, of each axis that the table has."""
    found = []
    for axis in AXES:
        x_M = _axis(fitted, axis)
        if x_M is None or len(np.unique(np.round(x_M, 3))) < 4:
            continue
        found.append(Bend(axis, "bend", np.maximum(x_M - np.median(x_M), 0.0)))
        top_M = x_M >= np.quantile(x_M, 2 / 3) - 1e-9
        if 3 <= top_M.sum() <= len(x_M) - 3:
            found.append(Bend(axis, "step", top_M.astype(np.float64)))
    return found


def _axis(fitted: Fitted, axis: str) -> Array | None:
    if axis == "c":
        return compute_of(fitted)
    values = fitted.prepared.columns.get(axis)
    return None if values is None else np.log(values.astype(np.float64))


def misfits(fitted: Fitted) -> list[str]:
    """A sentence on the clearest misfit, if one is clearer than chance among all that are tried."""
    units = fitted.units
    every = bends(fitted)
    if len(units.r_G) - units.j_GQ.shape[1] - 1 < LEFT or not every or not units.r_G.any():
        return []
    q_GQ, _ = np.linalg.qr(units.j_GQ)
    tested = [(*_added(units.r_G, q_GQ, units.scaled(bend.z_M)), bend) for bend in every]
    p, effect, bend = min(tested, key=lambda each: each[0])
    if not p * len(every) < LEVEL:
        return []
    x_M = _axis(fitted, bend.axis)
    assert x_M is not None
    odds = f"p = {p * len(every):.1g} over {len(every)} tests"
    what = AXES[bend.axis]
    if bend.kind == "step":
        side = "above" if effect > 0 else "below"
        said = f"the top third of {what} lies {100 * abs(effect):.2g}% {side} what the law makes of the rest"
    else:
        reach = effect * float(x_M.max() - np.median(x_M))
        side = "more" if reach > 0 else "less"
        said = f"beyond the middle of {what} the loss is by up to {100 * abs(reach):.2g}% {side} than the law's"
    grows = "; the misfit grows with C, towards the forecasts" if bend.axis == "c" else ""
    return [
        f"The law does not fit along {what}: {said} ({odds}){grows}. Its form fails or some runs were trained badly; "
        "the intervals do not cover that."
    ]


@dataclass(frozen=True)
class Units:
    """What errs independently, runs or the means of a configuration's seeds: residuals, outliers pulled in, jacobian.

    All are scaled by the root of the unit's weight.
    """

    code_M: np.ndarray
    weight_M: Array
    r_G: Array
    j_GQ: Array

    @classmethod
    def of(cls, fitted: Fitted) -> "Units":
        """From a fit."""
        # A row that is there twice is one run, however often it is counted.
        _, code_M = np.unique(clusters(fitted.prepared.table)[fitted.copy_M], return_inverse=True)
        bare = cls(code_M, fitted.weight_M, np.empty(0), np.empty((0, 0)))
        r_G = bare.scaled(fitted.miss_M)
        far = OUTLYING * 1.4826 * float(np.median(np.abs(r_G)))
        columns = [bare.scaled(j_M) for j_M in fitted.gradient_MQ.T]
        j_GQ = np.stack(columns, axis=1) if columns else np.empty((len(r_G), 0))
        return cls(code_M, fitted.weight_M, np.clip(r_G, -far, far) if far > 0 else r_G, j_GQ)

    def indicators(self, code_M: np.ndarray) -> Any:
        """One column for each of some groups of runs, (units, groups), sparse."""
        from scipy.sparse import coo_array

        total_G = np.bincount(self.code_M, self.weight_M)
        entries_M = self.weight_M / np.sqrt(total_G)[self.code_M]
        return coo_array((entries_M, (self.code_M, code_M)), shape=(len(total_G), int(code_M.max()) + 1)).tocsr()

    def scaled(self, value_M: Array) -> Array:
        """A column of the runs as one of the units."""
        total_G = np.bincount(self.code_M, self.weight_M)
        return np.asarray(np.bincount(self.code_M, self.weight_M * value_M) / np.sqrt(total_G))


def _added(r_G: Array, q_GQ: Array, z_G: Array) -> tuple[float, float]:
    """p and effect of one column beside the jacobian, whose columns' orthonormal basis is q_GQ."""
    from scipy.special import stdtr

    left_G = z_G - q_GQ @ (q_GQ.T @ z_G)
    size = float(left_G @ left_G)
    if size <= 1e-8 * float(z_G @ z_G):
        return 1.0, 0.0
    own_G = r_G - q_GQ @ (q_GQ.T @ r_G)
    effect = float(left_G @ own_G) / size
    rest_G = own_G - effect * left_G
    leverage_G = np.minimum((q_GQ**2).sum(axis=1) + left_G**2 / size, 0.99)
    error = np.sqrt(float((left_G**2 * (rest_G / (1 - leverage_G)) ** 2).sum())) / size
    if error <= 0:
        return 1.0, effect
    return float(2 * stdtr(len(r_G) - q_GQ.shape[1] - 1, -abs(effect) / error)), effect


def lack_of_fit(
    table: pd.DataFrame, residual_M: Array, n_params: int, response: str = "loss", level: float = 0.95
) -> list[str]:
    """A sentence where the law misses the runs by more than their seeds differ (the F test against pure error)."""
    if response != "loss" or "cluster" not in table or table["cluster"].isna().any():
        return []
    from scipy.stats import f as f_distribution

    # Rows that are there twice are no repeats.
    names = [name for name in ("n", "n_non_embedding", "d", "c", "u", "loss", "cluster") if name in table]
    once = ~table.duplicated(names)
    table, residual_M = table[once], residual_M[once.to_numpy()]
    logs = np.log(table["loss"])
    within = logs - logs.groupby(clusters(table)).transform("mean")
    repeats = len(table) - table["cluster"].nunique()
    free = len(table) - n_params - repeats
    pure = float((within**2).sum())
    if repeats < 1 or free < 1 or pure <= 0:
        return []
    misses = max(float((residual_M**2).sum()) - pure, 0.0)
    ratio = (misses / free) / (pure / repeats)
    if ratio <= f_distribution.ppf(level, free, repeats):
        return []
    miss, noise = np.sqrt(misses / free), np.sqrt(pure / repeats)
    return [
        f"The law misses the runs by {100 * miss:.2g}% where seeds differ by {100 * noise:.2g}%: its form does "
        "not hold for all of these runs, or some were trained badly, and the intervals do not cover that."
    ]
