"""Compacted copies: one sorted file per table under .compact/, for `Store` to read in place of thousands of small ones.

The small files stay, and stay the truth. A copy is written under a name made of its content, then the index is replaced
in one stroke; whoever reads meanwhile has the old copy, which goes only with the next compaction. Killed at any moment,
a compaction leaves at most a temporary file.
"""

import heapq
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.errors import BadInput
from workbench.files import alone_or_none, checksum, full_disk_in_words, prepared, sync, write_json
from workbench.store.schema import TABLES
from workbench.store.snapshot import Index, Stamp, changed_at, read_index, snapshot, stamps, stem
from workbench.store.store import Store
from workbench.store.tables import keys_of, pieces_of, read_table, write_large

TICK_NS = 20_000_000
"""A file system may not tell two changes apart that are this close: a file as young as that is not copied."""

COARSE_NS = 2_100_000_000
"""The same where times are whole seconds, or every second one."""

Piece = tuple[str, pa.Table]


@dataclass(frozen=True)
class Compacted:
    """What was done for one table."""

    table: str
    files: int
    """Small files in the copy."""
    rows: int
    bytes: int
    """Size of the copy."""
    left_out: tuple[str, ...]
    """Small files that are read by themselves: unreadable, of another name than their rows, or just being replaced."""
    seconds: float


def compact(store: Store, tables: tuple[str, ...] = tuple(TABLES)) -> list[Compacted]:
    """Bring the compacted copies up to date. Anybody may read and write the store meanwhile."""
    with compacting(store):
        return [_compact(store, table) for table in tables if stamps(store.folder, table)]


@contextmanager
def compacting(store: Store) -> Iterator[None]:
    """Be the only one who changes .compact/."""
    folder = store.folder / ".compact"
    with full_disk_in_words(folder):
        folder.mkdir(exist_ok=True)
    with alone_or_none(folder / ".lock") as ours:
        if not ours:
            raise BadInput(f"{store.folder}: is being compacted by another process; wait for it to end")
        for path in folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)
        yield


def drop(store: Store, table: str) -> None:
    """Forget the copy of a table."""
    folder = store.folder / ".compact"
    (folder / f"{table}.json").unlink(missing_ok=True)
    for path in folder.glob(f"{table}-*.parquet"):
        path.unlink(missing_ok=True)


def _compact(store: Store, table: str) -> Compacted:
    started, folder = time.perf_counter(), store.folder / ".compact"
    time.sleep(2 * TICK_NS / 1e9)  # so that what was written just before the call is old enough
    settled = _settled(store, table)
    before, old = snapshot(store.folder, table), read_index(store.folder, table)
    if old and before.current:
        if old.folder != settled and not before.merged:
            write_json(folder / f"{table}.json", _document(old.file.name, old.rows, old.sha256, old.stamps, settled))
        return Compacted(table, len(old.stamps), old.rows, old.file.stat().st_size, (), time.perf_counter() - started)
    kept: dict[str, Stamp] = {}
    if old and before.copy:
        kept = {name: stamp for name, stamp in old.stamps.items() if stem(name) not in set(before.without)}
    copied: dict[str, Stamp] = {}
    written = [0]

    def write(temporary: Path) -> None:
        fresh = _small_pieces(store, table, [path.name for path in before.small], copied)
        again = _kept_pieces(store, table, old, set(before.without)) if kept and old else iter(())
        pieces = heapq.merge(fresh, again, key=lambda piece: piece[0])
        written[0] = write_large(temporary, table, store.version, pieces)

    with prepared(folder / f"{table}.parquet", write) as temporary:
        digest = str(checksum(temporary))
        final = folder / f"{table}-{digest[:16]}.parquet"
        size = temporary.stat().st_size
        temporary.replace(final)
        sync(folder)
    held = kept | copied
    whole = not before.merged and held.keys() == stamps(store.folder, table).keys()
    document = _document(final.name, written[0], digest, held, settled if whole else None)
    write_json(folder / f"{table}.json", document)
    for path in folder.glob(f"{table}-*.parquet"):
        if path != final and (old is None or path != old.file):
            path.unlink(missing_ok=True)
    left_out = tuple(path.name for path in before.small if path.name not in copied)
    seconds = time.perf_counter() - started
    return Compacted(table, len(held), written[0], size, left_out, seconds)


def _small_pieces(store: Store, table: str, names: list[str], copied: dict[str, Stamp]) -> Iterator[Piece]:
    """The content of small files, each noted in `copied` as it was while it was read."""
    folder = store.folder / table
    newest = _clock(store.folder / ".compact")
    for name in names:
        try:
            stamp = _stamp(folder / name)
            content = read_table(folder / name, table, store.version)
            if _stamp(folder / name) != stamp:
                continue
        except (BadInput, FileNotFoundError):
            continue
        if not _old_enough(stamp[1], newest):
            continue
        if keys_of(table, content).unique().to_pylist() not in ([stem(name)], []):
            continue
        copied[name] = stamp
        yield stem(name), content


def _document(file: str, rows: int, digest: str, held: Mapping[str, Stamp], settled: int | None) -> dict[str, Any]:
    """An index as JSON."""
    return {"file": file, "rows": rows, "sha256": digest, "files": held, "folder": settled}


def _settled(store: Store, table: str) -> int | None:
    """The time of the table's folder, if it would change with whatever is done to the folder from now on."""
    changed = changed_at(store.folder / table)
    return changed if changed is not None and _old_enough(changed, _clock(store.folder / ".compact")) else None


def _old_enough(changed: int, now: int) -> bool:
    """Whether a later change could not have the same time."""
    return now - changed >= (COARSE_NS if changed % 1_000_000_000 == 0 else TICK_NS)


def _kept_pieces(store: Store, table: str, old: Index, without: set[str]) -> Iterator[Piece]:
    """What the last copy holds and is still so."""
    return (piece for piece in pieces_of(old.file, table, store.version) if piece[0] not in without)


def _stamp(path: Path) -> Stamp:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _clock(folder: Path) -> int:
    """The time by the file system's own clock, ns."""
    probe = folder / ".clock.tmp"
    probe.write_bytes(b"")
    try:
        return probe.stat().st_mtime_ns
    finally:
        probe.unlink(missing_ok=True)
