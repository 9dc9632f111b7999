"""`fit` one law, or `fit_all` of them under every convention of N: the front door of the room."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.errors import BadInput
from workbench.fitting import limits, tables
from workbench.fitting.envelope import fit_envelope
from workbench.fitting.isoflop.estimator import DEFAULT_SHAPE, fit_isoflop
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Law
from workbench.fitting.parametric import fit_law
from workbench.fitting.record import Fit, FitSet, NotFitted, NotIdentifiable
from workbench.fitting.solving.objectives import objective_named
from workbench.fitting.uncertainty.methods import checked_method
from workbench.fitting.uncertainty.weighting import checked_noise

LAW_NAMES = ("chinchilla", "isoflop", "envelope", "kaplan-nd", "kaplan-n", "kaplan-d", "kaplan-c")
"""The laws that are fitted side by side where none is named, in the order they are shown."""

EVERY_LAW = (*LAW_NAMES, *(name for name in LAWS if name not in LAW_NAMES))
"""Every law `fit` takes."""

RESAMPLES = 1000
"""Bootstrap resamples by default: an end of a 95% interval then moves by about 4% of its half-width with the seed."""


def fit(
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
    shape: str | None = None,
    noise: str = "equal",
    setting: Mapping[str, Any] | None = None,
) -> Fit:
    """Fit one law to a table of runs (canonical, or any table whose columns have known names).

    `intervals` names the method behind the intervals (`uncertainty.METHODS`); `fixed` holds parameters at values;
    `shape` is that of the curves of isoflop (`isoflop_curves.SHAPES`); `noise` says what is known of the runs' noise,
    by which they are weighed (`weighting.NOISES`); `setting` configures a law that can be, such as broken-n with
    {"breaks": 2}.
    Raises `NotIdentifiable` (a `BadInput`) with the reason where the table cannot identify the law.
    """
    checked_settings(law, objective, delta, resamples, level, intervals)
    if shape is not None and law != "isoflop":
        raise BadInput(f"shape is '{shape}', but {law} has no curves to shape; only isoflop takes one.")
    checked_noise(noise)
    if setting and law not in LAWS:
        raise BadInput(f"setting is {dict(setting)}, but {law} takes none.")
    if noise != "equal" and law not in LAWS:
        raise BadInput(f"noise is '{noise}', but {law} weighs no single runs; only 'equal' is right for it.")
    if "conventions" not in table.attrs:
        table = tables.canonical(table)
    if law == "isoflop":
        return fit_isoflop(table, convention, resamples, seed, level, shape or DEFAULT_SHAPE)
    if law == "envelope":
        return fit_envelope(table, convention, resamples, seed, level)
    table, said = _points_of(table, law, convention)
    return fit_law(
        table,
        configured(law, setting),
        objective,
        delta,
        convention,
        resamples,
        seed,
        level,
        said,
        intervals,
        fixed,
        noise,
    )


def configured(law: str, setting: Mapping[str, Any] | None) -> Law:
    """The law called so, with its setting."""
    if not setting:
        return LAWS[law]
    try:
        return LAWS[law].configured(**setting)
    except TypeError as error:
        raise BadInput(f"setting is {dict(setting)}, which {law} does not take: {error}.") from error


def checked_settings(
    law: str | None, objective: str, delta: float, resamples: int, level: float = 0.95, intervals: str = "auto"
) -> None:
    """Refuse settings that no fit can have, before anything is read."""
    if law is not None and law not in EVERY_LAW:
        raise BadInput(f"law is '{law}'; it must be one of {', '.join(EVERY_LAW)}.")
    objective_named(objective, delta)
    checked_method(intervals)
    if resamples < 0:
        raise BadInput(f"resamples is {resamples}; it must be 0 or more (1000 is the default).")
    if not 0 < level < 1:
        raise BadInput(f"level is {level:g}; it must lie between 0 and 1, such as 0.95.")


def _points_of(table: pd.DataFrame, law: str, convention: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The final points a law may be fitted to, and what to say of the choice."""
    attrs = table.attrs
    table, notes = tables.final_points(table)
    if law in ("kaplan-n", "kaplan-d", "kaplan-c"):
        needs = {"kaplan-n": (convention,), "kaplan-d": ("d",), "kaplan-c": (convention, "d", "c")}[law]
        table, dropped = tables.checked(table, (*needs, "loss"))
        if law == "kaplan-c":
            table, said = limits.frontier(table, convention)
        else:
            table, said = limits.near_limit(table, law[-1], convention)
        notes = (*notes, *dropped, said)
    table.attrs = dict(attrs)
    return table, notes


def conventions_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The counts of N that a table carries."""
    return tuple(name for name in ("n", "n_non_embedding") if name in table and table[name].notna().any()) or ("n",)


def fit_all(
    table: pd.DataFrame,
    laws: tuple[str, ...] = LAW_NAMES,
    objective: str = "huber",
    delta: float = 1e-3,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
    *,
    intervals: str = "auto",
    fixed: Mapping[str, float] | None = None,
    noise: str = "equal",
    shape: str | None = None,
    setting: Mapping[str, Any] | None = None,
) -> FitSet:
    """Every law under every convention of N; a law that cannot be identified is listed with the reason.

    `intervals`, `fixed` and `noise` are for the laws of single runs, `shape` for isoflop; of several laws each takes
    what it has of `fixed`, and `setting` is for one law alone.
    """
    if setting and len(laws) != 1:
        raise BadInput(f"setting is {dict(setting)}, which is for one law; name it.")
    if "conventions" not in table.attrs:
        table = tables.canonical(table)
    fits: list[Fit] = []
    not_fitted: list[NotFitted] = []
    for convention in conventions_of(table):
        for law in laws:
            if convention != "n" and law not in LAW_NAMES and "n" not in LAWS[law].columns:
                continue  # a law without N is the same under every count of it
            try:
                own = _own(law, intervals, fixed, noise, alone=len(laws) == 1)
                own |= {"shape": shape} if law == "isoflop" or len(laws) == 1 else {}
                own |= {"setting": setting} if setting else {}
                fits.append(fit(table, law, objective, delta, convention, resamples, seed, level, **own))
            except NotIdentifiable as error:
                not_fitted.append(NotFitted(law, str(error), convention))
    return FitSet(tuple(fits), tuple(not_fitted), tuple(table.attrs.get("notes", ())))


def _own(law: str, intervals: str, fixed: Mapping[str, float] | None, noise: str, *, alone: bool) -> dict[str, Any]:
    """Of the settings that not every law takes, those of this law: of held parameters, those it has."""
    if alone:
        return {"intervals": intervals, "fixed": fixed, "noise": noise}
    if law not in LAWS:
        return {}
    held = {one.name for one in LAWS[law].parameters} & set(fixed or {})
    return {"intervals": intervals, "fixed": {name: (fixed or {})[name] for name in held} or None, "noise": noise}
