"""Does the data determine the parameters? What fails is said in words, and `identified` is False.

Looked at: bounds hit by the optimum or by resamples, directions of theta that the objective hardly feels, less than a
decade of the law's own axis or of compute, fewer than three levels of an axis, a fixed ratio of D to N (the fit is then
ill-conditioned as 1/(α−β)²: Kricheli 2605.08541), and intervals so wide that they say nothing: of an exponent, against
the range that its law allows, or of the allocation's. A law may be determined and still be wrong: see `misfit`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.fitting.determined import narrow, spanned
from workbench.fitting.laws.base import Array, Law
from workbench.fitting.solving.problem import Problem

if TYPE_CHECKING:
    from workbench.fitting.determined import Interval
    from workbench.fitting.prepared import Prepared
    from workbench.fitting.record import Fit

FLAT = 1e-7
"""A direction is flat when its curvature, theta scaled to unit diagonal, is this share of the largest or less."""

COLLINEAR = 0.98
"""|correlation| of ln N and ln D above which the design cannot tell the two terms apart."""

DECADES = 0.95
"""Least range of compute, or of the one variable of a law, in decades: one, less what rounding takes."""

WIDEST = 0.5
"""An exponent of the allocation lies between 0 and 1; an interval wider than this leaves it open."""

OPEN = 0.4
"""Share of the allowed range of an exponent that an interval may take before the exponent is said to be open."""

RESPONSE = ("nats per token", "nats")
"""Units of what may be zero and is then known well enough."""

SHARES: Mapping[str, float] = {"a": WIDEST, "b": WIDEST}
"""Exponents of the allocation → the widest interval that says how compute divides."""

AT_BOUND = 0.01
"""Share of resamples with a parameter at a bound from which its interval is said to end there."""

LEVELS = 1.05
"""Values of an axis within this factor count as one level."""


def weaknesses(prepared: "Prepared", best_P: Array, convention: str) -> tuple[str, ...]:
    """Sentences on what the data do not determine; none when all is well."""
    free = [entry for entry in range(len(best_P)) if entry not in prepared.settled]
    if not free:
        return ()
    return (
        *_design(prepared.table, prepared.law, convention),
        *_at_bounds(prepared.law, best_P, free),
        *flat_direction(prepared.problem, best_P, free),
    )


def _design(table: pd.DataFrame, law: Law, convention: str) -> list[str]:
    found = []
    names = {"n": convention, "d": "d", "c": "c"}
    words = {"n": "sizes N", "d": "horizons D", "c": "values of C"}
    for axis in (name for name in law.columns if name in words):
        count = levels(table[names[axis]])
        if count < 3:
            found.append(f"Only {count} {words[axis]}: an exponent needs at least three.")
    if len(law.columns) == 1 and law.columns[0] in words:
        (axis,) = law.columns
        found += short_range(table[names[axis]], f"the points span {{:.2f}} decades of {axis.upper()}")
    elif {"n", "d"} <= set(law.columns) and "c" in table and table["c"].notna().any():
        found += short_range(table["c"], "the runs span {:.2f} decades of compute")
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


def short_range(values: pd.Series, words: str) -> list[str]:
    """A sentence where the values span too little for an exponent; `words` has a place for the decades."""
    decades = float(np.log10(values.max() / values.min()))
    said = words.format(decades)
    return [] if decades >= DECADES else [f"{said[0].upper()}{said[1:]}: exponents need at least one."]


def open_exponent(intervals: Mapping[str, tuple[float, float]]) -> list[str]:
    """A sentence where the interval of a, of N_opt ∝ C^a, is too wide to say how compute divides."""
    low, high = intervals.get("a", (0.0, 0.0))
    if not high - low > WIDEST:
        return []
    return [f"The interval of a, {low:.2g} to {high:.2g}, leaves open how compute divides between size and data."]


def open_in_range(law: Law, draws_SP: Array, cut: float, held: tuple[int, ...] = ()) -> list[str]:
    """Which exponents the draws leave anywhere in the range that the law allows: the profile is flat along them."""
    if len(draws_SP) < 20:
        return []
    low_P, high_P = law.bounds_2P
    ends_2P = np.quantile(draws_SP, [cut, 1 - cut], axis=0)
    share_P = (ends_2P[1] - ends_2P[0]) / np.maximum(high_P - low_P, 1e-300)
    names = [law.theta_names[i] for i in law.nonlinear if i not in held and share_P[i] > OPEN]
    if not names:
        return []
    shares = " and ".join(f"{100 * share_P[law.theta_names.index(name)]:.0f}%" for name in names)
    return [
        f"The data leave {' and '.join(names)} open: the interval takes {shares} of the range that {law.name} allows."
    ]


def endless(
    law: Law,
    draws_SP: Array,
    cut: float,
    intervals: Mapping[str, tuple[float, float]],
    held: tuple[int, ...] = (),
) -> list[str]:
    """Which parameters may be anything from a value on: the interval runs over decades until a bound ends it.

    Decades alone are no failure: amplitudes have them where exponents are loose. Nor is a bound alone: a parameter in
    units of the loss, as E, may well be zero, and how large it can be is then known.
    """
    if len(draws_SP) < 20:
        return []
    low_P, high_P = law.bounds_2P
    slack_P = 1e-6 * (high_P - low_P)
    ends_2P = np.quantile(draws_SP, [cut, 1 - cut], axis=0)
    met_P = (ends_2P[0] <= low_P + slack_P) | (ends_2P[1] >= high_P - slack_P)
    found = []
    for parameter in law.parameters:
        low, high = intervals.get(parameter.name, (np.nan, np.nan))
        own = parameter.theta[:1]
        if not own or own[0] in held or not met_P[own[0]] or parameter.unit in RESPONSE:
            continue
        if low >= 0 and not narrow((low, high)):
            found.append(
                f"{parameter.name} is not determined: its interval spans {spanned((low, high))} and ends at the edge "
                f"of the range that {law.name} allows."
            )
    return found


def at_bound_in_resamples(law: Law, draws_SP: Array, held: tuple[int, ...] = (), extremes: bool = False) -> list[str]:
    """Which intervals end at a bound rather than where the data end them; `extremes` are the edge of a region."""
    if not len(draws_SP):
        return []
    low_P, high_P = law.bounds_2P
    slack_P = 1e-6 * (high_P - low_P)
    share_P = ((draws_SP <= low_P + slack_P) | (draws_SP >= high_P - slack_P)).mean(axis=0)
    if extremes:
        return [
            f"{name} reaches the edge of its range before the data reject it: its interval ends there."
            for entry, (name, share) in enumerate(zip(law.theta_names, share_P, strict=True))
            if share > 0 and entry not in held
        ]
    return [
        f"{name} is at the edge of its range in {100 * share:.0f}% of the resamples, where its interval ends."
        for entry, (name, share) in enumerate(zip(law.theta_names, share_P, strict=True))
        if share >= AT_BOUND and entry not in held
    ]


def levels(values: pd.Series) -> int:
    """How many distinct levels a column has, values within 5% of the least of a level belonging to it."""
    logs = np.sort(np.log(values.dropna().to_numpy(dtype=np.float64)))
    count, at = 0, 0
    while at < len(logs):
        count, at = count + 1, int(np.searchsorted(logs, logs[at] + np.log(LEVELS), side="right"))
    return count


def _at_bounds(law: Law, best_P: Array, free: list[int]) -> list[str]:
    low_P, high_P = law.bounds_2P
    found = []
    for entry in free:
        name, value, low, high = law.theta_names[entry], best_P[entry], low_P[entry], high_P[entry]
        span = high - low
        if value <= low + 1e-6 * span or value >= high - 1e-6 * span:
            end = "lower" if value <= low + 1e-6 * span else "upper"
            meaning = ": that term vanishes from these data" if end == "lower" and name.startswith("ln ") else ""
            found.append(f"{name} is at its {end} bound{meaning}; the parameters are not determined.")
    return found


def flat_direction(problem: Problem, best_P: Array, free: list[int]) -> list[str]:
    """Directions in which the prediction does not change, from the jacobian with unit columns."""
    if not free:
        return []
    _, j_1PM = problem.law.jacobian(best_P[None], problem.x_MF)
    j_MP = j_1PM[0].T[:, free]
    theta_names = [problem.law.theta_names[entry] for entry in free]
    norms_P = np.linalg.norm(j_MP, axis=0)
    if (norms_P == 0).any():
        names = [name for name, norm in zip(theta_names, norms_P, strict=True) if norm == 0]
        return [f"The loss does not depend on {', '.join(names)} at these runs."]
    _, singular, right = np.linalg.svd(j_MP / norms_P, full_matrices=False)
    if singular[-1] ** 2 > FLAT * singular[0] ** 2:
        return []
    size_P = np.abs(right[-1])
    involved = [name for name, size in zip(theta_names, size_P, strict=True) if size > 0.3 * size_P.max()]
    return [f"A flat direction: {', '.join(involved)} can move together without changing the predictions."]


def undetermined(fit: "Fit") -> tuple[str, ...]:
    """The parameters and derived quantities that a fit leaves open; none of a law that the data identify.

    Of an identified law the decades of an amplitude are those of its exponent, and together they say a curve.
    """
    if fit.identified:
        return ()
    limits = _limits(fit)
    both = {**fit.intervals, **fit.derived_intervals}
    return tuple(name for name, ends in both.items() if _open(ends, limits.get(name, "magnitude")))


def _limits(fit: "Fit") -> dict[str, float | str]:
    """Name → the widest interval of an exponent that says something, or what else the number is."""
    from workbench.fitting.laws import LAWS

    found: dict[str, float | str] = {**SHARES}
    if fit.law in LAWS:
        for one in fit.configured_law.parameters:
            if one.unit in RESPONSE:
                found[one.name] = "response"  # a floor that may be anything down to zero is known from above
            elif one.unit == "1" and one.high < float("inf"):
                found[one.name] = OPEN * (one.high - one.low)
    return found


def _open(ends: "Interval", kind: float | str) -> bool:
    low, high = ends
    if kind == "response":
        return False
    return high - low > kind if isinstance(kind, float) else not narrow(ends)
