"""One file per table in the table's own folder, in place of the small ones: `workbench store compact --replace`.

Rows that are final move: those of finished runs, their curves and measurements, and fits. A failed run keeps its small
files, as it may be tried again. The folder with the one file is made beside, checked, and put in place by two renames
(see swapping.py): cut short anywhere, the rows are in one folder or the other, and in no folder twice.
"""

import heapq
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import BadInput, WorkbenchError
from workbench.files import full_disk_in_words, sync
from workbench.store.aside import linked
from workbench.store.compaction import compacting, drop
from workbench.store.schema import TABLES
from workbench.store.snapshot import stamps, stem
from workbench.store.store import Store
from workbench.store.swapping import recover, swap
from workbench.store.tables import MERGED, keys_of, pieces_of, read_table, write_large


@dataclass(frozen=True)
class Replaced:
    """What was done for one table."""

    table: str
    files: int
    """Small files whose rows were moved."""
    kept: tuple[str, ...]
    """Small files that stay: of runs that failed, or that no row is of, or that cannot be read."""
    rows: int
    """Rows of the one file."""
    bytes: int
    seconds: float


def replace_small(store: Store) -> list[Replaced]:
    """Move the rows of small files into one file per table. Nobody else may use the store: plain readers could find a
    table's folder gone for a moment."""
    with compacting(store), store.alone(), full_disk_in_words(store.folder):
        runs = store.runs()
        final = frozenset(runs.loc[runs["status"] != "failed", "run_id"])
        return [_replace(store, table, final) for table in TABLES if (store.folder / table).is_dir()]


def _replace(store: Store, table: str, final: frozenset[str]) -> Replaced:
    started, folder = time.perf_counter(), store.folder
    recover(folder, table)
    found = stamps(folder, table)
    small = sorted(stem(name) for name in found if MERGED not in name)
    large = sorted(folder / table / name for name in found if MERGED in name)
    new, moved, counts = folder / f".new-{table}.tmp", list[str](), [0]
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    target = new / f"merged{MERGED}{table}.parquet"
    fresh = _final_pieces(store, table, small, final, moved, counts)
    again = [_counted(pieces_of(path, table, store.version), counts) for path in large]
    rows = write_large(target, table, store.version, heapq.merge(fresh, *again, key=lambda piece: piece[0]))
    kept = tuple(f"{key}.parquet" for key in small if key not in set(moved))
    if not moved:
        shutil.rmtree(new)
        size = sum(path.stat().st_size for path in large)
        return Replaced(table, 0, kept, rows, size, time.perf_counter() - started)
    _check(target, rows, counts[0])
    for name in kept:
        linked(folder / table / name, new / name)
    sync(target)
    sync(new)
    drop(store, table)
    new.rename(folder / f".new-{table}")
    swap(folder, table)
    size = (folder / table / target.name).stat().st_size
    return Replaced(table, len(moved), kept, rows, size, time.perf_counter() - started)


def _final_pieces(
    store: Store, table: str, keys: list[str], final: frozenset[str], moved: list[str], counts: list[int]
) -> Iterator[tuple[str, pa.Table]]:
    """The content of the small files that may move, each noted as it is read."""
    for key in keys:
        try:
            content = read_table(store.folder / table / f"{key}.parquet", table, store.version)
        except (BadInput, FileNotFoundError):
            continue
        if keys_of(table, content).unique().to_pylist() != [key]:
            continue  # no rows, or somebody else's
        if table != "fits" and content["run_id"][0].as_py() not in final:
            continue
        moved.append(key)
        counts[0] += len(content)
        yield key, content


def _counted(pieces: Iterator[tuple[str, pa.Table]], counts: list[int]) -> Iterator[tuple[str, pa.Table]]:
    for key, content in pieces:
        counts[0] += len(content)
        yield key, content


def _check(path: Path, rows: int, expected: int) -> None:
    """Read back what was written before anything is removed."""
    found = sum(len(batch) for batch in pq.ParquetFile(path).iter_batches())
    if not found == rows == expected:
        raise WorkbenchError(f"{path}: has {found} rows of {expected}; nothing was changed")
