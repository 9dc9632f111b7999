"""A law meets a table: the rows it can use, as centred arrays for the solver, with what is held and what weighs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting import tables
from workbench.fitting.diagnostics.identification import levels
from workbench.fitting.laws.base import Array, Law
from workbench.fitting.record import NotIdentifiable
from workbench.fitting.solving.objectives import Objective
from workbench.fitting.solving.problem import Problem
from workbench.words import meant

TEXT = ("group",)
"""Columns that hold names, not numbers."""

LEVELLED = {"n": "size", "d": "number of tokens", "c": "amount of compute", "s": "number of steps"}
"""Columns that must take several values for a law to be fitted, in words."""


@dataclass(frozen=True)
class Prepared:
    """What the solver needs of a table, and what turns its theta back into parameters."""

    table: pd.DataFrame
    """The rows used."""
    problem: Problem
    """One row: the data themselves."""
    columns: dict[str, Array]
    """The law's own columns."""
    x_centre_F: Array
    y_centre: float
    held: tuple[int, ...]
    """Entries of theta that are held."""
    start_P: Array | None
    """A theta with the held entries in place."""
    notes: tuple[str, ...]

    @property
    def law(self) -> Law:
        """The law, configured for the table."""
        return self.problem.law

    @cached_property
    def settled(self) -> tuple[int, ...]:
        """Entries of theta that are not estimated: held, or given one value by the law's own bounds."""
        low_P, high_P = self.law.bounds_2P
        return tuple(sorted({*self.held, *np.flatnonzero(low_P == high_P).tolist()}))

    @property
    def free(self) -> int:
        """Parameters that are estimated."""
        return len(self.law.theta_names) - len(self.settled)

    def params(self, theta_SP: Array) -> dict[str, Array]:
        """The paper's parameters."""
        return self.law.to_params(theta_SP, self.x_centre_F, self.y_centre)

    def published(self, value: float) -> float:
        """An objective in the units of the table: centring divides a raw loss by its geometric mean."""
        return float(value * np.exp(2 * self.y_centre)) if self.problem.exponentiated else float(value)


def prepare(
    table: pd.DataFrame, law: Law, goal: Objective, convention: str, fixed: Mapping[str, float] | None = None
) -> Prepared:
    """Check the table for the law and lay it out; rows of weight 0 are left out."""
    table = table.copy(deep=False)
    table.attrs = {}  # pandas copies them, deeply, in every operation
    law = law.configured(**{**law.setting, **law.setting_of(table)})
    names = {name: convention if name == "n" else name for name in law.columns}
    numeric = tuple(column for name, column in names.items() if name not in TEXT)
    table, dropped = tables.checked(_labelled(table, law), (*numeric, law.response), law.name)
    weight_M = table["weight"].fillna(0).to_numpy(dtype=np.float64) if "weight" in table else np.ones(len(table))
    if (weight_M <= 0).any():
        table = table[weight_M > 0].reset_index(drop=True)
        weight_M = weight_M[weight_M > 0]
    held: tuple[int, ...] = ()
    start_P: Array | None = None
    columns = {
        name: table[column].to_numpy(dtype=object if name in TEXT else np.float64) for name, column in names.items()
    }
    if len(fixed or {}) < len(law.parameters):
        _enough(table, law, names, len(fixed or {}))
    x_MF = law.features(columns)
    y_M = table[law.response].to_numpy(dtype=np.float64)
    y_M = np.log(y_M) if law.log_response else y_M
    x_centre_F = law.centre(x_MF)
    y_centre = float(np.average(y_M, weights=weight_M)) if law.log_response else 0.0
    problem = Problem(law, goal, x_MF - x_centre_F, (y_M - y_centre)[None], weight_M[None])
    if fixed:
        held, start_P = _held(law, fixed, x_centre_F, y_centre)
    return Prepared(table, problem, columns, x_centre_F, y_centre, held, start_P, dropped)


def _labelled(table: pd.DataFrame, law: Law) -> pd.DataFrame:
    """The rows with a name in each column of names that the law reads."""
    for name in TEXT:
        if name in law.columns:
            if name not in table:
                raise NotIdentifiable(tables.lacking(law.name, name, table))
            table = table[table[name].notna()]
    return table


def _enough(table: pd.DataFrame, law: Law, names: Mapping[str, str], held: int) -> None:
    """Refuse a table that no estimator could fit."""
    needed = len(law.theta_names) - held
    if len(table) < needed:
        raise NotIdentifiable(
            f"{law.name} has {needed} parameters and the table {len(table)} usable rows: it needs more."
        )
    for name, column in names.items():
        if name in LEVELLED and levels(table[column]) < 2:
            raise NotIdentifiable(
                f"all {len(table)} runs have one {LEVELLED[name]} ({column} = {table[column].iloc[0]:g}); "
                f"{law.name} needs several."
            )


def _held(law: Law, fixed: Mapping[str, float], x_centre_F: Array, y_centre: float) -> tuple[tuple[int, ...], Array]:
    """Which entries of theta the fixed parameters determine, and their values."""
    known = {parameter.name: parameter for parameter in law.parameters}
    held: set[int] = set()
    for name, value in fixed.items():
        if name not in known:
            said = meant(name, known)
            raise BadInput(
                f"fixed names '{name}', which {law.name} does not have; {said}{'It' if said else 'it'} has "
                f"{', '.join(known)}."
            )
        parameter = known[name]
        if not np.isfinite(value) or not parameter.low <= value <= parameter.high:
            raise BadInput(
                f"fixed gives {name} = {value:g}; it must lie between {parameter.low:g} and {parameter.high:g}."
            )
        if not parameter.theta:
            raise BadInput(f"{law.name} cannot hold {name} at a value.")
        held.add(parameter.theta[0])
    for name in fixed:
        free = [index for index in known[name].theta if index not in held]
        if free:
            others = [other for other, one in known.items() if one.theta and one.theta[0] in free]
            raise BadInput(f"{name} can be held only together with {', '.join(others)}; hold these too.")
    start_P = law.starts()[0]
    params: dict[str, Any] = {
        name: float(value[0]) for name, value in law.to_params(start_P[None], x_centre_F, y_centre).items()
    }
    inside = law.from_params({**params, **fixed}, x_centre_F, y_centre)
    low_P, high_P = law.bounds_2P
    entries = tuple(sorted(held))
    outside = [i for i in entries if not low_P[i] - 1e-9 <= inside[i] <= high_P[i] + 1e-9]
    if outside:
        raise BadInput(
            f"fixed puts {law.theta_names[outside[0]]} outside what {law.name} allows on these data; "
            "check the units of the held values."
        )
    return entries, inside
