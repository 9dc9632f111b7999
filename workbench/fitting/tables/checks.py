"""What no run can have is refused by file, column, row and value; rows that lack a value are named and left out."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.record import NotIdentifiable
from workbench.fitting.tables.columns import SHARE, listed, meaning_of

SUM_OF_SHARES = 0.01
"""How far the shares of a row may sum from one: published mixtures are rounded to two digits."""


def checked(table: pd.DataFrame, needs: Sequence[str], law: str = "the law") -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows a law can use, with notes on those dropped; values that no run can have are refused."""
    if len(table) == 0:
        raise BadInput("the table is empty; a fit needs runs.")
    missing = [name for name in needs if name not in table]
    if missing:
        raise NotIdentifiable(lacking(law, missing[0], table))
    notes: list[str] = []
    absent = table[list(needs)].isna().any(axis=1)
    if absent.any():
        rows = rows_said(row_numbers(table)[absent.to_numpy()])
        named = ", ".join(needs)
        notes.append(f"{runs_said(int(absent.sum()))} with a missing value among {named} left out ({rows}).")
        table = table[~absent]
        if len(table) == 0:
            raise BadInput(f"every row lacks a value among {named}; a fit needs runs.")
    refuse_impossible(table, {name: name for name in needs})
    return table.reset_index(drop=True), tuple(notes)


INTERNAL = ("row", "point")
"""Columns that the reader of tables adds."""


def lacking(law: str, name: str, table: pd.DataFrame) -> str:
    """The sentence on a column that a law needs and the table has not."""
    has = listed([column for column in table.columns if column not in INTERNAL])
    return (
        f"{law} needs the column {name}, {meaning_of(name).meaning}, which was not found; the table has {has} "
        f"(name a column of the file with --columns {name}=…)."
    )


def refuse_impossible(table: pd.DataFrame, columns: Mapping[str, str], source: str | None = None) -> None:
    """Refuse a table with a value outside its column's range; `columns` says what the source calls each."""
    numbers = row_numbers(table)
    for name, column in columns.items():
        if name not in table:
            continue
        kind = meaning_of(name)
        if kind.text:
            continue
        values = table[name].to_numpy(dtype=np.float64)
        wrong = kind.wrong(values)
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            where = f"{source}, column {column}, row {numbers[at]}: " if source else ""
            said = f"{name} is {values[at]:g} in row {numbers[at]}" if source is None else f"{values[at]:g}"
            raise BadInput(f"{where}{said}; {kind.meaning} {kind.right()}{_hint(name, values)}.")
    if "weight" in columns and "weight" in table and (table["weight"].fillna(0.0) == 0).all():
        raise BadInput(f"{source or 'the table'}: every weight is 0; a fit needs rows that count.")
    refuse_shares(table, source)


def refuse_shares(table: pd.DataFrame, source: str | None = None) -> None:
    """Refuse mixture shares that do not sum to one."""
    names = [name for name in table.columns if isinstance(name, str) and name.startswith(SHARE)]
    if not names:
        return
    total = table[names].sum(axis=1, skipna=False).to_numpy(dtype=np.float64)
    wrong = np.abs(total - 1.0) > SUM_OF_SHARES
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise BadInput(
            f"{source or 'the table'}, row {row_numbers(table)[at]}: the shares {listed(names)} sum to "
            f"{total[at]:g}; the shares of a mixture must sum to 1."
        )


def _hint(name: str, values: np.ndarray) -> str:
    """What the whole column looks like, where a number is out of range."""
    percent = np.nanmedian(values) > 1 and np.nanmax(values) <= 100 and np.nanmin(values) >= 0
    if (name == "error" or name.startswith(SHARE)) and percent:
        return " (these look like percentages: divide them by 100)"
    if name == "loss" and np.isposinf(values).any():
        return " (leave runs that diverged out with --where)"
    if name == "loss" and np.nanmedian(values) < 0:
        return " (these look like log likelihoods: take their negative)"
    return ""


def row_numbers(table: pd.DataFrame) -> np.ndarray:
    """The number of each row as a person counts them in the source: the first of the data is 1."""
    if "row" in table:
        return table["row"].to_numpy()
    return np.arange(1, len(table) + 1)


def rows_said(numbers: Sequence[int] | np.ndarray, most: int = 5) -> str:
    """'row 3', 'rows 3 and 7', 'rows 1, 2, 3, 4, 5 and 8 more'."""
    many = [str(number) for number in numbers]
    if len(many) == 1:
        return f"row {many[0]}"
    if len(many) > most:
        return f"rows {', '.join(many[:most])} and {len(many) - most} more"
    return f"rows {', '.join(many[:-1])} and {many[-1]}"


def runs_said(many: int) -> str:
    """'1 run', '2 runs'."""
    return f"{many} run{'' if many == 1 else 's'}"
