"""Which runs share a budget of compute, and what each budget's curve of loss against size is fitted to."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from workbench.fitting.laws.base import Array

SAME_BUDGET = 0.1
"""Without a column of budgets, runs within this range of ln C, and no nearer than it to any other, share a budget."""


@dataclass(frozen=True)
class Curve:
    """The runs of one budget, ready for a curve."""

    budget: float
    ln_c: float
    z_M: Array
    """ln N − centre."""
    centre: float
    y_M: Array
    """ln L."""
    ln_k_line: tuple[float, float]
    """ln C/(ND) as level and slope in ln N: constant where C = 6ND, and then a + b = 1 whatever the scatter of C."""
    rows: np.ndarray
    """Which rows of the table they are."""

    def best_inside(self, y_SM: Array) -> np.ndarray:
        """Whether the best run has a smaller and a larger size beside it, for each row of responses."""
        z_S = self.z_M[y_SM.argmin(axis=1)]
        return (z_S > self.z_M.min()) & (z_S < self.z_M.max())

    def ln_data(self, ln_n_S: Array) -> Array:
        """ln D at this budget for sizes: C/(k N) with the runs' own k."""
        return self.ln_c - ln_n_S - (self.ln_k_line[0] + self.ln_k_line[1] * ln_n_S)


@dataclass(frozen=True)
class Sections:
    """The sizes of several budgets, one budget after another."""

    z_M: Array
    """ln N less the centre of its budget."""
    budget_M: np.ndarray
    """Which budget, from 0."""
    centre_B: Array
    """The centre of each budget's ln N."""

    @cached_property
    def member_MB(self) -> Array:
        """1 where a point belongs to a budget: sums over the points of budgets are products with it."""
        return (self.budget_M[:, None] == np.arange(len(self.centre_B))).astype(np.float64)

    @cached_property
    def low_B(self) -> Array:
        """The smallest z of each budget."""
        return np.where(self.member_MB > 0, self.z_M[:, None], np.inf).min(axis=0)

    @cached_property
    def high_B(self) -> Array:
        """The largest z of each budget."""
        return np.where(self.member_MB > 0, self.z_M[:, None], -np.inf).max(axis=0)

    @cached_property
    def sizes_B(self) -> np.ndarray:
        """How many sizes each budget has."""
        return np.array([len(np.unique(self.z_M[self.budget_M == b])) for b in range(len(self.centre_B))])


def budgets(table: pd.DataFrame) -> pd.Series:
    """The budget of each run: its design's, or the centre of a group of runs with nearly the same C; NaN where none.

    Values of C that follow one another closely over a wide range are no budget: along such a chain the loss falls with
    C, and a curve in N would take that for curvature.
    """
    if "budget" in table and table["budget"].notna().any():
        return table["budget"].astype(np.float64)
    ln_c = np.log(table["c"].to_numpy(dtype=np.float64))
    order = np.argsort(ln_c, kind="stable")
    group = np.cumsum(np.r_[0, np.diff(ln_c[order]) > SAME_BUDGET])
    found = pd.Series(np.nan, index=table.index)
    for number in np.unique(group):
        rows = order[group == number]
        if np.ptp(ln_c[rows]) <= SAME_BUDGET:
            found.iloc[rows] = float(np.exp(ln_c[rows].mean()))
    return found


def curves(table: pd.DataFrame, convention: str, window: float = np.inf) -> list[Curve]:
    """Every budget with at least three sizes; sizes further than `window` from the best are left out if four remain."""
    budget = budgets(table)
    ln_n, ln_l, ln_c, ln_d = (np.log(table[name].to_numpy(dtype=np.float64)) for name in (convention, "loss", "c", "d"))
    found = []
    for value in sorted(budget.dropna().unique()):
        rows = np.flatnonzero((budget == value).to_numpy())
        near = rows[np.abs(ln_n[rows] - ln_n[rows[ln_l[rows].argmin()]]) <= np.log(window)]
        if len(np.unique(ln_n[near])) >= 4:
            rows = near
        if len(np.unique(ln_n[rows])) < 3:
            continue
        slope, level = np.polyfit(ln_n[rows], ln_c[rows] - ln_n[rows] - ln_d[rows], 1)
        centre = float(ln_n[rows].mean())
        found.append(
            Curve(
                budget=float(value),
                ln_c=float(ln_c[rows].mean()),
                z_M=ln_n[rows] - centre,
                centre=centre,
                y_M=ln_l[rows],
                ln_k_line=(float(level), float(slope)),
                rows=rows,
            )
        )
    return found


def sections(every: list[Curve]) -> Sections:
    """The sizes of the budgets, one budget after another."""
    return Sections(
        np.concatenate([curve.z_M for curve in every]),
        np.repeat(np.arange(len(every)), [len(curve.z_M) for curve in every]),
        np.array([curve.centre for curve in every]),
    )
