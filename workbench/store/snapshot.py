"""Which files a table is to be read from at this moment, so that every row is seen once.

.compact/<table>.json           names the compacted copy, and every small file that it holds, with size and time
.compact/<table>-<hash>.parquet the copy: it never changes; a newer one has another name

A small file that is as the index says is read from the copy; one that is new or was replaced, from itself; rows of
the copy whose file has changed or is gone are left out. A copy that is behind is never wrong, and may be deleted; one
that is damaged is not used.

Files come, go and are replaced by renames, which the folder's own time tells. Where that is still what it was when all
files were in the copy, none of them is looked at: of 10,000 that would be most of the time that their rows take.
"""

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from workbench.errors import BadInput
from workbench.files import checksum
from workbench.store.tables import KEYS, MERGED, key_expression, keys_of, unreadable_in_words

Stamp = tuple[int, int]
"""Size in bytes and time of the last change in ns: a file that is replaced gets another."""


@dataclass(frozen=True)
class Index:
    """What a compacted copy holds."""

    file: Path
    rows: int
    sha256: str
    stamps: dict[str, Stamp]
    """Name of a small file → what it was when it was copied."""
    folder: int | None = None
    """Time of the folder's last change, where the copy held every file of it and nothing had just changed."""


@dataclass(frozen=True)
class Snapshot:
    """The files of one table."""

    table: str
    merged: tuple[Path, ...]
    """Files of many runs in the table's own folder."""
    copy: Path | None
    """The compacted copy."""
    without: tuple[str, ...]
    """Keys in the copy whose files have changed since, or are gone."""
    small: tuple[Path, ...]
    """What is to be read besides, in the order of keys."""

    @property
    def current(self) -> bool:
        """Whether the copy holds every small file as it is."""
        return not self.without and not self.small

    def rows_of_copy(self) -> pc.Expression | None:
        """Those of the copy that count."""
        return ~key_expression(self.table).isin(list(self.without)) if self.without else None


def snapshot(folder: Path, table: str, copies: bool = True) -> Snapshot:
    """The files of a table of the store in `folder`, the small ones alone if `copies` is false."""
    index = read_index(folder, table)
    if index and not (copies and _whole(index)):
        index = None
    if index and index.folder is not None and changed_at(folder / table) == index.folder:
        return Snapshot(table, (), index.file, (), ())
    found = stamps(folder, table)
    merged = sorted(name for name in found if MERGED in name)
    known = index.stamps if index else {}
    small = sorted(stem(name) for name, stamp in found.items() if MERGED not in name and known.get(name) != stamp)
    gone = sorted(stem(name) for name, stamp in known.items() if found.get(name) != stamp)
    of_table = folder / table
    return Snapshot(
        table,
        tuple(of_table / name for name in merged),
        index.file if index and len(gone) < len(known) else None,
        tuple(gone),
        tuple(of_table / f"{name}.parquet" for name in small),
    )


def read_index(folder: Path, table: str) -> Index | None:
    """The index of the compacted copy; none where there is none that can be read: the copy is then not used."""
    try:
        document = json.loads((folder / ".compact" / f"{table}.json").read_text())
        file = folder / ".compact" / Path(str(document["file"])).name
        files = {str(name): (int(size), int(time)) for name, (size, time) in document["files"].items()}
        changed = document.get("folder")
        at = None if changed is None else int(changed)
        return Index(file, int(document["rows"]), str(document["sha256"]), files, at) if file.is_file() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _whole(index: Index) -> bool:
    """Whether the copy is a parquet file of as many rows as were copied; a torn one is not used."""
    try:
        state = index.file.stat()
        return _rows(index.file, state.st_size, state.st_mtime_ns) == index.rows
    except OSError:
        return False


@lru_cache(maxsize=16)
def _rows(path: Path, *_: int) -> int | None:
    """How many rows a parquet file says it has, as it was at a time; none where it says nothing."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        return None


def sound(folder: Path) -> bool:
    """Whether every compacted copy is what was written, bit for bit."""
    indices = [read_index(folder, table) for table in KEYS]
    return all(checksum(index.file) == index.sha256 for index in indices if index)


def changed_at(folder: Path) -> int | None:
    """The time of a folder's last change, ns."""
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def stamps(folder: Path, table: str) -> dict[str, Stamp]:
    """The parquet files of a table, temporaries left out."""
    found: dict[str, Stamp] = {}
    try:
        entries = os.scandir(folder / table)
    except FileNotFoundError:
        if (folder / f".old-{table}").exists():
            raise BadInput(
                f"{folder / table}: a replacement was interrupted between two files; "
                f"mend it with `workbench store repair {folder}`"
            ) from None
        return found
    with entries:
        for entry in entries:
            if entry.name.endswith(".parquet") and not entry.name.startswith("."):
                try:
                    state = entry.stat()
                except FileNotFoundError:  # removed just now
                    continue
                found[entry.name] = (state.st_size, state.st_mtime_ns)
    return found


def stem(name: str) -> str:
    """The key that a small file's name says."""
    return name.removesuffix(".parquet")


def merged_files(folder: Path, table: str) -> list[Path]:
    """Files of many runs in a table's folder."""
    return sorted((folder / table).glob(f"[!.]*{MERGED}*.parquet"))


def merged_keys(folder: Path, table: str) -> frozenset[str]:
    """Every key in files of many runs."""
    paths = merged_files(folder, table)
    return frozenset().union(*(_keys(path, path.stat().st_mtime_ns, table) for path in paths))


@lru_cache(maxsize=16)
def _keys(path: Path, _: int, table: str) -> frozenset[str]:
    """Of one file, as it was at a time."""
    with unreadable_in_words(path, table):
        content = ds.dataset(path, format="parquet").to_table(columns=list(KEYS[table]))
    return frozenset(keys_of(table, content).unique().to_pylist())
