"""Which column of a table is which: by flag, else by name; a choice that the names leave is the person's."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.tables.columns import COLUMNS, CORE, PERPLEXITY, RESPONSES, SHARE, listed, plain_name


def chosen(table: pd.DataFrame, given: Mapping[str, str], source: str, notes: list[str]) -> dict[str, str]:
    """Canonical name → the table's column: what is `given`, then what the names say.

    Two columns that could be N, D, C or the loss, and differ, are refused; of other columns neither is taken.
    """
    names = [name for name in table.columns if isinstance(name, str)]
    plain = {name: plain_name(name) for name in names}
    found = dict(given)
    for canonical, column in COLUMNS.items():
        if canonical in given:
            continue
        candidates = [
            name for name in names if name not in given.values() and plain[name] in (canonical, *column.names)
        ]
        own = [name for name in candidates if plain[name] == canonical]
        if own and canonical != "loss":
            candidates = own
        candidates = _useful(table, candidates)
        if column.text:
            order = (canonical, *column.names)
            candidates = sorted(candidates, key=lambda name: order.index(plain[name]))[:1]
        different = _different(table, candidates)
        if len(different) > 1 and canonical in CORE:
            listed = " and ".join([", ".join(different[:-1]), different[-1]])
            raise BadInput(
                f"{source} has {listed}, each of which could be {'the loss' if canonical == 'loss' else canonical}; "
                f"choose one with --columns {canonical}={_likeliest(different)}."
            )
        if len(different) > 1:
            notes.append(f"{' and '.join(different)} could each be {column.meaning}: none is taken ({canonical}).")
        elif different:
            found[canonical] = different[0]
    taken = set(found.values())
    shares = {name.lower(): name for name in names if name.lower().startswith(SHARE) and name not in taken}
    return {**found, **{name: column for name, column in shares.items() if name not in found}}


def _likeliest(names: Sequence[str]) -> str:
    """The one to show as an example: a loss held out rather than one trained on."""
    return next((name for name in names if re.search("val|eval|test|held", name.lower())), names[0])


def _useful(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """The columns that hold anything at all: exports have many that are empty."""
    return [name for name in names if len(names) == 1 or table[name].notna().any()]


def _different(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """The columns whose values differ from those before them."""
    kept: list[str] = []
    for name in names:
        if not any(_equal(table[name], table[other]) for other in kept):
            kept.append(name)
    return kept


def _equal(one: pd.Series, other: pd.Series) -> bool:
    """Whether two columns hold the same, whole numbers and floats compared by value."""
    if pd.api.types.is_numeric_dtype(one) and pd.api.types.is_numeric_dtype(other):
        return np.array_equal(one.astype(np.float64), other.astype(np.float64), equal_nan=True)
    return one.equals(other)


def refuse_mapping(table: pd.DataFrame, columns: Mapping[str, str], source: str) -> None:
    """Refuse a mapping that names a column no law uses, or one the table does not have."""
    for name, column in columns.items():
        if name not in COLUMNS and not name.startswith(SHARE):
            raise BadInput(
                f"columns names '{name}', which no law uses; it must be one of {', '.join(COLUMNS)} or {SHARE}…"
            )
        if column not in table:
            raise BadInput(_missing(source, name, column, table))
        if name == "loss":
            _refuse_perplexity(column, source)
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise BadInput(f"{source} has the column '{twice[0]}' twice; each column needs its own name.")


def refuse_without_response(table: pd.DataFrame, names: Mapping[str, str], source: str) -> None:
    """Refuse a table with nothing that a law predicts."""
    if "loss" in names or any(
        name in names and (name in ("error", "reward") or names[name] == name) for name in RESPONSES
    ):
        return
    for column in table.columns:
        if isinstance(column, str) and PERPLEXITY.search(plain_name(column)):
            _refuse_perplexity(column, source)
    raise BadInput(_missing(source, "loss", "loss", table))


def _refuse_perplexity(column: str, source: str) -> None:
    if PERPLEXITY.search(plain_name(column)):
        raise BadInput(
            f"{source}: the column {column} is a perplexity, and laws are of the loss; "
            "add a column with its natural logarithm and name it loss."
        )


def _missing(source: str, name: str, column: str, table: pd.DataFrame) -> str:
    names = list(table.columns)
    if any(str(other).endswith("__MIN") for other in names):
        return f"{source} is the export of a chart of W&B, with a column a run; export the table of runs instead."
    near = [other for other in names if isinstance(other, str) and len(name) > 1 and name in plain_name(other)]
    ordered = [*near, *(other for other in names if other not in near)]
    return f"{source} has no column '{column}' for {name}; it has {listed(ordered)} (name one with --columns {name}=…)."
