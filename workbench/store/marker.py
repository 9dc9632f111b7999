"""store.json: what says that a folder is a store, and of which schema version its files are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import BadInput
from workbench.store.schema import SCHEMA_VERSION, TABLES, stated_version

NAME = "store.json"


def marker(version: int = SCHEMA_VERSION) -> dict[str, Any]:
    """What store.json holds."""
    return {"format": "scaling-law-workbench", "schema_version": version}


def read_version(folder: Path) -> int:
    """The schema version of a store; a folder that is none, or one of a newer version, is `BadInput`."""
    path, version = folder / NAME, _written(folder)
    if version is None:
        what = f"{path}: not a store's marker; it should hold its schema_version as JSON"
        if not path.is_file():
            what = f"{folder}: {f'not a store (it has no {NAME})' if folder.exists() else 'does not exist'}"
        cure = "" if path.is_file() else "; give the folder that a sweep wrote"
        if has_files(folder):
            cure = f"; its files are a store's: `workbench store repair {folder}` writes {NAME} anew"
        raise BadInput(what + cure)
    if version > SCHEMA_VERSION:
        raise BadInput(
            f"{path}: schema_version = {version} is newer than this workbench reads ({SCHEMA_VERSION}); "
            "upgrade the workbench"
        )
    return version


def has_files(folder: Path) -> bool:
    """Whether there are files that say they are a store's."""
    return any(_stated(folder))


def lost_version(folder: Path) -> int | None:
    """The version that store.json should say, where it does not and the files do; none where it says one.

    A file that was written with an older version is of every later one that brought its table no column. The store is
    of the lowest version that a file of it is of: an interrupted migration leaves an older store.
    """
    if _written(folder) is not None:
        return None
    found = list(_stated(folder))
    if not found:
        read_version(folder)  # says what the folder is instead
    if (newest := max(stated for _, stated in found)) > SCHEMA_VERSION:
        raise BadInput(f"{folder}: its files are of schema version {newest}, newer than this workbench; upgrade it")
    return min(_latest(table, stated) for table, stated in found)


def _written(folder: Path) -> int | None:
    """What store.json says; none where it is missing or damaged."""
    try:
        return int(json.loads((folder / NAME).read_text())["schema_version"])
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _latest(table: str, stated: int) -> int:
    """The last version whose columns of a table are those of the version that a file states."""
    newer = [column.since for column in TABLES[table] if column.since > stated]
    return min(newer, default=SCHEMA_VERSION + 1) - 1


def _stated(folder: Path) -> Iterator[tuple[str, int]]:
    """The table and the stated version of every file that can be read."""
    for table in TABLES:
        for path in sorted((folder / table).glob("[!.]*.parquet")):
            try:
                stated = stated_version(pq.read_schema(path))
            except (pa.ArrowException, OSError):
                continue
            if stated is not None:
                yield table, stated
