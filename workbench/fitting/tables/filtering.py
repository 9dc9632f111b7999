"""The rows for which an expression is true: DuckDB decides, and what it objects to is said in our own sentence."""

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.tables.columns import listed
from workbench.words import meant

if TYPE_CHECKING:
    import duckdb


def filtered(table: pd.DataFrame, where: str | None, source: str = "the table") -> pd.DataFrame:
    """The rows for which a DuckDB boolean expression over the table's columns is true, in their order."""
    if where is None or not where.strip():
        return table
    import duckdb

    plain = table.loc[:, [column for column in table.columns if isinstance(column, str)]]
    rows = plain.assign(_row=np.arange(len(plain)))
    with duckdb.connect(":memory:", config={"enable_external_access": "false", "threads": "1"}) as database:
        database.register("source", rows)
        database.execute("SET lock_configuration = true")
        try:
            # As a column rather than spliced after WHERE, the text can only be one expression; on lines of its own,
            # an error's line says whether it is in the expression or at its end.
            found = database.execute(f"SELECT _row, CAST((\n{where}\n) AS BOOLEAN) AS keep FROM source").fetchnumpy()
        except duckdb.Error as error:
            raise BadInput(
                f"where is '{' '.join(where.split())}', {_objection(error, where, plain, source)}"
            ) from error
    if len(found["_row"]) != len(table):
        raise BadInput(f"where is '{where}', which does not give one answer for each row; compare columns and numbers.")
    keep = np.zeros(len(table), dtype=bool)
    chosen = np.ma.filled(np.ma.asarray(found["keep"]), False).astype(bool)
    keep[found["_row"][chosen]] = True
    if not keep.any():
        raise BadInput(f"where is '{where}', which no row of {source} satisfies.")
    return table[keep]


def _objection(error: "duckdb.Error", where: str, table: pd.DataFrame, source: str) -> str:
    """What is wrong with an expression, in one clause."""
    text = str(error)
    columns = f"the columns of {source} are {listed(list(table.columns))}."
    if match := re.search(r'Referenced column "(.*?)" not found|does not have a column named "(.*?)"', text):
        name = match[1] or match[2]
        return f"which names the column {name}; {_intended(name, where, table, columns)}"
    if "unterminated" in text:
        return "in which a quote or a comment is not closed."
    if match := re.search(r'syntax error at or near "(.*?)"', text, re.DOTALL):
        line = re.search(r"^LINE (\d+):", text, re.MULTILINE)
        at_end = line is not None and int(line[1]) > len(where.split("\n")) + 1
        place = "at its end" if at_end else f"near '{match[1]}'"
        return f'which has a syntax error {place}; write an expression such as "{_example(table)}".'
    if match := re.search(r"Function with name (\S+) does not exist", text):
        return f"which calls {match[1]}, and there is no such function."
    if match := re.search(r"Could not convert string '(.*?)' to (\S+)", text, re.DOTALL):
        kind = "neither true nor false" if match[2].startswith("BOOL") else "no number"
        return f"in which the text '{match[1]}' is {kind}; {columns}"
    if "Cannot compare values" in text or "No function matches" in text:
        return f"which compares or combines text with numbers; {columns}"
    if "GROUP BY" in text or "aggregate" in text:
        return "which sums over rows; it must be true or false for each row by itself."
    if "Permission" in text or "disabled by configuration" in text or "Table with name" in text:
        return f"which reads something else than the table; {columns}"
    if "were not provided" in text:
        return f"which holds a placeholder (? or $); write the value itself, and {columns}"
    return f"which is no boolean expression; {columns}"


def _example(table: pd.DataFrame) -> str:
    """An expression over columns that are there."""
    size = next((f"{name} > 1e6" for name in ("n", "n_params") if name in table), "")
    parts = [*(["loss < 4"] if "loss" in table else []), *([size] if size else [])]
    return " AND ".join(parts) or f"{table.columns[0]} IS NOT NULL"


def _intended(name: str, where: str, table: pd.DataFrame, columns: str) -> str:
    """What was likely meant by a name that is no column, a text without its quotes or a column misspelt; else which
    there are."""
    compared = re.search(rf"(\w+)\s*(=|==|!=|<>)\s*{re.escape(name)}(?![\w.])", where)
    if compared and compared[1] in table and not pd.api.types.is_numeric_dtype(table[compared[1]]):
        return f"a text stands in quotes: {compared[1]} {compared[2]} '{name}'."
    said = meant(name, [str(column) for column in table.columns])
    return f"{said}{columns[0].upper()}{columns[1:]}" if said else columns
