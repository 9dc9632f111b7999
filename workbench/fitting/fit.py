"""`fit` one law, or `fit_all` of them under every convention of N: the front door of the room."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.errors import BadInput
from workbench.fitting import limits, tables
from workbench.fitting.envelope import fit_envelope
from workbench.fitting.isoflop.estimator import DEFAULT_SHAPE, fit_isoflop
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Law
from workbench.fitting.parametric import fit_law
from workbench.fitting.record import CONVENTION_LABELS, Fit, FitSet, NotFitted, NotIdentifiable
from workbench.fitting.solving.blocks import one_thread
from workbench.fitting.solving.objectives import OBJECTIVES, objective_named
from workbench.fitting.uncertainty.methods import METHODS
from workbench.fitting.uncertainty.weighting import NOISES
from workbench.words import known_word, meant

Runs = pd.DataFrame | Mapping[str, Any] | str | Path
"""A table of runs: itself, its columns, or the path of a file."""

LAW_NAMES = ("chinchilla", "isoflop", "envelope", "kaplan-nd", "kaplan-n", "kaplan-d", "kaplan-c")
"""The laws that are fitted side by side where none is named, in the order they are shown."""

EVERY_LAW = (*LAW_NAMES, *(name for name in LAWS if name not in LAW_NAMES))
"""Every law `fit` takes."""

RESAMPLES = 1000
"""Bootstrap resamples by default: an end of a 95% interval then moves by about 4% of its half-width with the seed."""


def fit(
    table: Runs,
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
    """Fit one law to a table of runs: canonical, or any table, mapping or file whose columns have known names.

    `convention` is the count of N: total (or n) or non-embedding (n_non_embedding).

    `intervals` names the method behind the intervals (`uncertainty.METHODS`); `fixed` holds parameters at values;
    `shape` is that of the curves of isoflop (`isoflop_curves.SHAPES`); `noise` says what is known of the runs' noise,
    by which they are weighed (`weighting.NOISES`); `setting` configures a law that can be, such as broken-n with
    {"breaks": 2}.
    Raises `NotIdentifiable` (a `BadInput`) with the reason where the table cannot identify the law.
    """
    checked_settings(law, objective, delta, resamples, level, intervals)
    if shape is not None and law != "isoflop":
        raise BadInput(f"shape is '{shape}', but {law} has no curves to shape; only isoflop takes one.")
    known_word("noise", noise, NOISES)
    if fixed and law not in LAWS:
        raise BadInput(f"fixed names '{next(iter(fixed))}', but {law} holds no parameter.")
    if setting and law not in LAWS:
        raise BadInput(f"setting is {dict(setting)}, but {law} takes none.")
    if noise != "equal" and law not in LAWS:
        raise BadInput(f"noise is '{noise}', but {law} weighs no single runs; only 'equal' is right for it.")
    table = _table(table)
    convention = convention_named(convention, table)
    if law == "isoflop":
        return fit_isoflop(table, convention, resamples, seed, level, shape or DEFAULT_SHAPE)
    if law == "envelope":
        return fit_envelope(table, convention, resamples, seed, level)
    table, said = _points_of(table, law, convention)
    with one_thread():
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


def _table(runs: Runs) -> pd.DataFrame:
    """The canonical table of what may be fitted."""
    if isinstance(runs, str | Path):
        return tables.read_table(runs)
    if not isinstance(runs, pd.DataFrame):
        if not isinstance(runs, Mapping):
            raise BadInput(f"table is a {type(runs).__name__}; it must be a DataFrame, a mapping of columns or a path.")
        try:
            runs = pd.DataFrame(dict(runs))
        except ValueError as error:
            raise BadInput(f"table is a mapping of no columns of one length: {error}.") from error
    return runs if "conventions" in runs.attrs else tables.canonical(runs)


def convention_named(convention: str, table: pd.DataFrame) -> str:
    """The table's column of N, by its own name or by what people call it."""
    labels = {label: name for name, label in CONVENTION_LABELS.items()}
    known_word("convention", convention, (*labels, *labels.values()))
    name = labels.get(convention, convention)
    only = name == "n_non_embedding" and name not in table
    return "n" if only and "non-embedding" in table.attrs["conventions"].get("N", "") else name


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
    if law is not None:
        known_word("law", law, EVERY_LAW)
    known_word("objective", objective, OBJECTIVES)
    objective_named(objective, delta)
    known_word("intervals", intervals, ("auto", *METHODS))
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
        table, dropped = tables.checked(table, (*needs, "loss"), law)
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
    table: Runs,
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
    convention: str | None = None,
    told: Callable[[str], None] | None = None,
) -> FitSet:
    """Every law under every convention of N; a law that cannot be identified is listed with the reason.

    `intervals`, `fixed` and `noise` are for the laws of single runs, `shape` for isoflop; of several laws each takes
    what it has of `fixed`, and `setting` is for one law alone. `convention` restricts to one count of N; `told` is
    called with each law's name, and how many there are, before it is fitted.
    """
    if setting and len(laws) != 1:
        raise BadInput(f"setting is {dict(setting)}, which is for one law; name it.")
    if len(laws) > 1:
        refuse_held(laws, fixed)
    table = _table(table)
    fits: list[Fit] = []
    not_fitted: list[NotFitted] = []
    counts = conventions_of(table) if convention is None else (convention_named(convention, table),)
    # a law without N is the same under every count of it
    todo = [(n, law) for n in counts for law in laws if n == counts[0] or law in LAW_NAMES or "n" in LAWS[law].columns]
    for number, (count, law) in enumerate(todo, start=1):
        if told:
            told(_named(law, count, number, len(todo), several=len(counts) > 1))
        try:
            own = _own(law, intervals, fixed, noise, alone=len(laws) == 1)
            own |= {"shape": shape} if law == "isoflop" or len(laws) == 1 else {}
            own |= {"setting": setting} if setting else {}
            found = fit(table, law, objective, delta, count, resamples, seed, level, **own)
            fits.append(replace(found, notes=(*found.notes, *_not_held(law, fixed))) if len(laws) > 1 else found)
        except NotIdentifiable as error:
            not_fitted.append(NotFitted(law, str(error), count))
    return FitSet(tuple(fits), tuple(not_fitted), tuple(table.attrs.get("notes", ())))


def _named(law: str, count: str, number: int, many: int, *, several: bool) -> str:
    """'kaplan-nd, non-embedding N (11 of 14)': what of a long fit is being done."""
    return law + (f", {CONVENTION_LABELS[count]} N" if several else "") + (f" ({number} of {many})" if many > 1 else "")


def refuse_held(laws: tuple[str, ...], fixed: Mapping[str, float] | None) -> None:
    """Refuse to hold a parameter that none of several laws has."""
    known = list(dict.fromkeys(name for law in laws for name in _names(law)))
    for name in fixed or {}:
        if name not in known and not any(law in LAWS and LAWS[law].setting for law in laws):
            said = meant(name, known)
            raise BadInput(
                f"fixed names '{name}', which no law fitted has; {said}{'They' if said else 'they'} have "
                f"{', '.join(known) or 'none'}."
            )


def _names(law: str) -> list[str]:
    """The parameters a law may hold; a procedure holds none."""
    return [one.name for one in LAWS[law].parameters] if law in LAWS else []


def _not_held(law: str, fixed: Mapping[str, float] | None) -> tuple[str, ...]:
    """What of the held parameters passes this law by."""
    absent = [f"{name} = {value:g}" for name, value in (fixed or {}).items() if name not in _names(law)]
    return (f"Not held, since the law has no such parameter: {', '.join(absent)}.",) if absent else ()


def _own(law: str, intervals: str, fixed: Mapping[str, float] | None, noise: str, *, alone: bool) -> dict[str, Any]:
    """Of the settings that not every law takes, those of this law: of held parameters, those it has."""
    if alone:
        return {"intervals": intervals, "fixed": fixed, "noise": noise}
    if law not in LAWS:
        return {}
    held = {name: value for name, value in (fixed or {}).items() if name in _names(law)}
    return {"intervals": intervals, "fixed": held or None, "noise": noise}
