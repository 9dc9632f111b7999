"""Does the data determine the parameters? What fails is said in words, and `identified` is False.

Looked at: bounds hit, directions of theta that the objective hardly feels, less than a decade of compute, fewer than
three levels of an axis, a fixed ratio of D to N (the fit is then ill-conditioned as 1/(α−β)²: Kricheli 2605.08541), and
starts that do not agree.
"""

import numpy as np
import pandas as pd

from workbench.fitting.laws.base import Array, Law
from workbench.fitting.solver import Problem

FLAT = 1e-7
"""A direction is flat when its curvature, theta scaled to unit diagonal, is this share of the largest or less."""

COLLINEAR = 0.98
"""|correlation| of ln N and ln D above which the design cannot tell the two terms apart."""

LEVELS = 1.05
"""Values of an axis closer than this factor count as one level."""


def weaknesses(table: pd.DataFrame, law: Law, problem: Problem, best_P: Array, convention: str) -> tuple[str, ...]:
    """Sentences on what the data do not determine; none when all is well."""
    return (*_design(table, law, convention), *_at_bounds(law, best_P), *_flat(problem, best_P))


def _design(table: pd.DataFrame, law: Law, convention: str) -> list[str]:
    found = []
    names = {"n": convention, "d": "d", "c": "c"}
    words = {"n": "sizes N", "d": "horizons D", "c": "values of C"}
    for axis in law.columns:
        count = levels(table[names[axis]])
        if count < 3:
            found.append(f"Only {count} {words[axis]}: an exponent needs at least three.")
    if "c" in table and {"n", "d"} <= set(law.columns) and table["c"].notna().any():
        decades = float(np.log10(table["c"].max() / table["c"].min()))
        if decades < 0.95:
            found.append(f"The runs span {decades:.2f} decades of compute: exponents need at least one.")
    if {"n", "d"} <= set(law.columns):
        x, y = np.log(table[convention].to_numpy(dtype=float)), np.log(table["d"].to_numpy(dtype=float))
        if x.std() > 0 and y.std() > 0:
            together = float(np.corrcoef(x, y)[0, 1])
            if abs(together) > COLLINEAR:
                kind = (
                    "nearly a fixed ratio of tokens to parameters" if together > 0 else "nearly one budget of compute"
                )
                found.append(
                    f"The design is collinear: ln N and ln D correlate at {together:.3f}, {kind}, so that the terms of "
                    "size and data cannot be told apart."
                )
    return found


def levels(values: pd.Series) -> int:
    """How many distinct levels a column has, values within 5% of a neighbour taken as one."""
    logs = np.sort(np.log(values.dropna().to_numpy(dtype=np.float64)))
    return int(1 + (np.diff(logs) > np.log(LEVELS)).sum()) if len(logs) else 0


def _at_bounds(law: Law, best_P: Array) -> list[str]:
    low_P, high_P = law.bounds_2P
    span_P = high_P - low_P
    found = []
    for name, value, low, high, span in zip(law.theta_names, best_P, low_P, high_P, span_P, strict=True):
        if value <= low + 1e-6 * span or value >= high - 1e-6 * span:
            end = "lower" if value <= low + 1e-6 * span else "upper"
            meaning = ": that term vanishes from these data" if end == "lower" and name.startswith("ln ") else ""
            found.append(f"{name} is at its {end} bound{meaning}; the parameters are not determined.")
    return found


def _flat(problem: Problem, best_P: Array) -> list[str]:
    """Directions in which the prediction does not change, from the jacobian with unit columns."""
    _, j_1PM = problem.law.jacobian(best_P[None], problem.x_MF)
    j_MP = j_1PM[0].T
    norms_P = np.linalg.norm(j_MP, axis=0)
    if (norms_P == 0).any():
        names = [name for name, norm in zip(problem.law.theta_names, norms_P, strict=True) if norm == 0]
        return [f"The loss does not depend on {', '.join(names)} at these runs."]
    _, singular, right = np.linalg.svd(j_MP / norms_P, full_matrices=False)
    if singular[-1] ** 2 > FLAT * singular[0] ** 2:
        return []
    size_P = np.abs(right[-1])
    involved = [name for name, size in zip(problem.law.theta_names, size_P, strict=True) if size > 0.3 * size_P.max()]
    return [f"A flat direction: {', '.join(involved)} can move together without changing the predictions."]
