"""A file of runs as a plain table: CSV, TSV, parquet or JSON lines; what makes it no table is said in one sentence."""

import ast
import csv
import io
import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.tables.columns import listed

SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")
NUMBER = re.compile(r"[-+]?[\d.]+([eE][-+]?\d+)?")
SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'", ",": "','"}


def read_file(path: Path) -> pd.DataFrame:
    """The columns of a table file as they are, rows in their order."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInput(f"{path} ends in '{path.suffix}'; a table must be {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty; a table needs a header and rows.")
    if suffix == ".parquet":
        frame = _parquet(path)
    elif suffix in (".jsonl", ".ndjson"):
        frame = _json_lines(path)
    else:
        frame = _separated(path, "," if suffix == ".csv" else "\t")
    if frame.empty:
        raise BadInput(f"{path} has a header but no rows; a fit needs runs.")
    return _unfolded(frame, path)


def _parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        _unique(schema.names, path)
        frame = pd.read_parquet(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read as parquet: it is not a whole parquet file.") from error
    return frame.reset_index(drop=frame.index.names == [None])


def _separated(path: Path, separator: str) -> pd.DataFrame:
    text = _text(path)
    if "\0" in text:
        raise BadInput(f"{path} holds binary data; a table must be plain text.")
    try:
        rows = _rows(text, separator)
        header = next(rows, [])
        if not header:
            raise BadInput(f"{path} is empty; a table needs a header and rows.")
        if len(header) == 1:
            _refuse_separator(path, header[0], separator)
        if all(NUMBER.fullmatch(name.strip()) for name in header):
            said = listed(header)
            raise BadInput(f"{path} has no header: its first row is {said}; name the columns in the first line.")
        _unique(header, path)
        for number, row in enumerate(rows, start=1):
            if len(row) > len(header):  # it would shift values under the wrong names
                raise BadInput(
                    f"{path}, row {number} has {len(row)} values where the header names {len(header)} columns; "
                    f"quote values that hold {SEPARATORS[separator]}."
                )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # words among numbers are refused by their row
            warnings.simplefilter("ignore", DeprecationWarning)  # pandas 3.1 reads floats exactly without being asked
            return pd.read_csv(io.StringIO(text), sep=separator, float_precision="round_trip", index_col=False)
    except (pd.errors.ParserError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read as {path.suffix[1:].lower()}: a quote is not closed.") from error


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    """The rows that are not blank, the header first."""
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    return (row for row in rows if len(row) > 1 or (row and row[0].strip()))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text; a table must be saved as plain UTF-8.") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error


def _refuse_separator(path: Path, header: str, separator: str) -> None:
    """One column whose name holds another separator is a table separated by it."""
    other = next((sign for sign in SEPARATORS if sign != separator and sign in header), None)
    if other is None:
        return
    right = "name it .tsv" if other == "\t" else "name it .csv" if other == "," else "separate with ','"
    decimals = " and write decimals with a point" if other == ";" else ""
    raise BadInput(
        f"{path} is separated by {SEPARATORS[other]} where a {path.suffix.lower()} file has "
        f"{SEPARATORS[separator]}; {right}{decimals}."
    )


def _json_lines(path: Path) -> pd.DataFrame:
    records: list[dict[str, Any]] = []
    for line in _text(path).split("\n"):
        if line.strip():
            records.append(flat(_record(line, f"{path}, row {len(records) + 1}")))
    if not records:
        raise BadInput(f"{path} is empty; a table needs rows.")
    return pd.DataFrame(records)


def _record(line: str, place: str) -> dict[str, Any]:
    """The object on one line."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice = [name for name, many in Counter(name for name, _ in pairs).items() if many > 1]
        if twice:
            raise BadInput(f"{place} has the key '{twice[0]}' twice; each column needs its own name.")
        return dict(pairs)

    try:
        record = json.loads(line, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise BadInput(f'{place} is not JSON; each line must be one object such as {{"n": 1e6}}.') from error
    if not isinstance(record, dict):
        raise BadInput(f'{place} is {line.strip()[:40]}; each line must be one object such as {{"n": 1e6}}.')
    return record


def _unique(names: Iterable[str], path: Path) -> None:
    twice = [name for name, many in Counter(name for name in names if name.strip()).items() if many > 1]
    if twice:
        raise BadInput(f"{path} has the column '{twice[0]}' twice; each column needs its own name.")


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values as one level, their names joined by '/'; lists are left out, for no column holds one."""
    found: dict[str, Any] = {}
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            found |= flat(value, f"{name}/")
        elif not isinstance(value, list | tuple):
            found[name] = value
    return found


def _unfolded(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The table that W&B's documentation exports holds whole runs in two cells, `summary` and `config`: spread them."""
    folded = [
        name
        for name in ("config", "summary")
        if name in frame and frame[name].map(lambda cell: isinstance(cell, str) and cell.startswith("{")).all()
    ]
    if not folded:
        return frame
    records: list[dict[str, Any]] = []
    for number, row in enumerate(frame[folded].itertuples(index=False), start=1):
        record: dict[str, Any] = {}
        for name, cell in zip(folded, row, strict=True):
            # repr() of a float that is no number is not a literal
            text = re.sub(r"(?<=[:\s,\[])(-?)(nan|inf)(?=[,}\]])", "None", str(cell))
            try:
                record |= flat(ast.literal_eval(text))
            except (ValueError, SyntaxError) as error:
                raise BadInput(f"{path}, column {name}, row {number} is no dictionary of values.") from error
        records.append(record)
    spread = pd.DataFrame(records, index=frame.index)
    rest = [name for name in frame.columns if name not in folded and name not in spread]
    return pd.concat([frame[rest], spread], axis=1)
