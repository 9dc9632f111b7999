"""What the cells of any table mean: numbers, words, and how a run ended."""

import re

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.tables.checks import runs_said
from workbench.fitting.tables.columns import COLUMNS, CORE, meaning_of, plain_name

FINISHED = {"finished", "done", "completed", "complete", "success", "succeeded"}
UNFINISHED = {
    "crashed", "running", "failed", "killed", "pending", "preempting", "preempted", "scheduled", "diverged", "queued",
    "stopped", "cancelled", "canceled",
}  # fmt: skip
STATES = ("state", "status", "run_state")
"""Names of the column in which W&B ("State") and MLflow ("status") say how a run ended."""

COMMON = ("value", "chance")
"""Names that many tables give to something else."""

SCALES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}


def finished(table: pd.DataFrame, source: str, notes: list[str]) -> pd.DataFrame:
    """The runs that ended well, where a column says how each ended; a note says how many did not."""
    for column in table.columns:
        if not isinstance(column, str) or plain_name(column) not in STATES:
            continue
        said = table[column].astype("string").str.strip().str.lower()
        known = said.dropna()
        if known.empty or not known.isin(FINISHED | UNFINISHED).all():
            continue
        unfinished = said.isin(UNFINISHED).fillna(False).to_numpy(dtype=bool)
        if not unfinished.any():
            continue
        counted = ", ".join(f"{many} {state}" for state, many in said[unfinished].value_counts().sort_index().items())
        if unfinished.all():
            raise BadInput(f"{source} holds no finished run: {column} says {counted}.")
        notes.append(f"{runs_said(int(unfinished.sum()))} that did not finish left out ({column}: {counted}).")
        table = table[~unfinished]
    return table


def read_values(
    values: pd.Series, rows: np.ndarray, name: str, column: str, source: str, given: bool
) -> pd.Series | None:
    """A column as numbers (or as text where it is one); None where one that no one asked for means something else.

    It does where it is all text, or, of a name in `COMMON`, out of the range of what a law means by it.
    """
    if name in COLUMNS and COLUMNS[name].text:
        return _texts(values)
    is_bool = pd.api.types.is_bool_dtype(values)
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    broken = (numbers.isna() & values.notna()) | is_bool
    if not broken.any():
        other = name in COMMON and not given and meaning_of(name).wrong(numbers.to_numpy()).any()
        return None if other else numbers
    if broken[values.notna()].all() and not given and name in COLUMNS and name not in CORE:
        return None
    at = int(np.flatnonzero(broken.to_numpy())[0])
    text = str(values.iloc[at])
    ended = text.strip().lower() in UNFINISHED
    advice = f"; leave such runs out with --where 'TRY_CAST(\"{column}\" AS DOUBLE) IS NOT NULL'" if ended else ""
    raise BadInput(f"{source}, column {column}, row {rows[at]}: '{text}' is not a number{advice or _instead(text)}.")


def _texts(values: pd.Series) -> pd.Series:
    """Words as they are; whole numbers as their digits, whether or not a missing value made them floats."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.astype("string").astype(object).where(values.notna(), None)


def _instead(text: str) -> str:
    """The number that a person may have meant by '1.4B', '1,000,000' or '3,14'."""
    bare = re.sub(r"[\s_]", "", text)
    thousands = re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?", bare) is not None
    match = re.fullmatch(r"([-+]?[\d.]+(?:[eE][-+]?\d+)?)([kKmMbBgGtT]?)", bare.replace(",", "" if thousands else "."))
    try:
        return "" if match is None else f"; write {float(match[1]) * SCALES[match[2].lower()]:.12g}"
    except ValueError:
        return ""
