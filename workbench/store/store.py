"""A store: a folder of parquet tables, one file per run, that pandas, DuckDB and Polars read with no help from us.

store.json                      format and schema version
runs/<run_id>.parquet           one row; written last, so a run that is here is whole
curves/<run_id>.parquet         the run's curve
evals/<run_id>-<step>-<hash>.parquet
fits/<fit_id>.parquet
sweeps/<name>.json              manifests: which runs a sweep has, and how each was asked for
checkpoints/<run_id>/<step>/    weights
<table>/merged@<table>.parquet  in place of small files, where somebody had them replaced; see merging.py
.compact/                       copies for speed, which may be deleted; see snapshot.py
live/<run_id>.jsonl             the curve of a run in training; .log what its worker printed, .lock and .leases
                                whose it is
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa

from workbench.errors import BadInput, WorkbenchError
from workbench.files import alone, full_disk_in_words, prepared, put_new, remove_stale, sync, write_json
from workbench.store.marker import has_files, marker, read_version
from workbench.store.schema import SCHEMA_VERSION, TABLES, arrow_row, arrow_schema, arrow_table
from workbench.store.snapshot import Snapshot, merged_files, merged_keys, snapshot, sound
from workbench.store.sql import Part, filtered, selected
from workbench.store.streaming import Curve, curves_of
from workbench.store.swapping import recover
from workbench.store.tables import (
    MERGED,
    Writer,
    key_expression,
    pieces_of,
    read_large,
    read_table,
    read_tables,
    replace_piece,
    together,
    write_merged,
    write_small,
    write_table,
)

MANY = 64
"""More rows than that are read at once rather than one by one."""

RETRIES = 5

Result = TypeVar("Result")

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class AlreadyFinished(WorkbenchError):
    """The run is in the table for good; what was to be committed is not needed."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"{run_id} is finished already: its row and its curve stay as they are")


class Store:
    """Reads and appends. Every write is whole or absent; nothing is ever written outside the folder."""

    def __init__(self, folder: str | Path) -> None:
        """Open an existing store; a folder that is none, or one of a newer schema, is `BadInput`."""
        self.folder = Path(folder)
        self.version = read_version(self.folder)
        """The schema version that its files have; see schema.py."""

    @classmethod
    def create(cls, folder: str | Path) -> "Store":
        """Open a store, making it where there is none; a folder that holds something else is refused."""
        path = Path(folder)
        if not (path / "store.json").exists():
            with full_disk_in_words(path):
                if path.exists() and not path.is_dir():
                    raise BadInput(f"{path}: is a file; a store is a folder")
                if path.is_dir() and any(not entry.name.startswith(".") for entry in path.iterdir()):
                    if has_files(path):
                        read_version(path)  # says what brings store.json back
                    raise BadInput(f"{path}: the folder is not empty and not a store; choose another")
            write_json(path / "store.json", marker())
        with alone(path / ".lock"):
            for table in TABLES:
                recover(path, table)
                (path / table).mkdir(exist_ok=True)
        for folder in (*TABLES, "sweeps"):
            remove_stale(path / folder)
        return cls(path)

    # Reading

    def runs(self, where: str | None = None) -> pd.DataFrame:
        """One row per run, oldest id first; `where` is a DuckDB boolean expression over the columns."""
        return self._read("runs", where)

    def curves(self, run_id: str | None = None, where: str | None = None) -> pd.DataFrame:
        """Rows of the training curves, of one run or of all."""
        if run_id is None:
            return self._read("curves", where)
        return retried(lambda: self._of_keys("curves", [run_id], where)).to_pandas()

    def each_curve(
        self, columns: Sequence[str], reduce: Callable[[Curve], Result], run_ids: Iterable[str] | None = None
    ) -> dict[str, Result]:
        """Run id → what `reduce` makes of these columns of its curve; the curves are never held together."""
        wanted = None if run_ids is None else frozenset(run_ids)
        return self._answered(
            lambda copies: {
                run_id: reduce(curve)
                for run_id, curve in curves_of(snapshot(self.folder, "curves", copies), columns, self.version, wanted)
            }
        )

    def evals(self, where: str | None = None) -> pd.DataFrame:
        """Measurements of trained models."""
        return self._read("evals", where)

    def fits(self, where: str | None = None) -> pd.DataFrame:
        """Fits, their records as JSON."""
        return self._read("fits", where)

    def sweeps(self) -> list[dict[str, Any]]:
        """The manifests, by name."""
        return [self.manifest(path.stem) for path in sorted((self.folder / "sweeps").glob("[!.]*.json"))]

    def manifest(self, name: str) -> dict[str, Any]:
        """One sweep's manifest."""
        path = self.folder / "sweeps" / f"{checked(name, 'sweep')}.json"
        try:
            document: dict[str, Any] = json.loads(path.read_text())
        except FileNotFoundError:
            known = ", ".join(file.stem for file in sorted((self.folder / "sweeps").glob("[!.]*.json"))) or "none"
            raise BadInput(f"{self.folder}: no sweep named {name!r}; the sweeps here are: {known}") from None
        except json.JSONDecodeError as error:
            raise BadInput(f"{path}: not valid JSON ({error}); run the sweep again to write it anew") from error
        if not isinstance(document, dict) or not isinstance(document.get("runs"), list):
            raise BadInput(
                f"{path}: not a sweep's manifest, which lists its runs; run the sweep again to write it anew"
            )
        return document

    def has_run(self, run_id: str) -> bool:
        """Whether a run has a row, which is written last: it is whole, though it may be one that failed."""
        return self._has("runs", run_id)

    def finished(self, run_id: str) -> bool:
        """Whether the run is in the table for good; a failed one is not, as it may be tried again."""
        # Asked several times for each run: without the way through pandas, which takes longer than the file.
        rows = retried(lambda: self._of_keys("runs", [run_id], None))
        return any(status != "failed" for status in rows["status"].to_pylist())

    def runs_by_id(self, run_ids: Iterable[str]) -> pd.DataFrame:
        """The rows of those of the runs that are finished, in the order asked."""
        wanted = list(dict.fromkeys(run_ids))
        if len(wanted) > MANY:
            runs = self.runs().set_index("run_id", drop=False)
            return runs.loc[[run_id for run_id in wanted if run_id in runs.index]].reset_index(drop=True)
        found = retried(lambda: self._of_keys("runs", wanted, None)).to_pandas()
        order = found["run_id"].map({run_id: place for place, run_id in enumerate(wanted)})
        return found.loc[order.sort_values().index].reset_index(drop=True)

    def run(self, prefix: str) -> "pd.Series[Any]":
        """The row of the run whose id is, or uniquely begins with, `prefix`."""
        runs = self.runs()
        found = runs[runs["run_id"].str.startswith(prefix)] if prefix else runs.iloc[:0]
        if len(found) != 1:
            what = "no run" if found.empty else f"{len(found)} runs"
            raise BadInput(
                f"{self.folder}: {what} with an id that begins with {prefix!r}; "
                f"the files in {self.folder / 'runs'} are named by their ids"
            )
        return found.iloc[0]

    def checkpoints(self, run_id: str) -> Path:
        """The folder of a run's checkpoints."""
        return self.folder / "checkpoints" / checked(run_id, "run id")

    def live(self, run_id: str) -> Path:
        """The file to which a run in training appends its curve."""
        return self.folder / "live" / f"{checked(run_id, 'run id')}.jsonl"

    def output(self, name: str) -> Path:
        """The file to which the worker of a run, or of a pack, prints; it goes when the run is done."""
        return self.folder / "live" / f"{checked(name, 'run id')}.log"

    # Appending

    def write_run(self, row: dict[str, Any], curve: pd.DataFrame) -> None:
        """Commit a run: its curve, then its row, once: a failed run may be committed again, another never is.

        Raises `AlreadyFinished` where it is in the table for good. Between processes that share locks the two files are
        always of one commit; without, the row still is the first one's.
        """
        run_id = str(row["run_id"])
        new_row = self._writer(arrow_row("runs", row, self.version))
        new_curve = arrow_table("curves", curve.assign(run_id=run_id), self.version)
        retried(lambda: self._commit(run_id, new_row, new_curve))

    def _commit(self, run_id: str, new_row: Writer, curve: pa.Table) -> None:
        row_path, curve_path = self._path("runs", run_id), self._path("curves", run_id)
        new_curve = self._writer(curve)
        with prepared(curve_path, new_curve) as its_curve, prepared(row_path, new_row) as its_row, self.alone():
            if self.finished(run_id):
                raise AlreadyFinished(run_id)
            if merged := self._merged_curve(run_id):
                replace_piece(merged, "curves", self.version, run_id, curve)
            else:
                its_curve.replace(curve_path)
                sync(curve_path.parent)
            if row_path.exists():
                its_row.replace(row_path)
            else:
                try:
                    put_new(its_row, row_path)
                except FileExistsError:
                    raise AlreadyFinished(run_id) from None
            sync(row_path.parent)

    def _merged_curve(self, run_id: str) -> Path | None:
        """The merged file that has a run's curve, though the run is not finished: its row was lost."""
        wanted = key_expression("curves").isin([run_id])
        for path in merged_files(self.folder, "curves"):
            with suppress(BadInput):  # a torn file is for `repair`, and no reason to lose this run
                if len(read_large(path, "curves", self.version, wanted)):
                    return path
        return None

    def write_evals(self, run_id: str, step: int, frame: pd.DataFrame) -> None:
        """Record measurements: one file per probe, over an older one of the same probe and settings."""
        for probe_hash, rows in frame.assign(run_id=run_id, step=step).groupby("probe_hash"):
            self._write("evals", f"{run_id}-{step}-{probe_hash}", rows)

    def write_fit(self, record: dict[str, Any]) -> str:
        """Record a fit (`Fit.to_dict()`); returns its id. The same fit again is the same file."""
        text = json.dumps(record, sort_keys=True)
        fit_id = "f-" + hashlib.sha256(text.encode()).hexdigest()[:12]
        row = {name: record.get(name) for name in ("law", "objective", "objective_value", "n_points", "convention")}
        row |= {"fit_id": fit_id, "created_at": now(), "record": text}
        if not self._has("fits", fit_id):
            self._write("fits", fit_id, pd.DataFrame([row]))
        return fit_id

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Write a sweep's manifest."""
        write_json(self.folder / "sweeps" / f"{checked(str(manifest['name']), 'sweep')}.json", manifest)

    def migrate(self) -> int:
        """Bring an older store to this version's columns; returns how many files were written anew.

        Nobody else may use the store meanwhile. Interrupted, it is still the older store, and can be migrated again.
        """
        files = [
            (table, file)
            for table, columns in TABLES.items()
            if any(column.since > self.version for column in columns)
            for file in self._files(table)
        ]
        for table, file in files:
            if MERGED in file.name:
                write_merged(file, table, pieces_of(file, table, self.version))
            else:
                write_table(file, read_table(file, table, self.version))
        if self.version < SCHEMA_VERSION:
            self.version = SCHEMA_VERSION
            write_json(self.folder / "store.json", marker())
        return len(files)

    # Files

    def _files(self, table: str) -> list[Path]:
        return sorted((self.folder / table).glob("[!.]*.parquet"))

    def _has(self, table: str, key: str) -> bool:
        return self._path(table, key).is_file() or key in merged_keys(self.folder, table)

    def _path(self, table: str, stem: str) -> Path:
        return self.folder / table / f"{checked(stem, 'name')}.parquet"

    def _write(self, table: str, stem: str, frame: pd.DataFrame) -> None:
        content = arrow_table(table, frame, self.version)
        retried(lambda: self._put(table, stem, content))

    def _put(self, table: str, key: str, content: pa.Table) -> None:
        path = self._path(table, key)
        with prepared(path, lambda temporary: write_small(temporary, content)) as temporary, self.alone():
            for merged in merged_files(self.folder, table) if key in merged_keys(self.folder, table) else ():
                replace_piece(merged, table, self.version, key, content)
                return
            temporary.replace(path)
            sync(path.parent)

    @staticmethod
    def _writer(content: pa.Table) -> Writer:
        return lambda path: write_small(path, content)

    @contextmanager
    def alone(self, recovering: bool = True) -> Iterator[None]:
        """Held while files are put in place, so that what one commit looked at is still so when it acts."""
        with alone(self.folder / ".lock"):
            for table in TABLES if recovering else ():
                recover(self.folder, table)
            yield

    def _read(self, table: str, where: str | None) -> pd.DataFrame:
        return self._answered(lambda copies: self._rows(table, where, copies)).to_pandas()

    def _answered(self, act: Callable[[bool], Result]) -> Result:
        """What `act` returns, from compacted copies, or without where these turn out to be damaged."""
        try:
            return retried(lambda: act(True))
        except BadInput:
            if sound(self.folder):
                raise
            return retried(lambda: act(False))

    def _rows(self, table: str, where: str | None, copies: bool = True) -> pa.Table:
        """Every row, or those for which an expression holds, in the order of keys."""
        files, small = self.parts(table, copies)
        if where is not None:
            return together(table, [filtered((files, small), where).cast(arrow_schema(table))])
        large = [read_large(path, table, self.version) for path in files.merged]
        if files.copy:
            large.append(read_large(files.copy, table, self.version, files.rows_of_copy()))
        return together(table, [*large, small])

    def parts(self, table: str, copies: bool = True) -> Part:
        """The files of a table at this moment, and the content of those that are to be read one by one."""
        files = snapshot(self.folder, table, copies)
        tables = read_tables(files.small, table, self.version)
        return files, pa.concat_tables(tables) if tables else arrow_schema(table).empty_table()

    def query(self, text: str) -> pa.Table:
        """The result of one SELECT of DuckDB's over the views runs, curves, evals and fits."""
        return self._answered(lambda copies: selected(text, TABLES, lambda table: self.parts(table, copies)))

    def _of_keys(self, table: str, keys: list[str], where: str | None) -> pa.Table:
        """The rows of a few keys: from their own files, or from the row groups of the merged ones that have them."""
        tables = [read_table(path, table, self.version) for key in keys if (path := self._path(table, key)).is_file()]
        merged = merged_files(self.folder, table)
        if merged and len(tables) < len(keys):
            wanted = key_expression(table).isin(keys)
            tables += [read_large(path, table, self.version, wanted) for path in merged]
        rows = together(table, tables)
        if where is not None:
            files = Snapshot(table, (), None, (), ())
            rows = filtered((files, rows), where).cast(arrow_schema(table))
        return rows


def retried(act: Callable[[], Result]) -> Result:
    """What `act` returns, done again where a file went away between being listed, or made, and being used."""
    for _ in range(RETRIES):
        try:
            return act()
        except FileNotFoundError:
            time.sleep(0.01)
    return act()


def checked(name: str, what: str) -> str:
    """`name`, if it is fit to be a file's name inside the store."""
    if not NAME.fullmatch(name):
        raise BadInput(f"{what} {name!r}: use letters, digits, '.', '_' and '-', beginning with a letter or digit")
    return name


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
