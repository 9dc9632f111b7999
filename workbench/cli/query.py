"""`workbench query "SELECT …"`: a question in SQL to a store's tables."""

import csv
import sys
from pathlib import Path

import click

from workbench.cli.output import emit, json_option, note
from workbench.cli.sweep_options import store_option
from workbench.errors import BadInput

SHOWN_ROWS = 40
"""Rows printed for a person."""

SHOWN_LETTERS = 32
"""Letters of a value printed for a person."""


@click.command()
@click.argument("sql")
@store_option
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV alone on stdout.")
def command(sql: str, store_path: Path, as_json: bool, as_csv: bool) -> None:
    """Ask a store one SELECT of DuckDB's SQL over its tables: runs, curves, evals, fits; docs/store.md lists columns.

    Only read: nothing is written, and no other file can be opened. What is missing is null. Exit codes: 0 done, 2 bad
    input.
    """
    from workbench.store import Store

    if as_json and as_csv:
        raise BadInput("--json and --csv: choose one")
    found = Store(store_path).query(sql)
    names = found.column_names
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        for batch in found.to_batches():
            writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
        return

    def text() -> None:
        if not len(found):
            click.echo("no rows")
            return
        shown = found.slice(0, SHOWN_ROWS)
        columns = [[_short(value) for value in column.to_pylist()] for column in shown.columns]
        widths = [max(len(name), *map(len, column)) for name, column in zip(names, columns, strict=True)]
        numbers = [
            str(kind) in ("int64", "int32", "double", "float") or "decimal" in str(kind) for kind in found.schema.types
        ]
        for line in [names, *zip(*columns, strict=True)]:
            cells = (
                f"{cell:>{width}}" if number else f"{cell:<{width}}"
                for cell, width, number in zip(line, widths, numbers, strict=True)
            )
            click.echo("  ".join(cells).rstrip())
        if len(found) > SHOWN_ROWS:
            note(f"{SHOWN_ROWS} of {len(found):,} rows; --csv and --json print all of them.")

    emit(as_json, found.to_pylist(), text)


def _short(value: object) -> str:
    """A value in the width of a column."""
    if value is None:
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value).replace("\n", " ")
    return text if len(text) <= SHOWN_LETTERS else text[: SHOWN_LETTERS - 1] + "…"
