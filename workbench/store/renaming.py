"""Files of a table whose names are not those of their rows: each gets its rows' name, or goes where they are twice.

A row that is in another file of its right name, or in a merged one, stays there, and the misnamed file is set aside;
one that is nowhere else gets its name. Cut short, a row may be in two files, which the next repair sees and ends.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import BadInput
from workbench.files import sync
from workbench.store.aside import aside
from workbench.store.snapshot import merged_keys, stem
from workbench.store.store import NAME, Store
from workbench.store.tables import as_written, keys_of, read_table, write_table


def rename(store: Store, path: Path) -> tuple[str, str] | None:
    """Put a misnamed file right: what was done and what was lost, in words; nothing where it is right by now."""
    table, own = path.parent.name, stem(path.name)
    rows = dict(_by_key(store, path))
    if set(rows) <= {own}:
        return None
    unfit = sorted(key for key in rows if not NAME.fullmatch(key))
    homeless = sorted(key for key in rows if key not in (own, *unfit) and not _has_home(store, table, key))
    for key in homeless:
        _make_room(path.with_name(f"{key}.parquet"))
    if len(rows) == 1 and homeless:
        path.rename(path.with_name(f"{homeless[0]}.parquet"))
        sync(path.parent)
        return f"named {homeless[0]}.parquet, as its rows say", ""
    for key in homeless:
        write_table(path.with_name(f"{key}.parquet"), rows[key])
    done = aside(store.folder, path, keep=own in rows)
    if own in rows:
        write_table(path, rows[own])
    written = [*homeless, *([own] if own in rows else [])]
    if written:
        done += f"; rows of {', '.join(written[:3])} are in files of their own"
    lost = f"rows of {', '.join(map(repr, unfit[:3]))}, which is no name that a file may have" if unfit else ""
    return done, lost or "nothing: its rows are in files of their right names"


def _by_key(store: Store, path: Path) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each key of a file, with the columns of the store's version."""
    try:
        content = read_table(path, path.parent.name, store.version)
    except (BadInput, FileNotFoundError):
        return
    keys = pc.fill_null(keys_of(path.parent.name, content), "")
    for key in keys.unique().to_pylist():
        yield key, as_written(content.filter(pc.equal(keys, key)), path.parent.name, store.version)


def _has_home(store: Store, table: str, key: str) -> bool:
    """Whether the rows of a key are where they belong."""
    own = store.folder / table / f"{key}.parquet"
    return key in merged_keys(store.folder, table) or key in dict(_by_key(store, own))


def _make_room(path: Path) -> None:
    """Free a name from a file that has other rows; it is misnamed as before, and put right in its turn."""
    free = path
    while free.exists():
        free = free.with_name(f"misnamed-{free.name}")
    if free != path:
        path.rename(free)
