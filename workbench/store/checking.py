"""Is a store whole? Every file read, every row held against the others."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import BadInput
from workbench.files import STALE_SECONDS, checksum
from workbench.store.lost import of_merged, set_aside
from workbench.store.marker import NAME as MARKER
from workbench.store.marker import lost_version
from workbench.store.schema import TABLES, arrow_schema
from workbench.store.snapshot import read_index, stamps, stem
from workbench.store.store import Store
from workbench.store.tables import KEYS, MERGED, keys_of, read_table

LOST = ("runs lost", "curves lost")
"""Kinds that no repair brings back."""


@dataclass(frozen=True)
class Finding:
    """One thing about a store that is not as it should be."""

    kind: str
    path: str
    """Below the store's folder."""
    what: str
    """In words."""
    wrong: bool = True
    """Whether something is lost or would be read wrongly; else it is only worth knowing."""
    run_id: str = ""


def check(store: Store) -> list[Finding]:
    """All findings, those of one kind together. Reads every file; a store that is written meanwhile may show runs
    without curves and the like that are complete a moment later."""
    readable: dict[str, dict[str, pa.Table]] = {}
    findings: list[Finding] = []
    for table in TABLES:
        readable[table] = {}
        findings += _files(store, table, readable[table])
    findings += _orphans(store, readable)
    findings += _checkpoints(store, readable["runs"])
    findings += _manifests(store, readable)
    findings += _leftovers(store)
    findings += _copies(store)
    return findings


def check_marker(folder: Path) -> list[Finding]:
    """Whether store.json can be read, before the store is opened; a folder that is plainly no store is `BadInput`."""
    version = lost_version(folder)
    if version is None:
        return []
    what = f"{'damaged' if (folder / MARKER).exists() else 'missing'}; the files are of schema version {version}"
    return [Finding("no marker", MARKER, what)]


def _files(store: Store, table: str, readable: dict[str, pa.Table]) -> Iterator[Finding]:
    """Every file of a table is readable, of the table's columns and types, and has the rows that its name says."""
    holds: dict[str, set[str]] = {}
    for name in sorted(stamps(store.folder, table), key=lambda name: (MERGED not in name, name)):
        path, where = store.folder / table / name, f"{table}/{name}"
        key = stem(name)
        run_id = key if table in ("runs", "curves") and MERGED not in name else ""
        try:
            read_table(path, table, store.version)
            content = pq.read_table(path, partitioning=None)
        except FileNotFoundError:
            continue
        except (BadInput, pa.ArrowException, OSError) as error:
            yield Finding("unreadable", where, _reason(error), run_id=run_id)
            continue
        expected = arrow_schema(table, store.version)
        if not content.schema.equals(expected):
            other = sorted(set(content.schema.names) ^ set(expected.names))
            words = f"its columns differ by {', '.join(other)}" if other else "its columns have other types or order"
            yield Finding("schema", where, f"{words}; plain readers may drop some or fail", run_id=run_id)
        holds[name] = {str(one) for one in keys_of(table, content).unique().to_pylist()}
        readable[name] = content.select([*KEYS[table], *(["status"] if table == "runs" else [])])
    yield from _names(table, holds)


def _names(table: str, holds: dict[str, set[str]]) -> Iterator[Finding]:
    """Every file has the rows that its name says, and no row is in two: of two files, the one that the rows' key names
    is theirs, after one of many runs."""
    owner = {key: name for name, keys in holds.items() if MERGED not in name for key in keys if key == stem(name)}
    owner |= {key: name for name, keys in holds.items() if MERGED in name for key in keys}
    for name, keys in holds.items():
        key, where = stem(name), f"{table}/{name}"
        other = sorted(keys - {key}) if MERGED not in name else []
        if other:
            yield Finding("misnamed", where, f"holds rows of {', '.join(other[:3])}")
        twice = sorted(one for one in keys if owner.setdefault(one, name) != name)
        if twice:
            what = f"{owner[twice[0]]} has rows of {', '.join(twice[:3])} too"
            run_id = key if table in ("runs", "curves") and MERGED not in name and not other else ""
            yield Finding("doubled", where, what, run_id=run_id)


def _reason(error: Exception) -> str:
    """Why a file cannot be read, without its name and without what to do, which is `repair`'s to say."""
    why = str(error.__cause__ or error) or type(error).__name__
    return why.splitlines()[0].split(".parquet: ", 1)[-1]


def _ids(tables: dict[str, pa.Table], column: str = "run_id") -> set[str]:
    return {str(one) for content in tables.values() for one in content[column].unique().to_pylist()}


def statuses(tables: dict[str, pa.Table]) -> dict[str, str]:
    """Run → its status, of readable files of runs."""
    pairs = (zip(one["run_id"].to_pylist(), one["status"].to_pylist(), strict=True) for one in tables.values())
    return {str(run_id): str(status) for some in pairs for run_id, status in some}


def _orphans(store: Store, readable: dict[str, dict[str, pa.Table]]) -> Iterator[Finding]:
    """Curves and measurements are of known runs, and every run that logged anything has its curve."""
    runs, known = statuses(readable["runs"]), _known(store, readable["runs"])
    curves = {stem(name) for name in stamps(store.folder, "curves")}
    for run_id in sorted(curves - known):
        if MERGED not in run_id and not store.live(run_id).exists():
            what = "a curve of no known run: its commit was cut short, or its row is gone; training writes both anew"
            yield Finding("orphan curve", f"curves/{run_id}.parquet", what, wrong=False, run_id=run_id)
    for name, gone in of_merged(readable["curves"], known).items():
        what = f"has curves of {_some(gone)} without rows: these are lost, unless a copy of the store has their file"
        yield Finding("runs lost", f"curves/{name}", what)
    without = [run_id for run_id in sorted(set(runs) - curves - _ids(readable["curves"])) if runs[run_id] != "failed"]
    small = {stem(name) for name in readable["runs"]}
    for run_id in [run_id for run_id in without if run_id in small]:
        what = f"{run_id} is {runs[run_id]} and has no curve"
        yield Finding("no curve", f"runs/{run_id}.parquet", what, run_id=run_id)
    if merged := [run_id for run_id in without if run_id not in small]:
        what = f"has {_some(merged)} without curves: these are lost, unless a copy of the store has their file"
        yield Finding("curves lost", "runs", what)
    for name, content in readable["evals"].items():
        unknown = sorted(_ids({name: content}) - known)
        if unknown:
            what = f"measurements of no known run: {', '.join(unknown[:3])}"
            yield Finding("orphan evals", f"evals/{name}", what, wrong=False, run_id=unknown[0])


def _checkpoints(store: Store, runs: dict[str, pa.Table]) -> Iterator[Finding]:
    """Checkpoints are of known runs, or of ones that wait to go on, and are what their SHA-256 says."""
    known = statuses(runs)
    for folder in sorted(store.folder.glob("checkpoints/[!.]*")):
        of_nobody = folder.name not in known and not folder.name.startswith("p-")
        if of_nobody:
            what = "of no run in the table: it resumes when its sweep runs again; `gc --unknown` removes it"
            yield Finding("checkpoint of no run", f"checkpoints/{folder.name}", what, wrong=False, run_id=folder.name)
        for state in sorted(folder.glob("[0-9]*/state.json")):
            for name, expected in _stated(state).items():
                if checksum(state.parent / name) != expected:
                    where = str((state.parent / name).relative_to(store.folder))
                    yield Finding("checksum", where, f"its SHA-256 is not {expected[:12]}…", run_id=folder.name)


def _stated(state: Path) -> dict[str, str]:
    """The checksums that a checkpoint's state gives of the files beside it."""
    try:
        found = json.loads(state.read_text())["sha256"]
        return {str(name): str(value) for name, value in found.items() if name != state.name}
    except (OSError, ValueError, KeyError, AttributeError):
        return {state.name: "readable"}


def _known(store: Store, runs: dict[str, pa.Table]) -> set[str]:
    """The runs that have a row, or a file that cannot be read, which is found by itself."""
    return set(statuses(runs)) | {stem(name) for name in set(stamps(store.folder, "runs")) - set(runs)}


def _some(run_ids: list[str]) -> str:
    """How many runs, and the first of them."""
    named = ", ".join([*run_ids[:2], *(["…"] if len(run_ids) > 2 else [])])
    return f"{len(run_ids):,} run{'' if len(run_ids) == 1 else 's'} ({named})"


def _manifests(store: Store, readable: dict[str, dict[str, pa.Table]]) -> Iterator[Finding]:
    """What sweeps ask for and have not got, which is no error where it is yet to come; and what is lost, which is, as
    are manifests that cannot be read."""
    known = _known(store, readable["runs"])
    aside = set_aside(store, known)
    lost = {run_id for gone in of_merged(readable["curves"], known).values() for run_id in gone} | set(aside)
    for path in sorted((store.folder / "sweeps").glob("[!.]*.json")):
        try:
            asked = [str(run["run_id"]) for run in store.manifest(path.stem).get("runs", [])]
        except (BadInput, TypeError, KeyError, AttributeError) as error:
            yield Finding("unreadable", f"sweeps/{path.name}", str(error).splitlines()[0])
            continue
        aside = {run_id: where for run_id, where in aside.items() if run_id not in asked}
        if gone := [run_id for run_id in asked if run_id in lost]:
            them = "it" if len(gone) == 1 else "them"
            what = f"lost {_some(gone)} of {len(asked)}: `workbench sweep run` with its definition trains {them} again"
            yield Finding("runs lost", f"sweeps/{path.name}", what)
        missing = [run_id for run_id in asked if run_id not in known and run_id not in lost]
        if missing:
            what = f"{len(missing)} of {len(asked)} runs are not in the table yet"
            yield Finding("runs missing", f"sweeps/{path.name}", what, wrong=False)
    for run_id, where in sorted(aside.items()):
        what = f"had the row of {run_id}, which the table lacks; delete the file if nobody wants the run"
        yield Finding("runs lost", where, what, run_id=run_id)


def _leftovers(store: Store) -> Iterator[Finding]:
    """What killed processes left behind."""
    for pattern in (".*.tmp", "*/.*.tmp", "checkpoints/*/.*.tmp"):
        for path in sorted(store.folder.glob(pattern)):
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                where = str(path.relative_to(store.folder))
                yield Finding("stale temporary", where, "what a killed process left behind", wrong=False)
    for table in TABLES:
        for prefix in ("old", "new"):
            path = store.folder / f".{prefix}-{table}"
            if path.exists():
                yield Finding("replacement", path.name, f"a replacement of the files of {table} was cut short")


def _copies(store: Store) -> Iterator[Finding]:
    """Compacted copies are what their SHA-256 says. One that is behind is read rightly, only slower."""
    for table in TABLES:
        where = f".compact/{table}.json"
        if not (store.folder / where).exists():
            continue
        index = read_index(store.folder, table)
        if index is None:
            yield Finding(
                "stale copy", where, "its copy is gone or the index cannot be read: it is not used", wrong=False
            )
        elif checksum(index.file) != index.sha256:
            at = str(index.file.relative_to(store.folder))
            yield Finding("checksum", at, f"its SHA-256 is not {index.sha256[:12]}…: rows from it may be wrong")
        elif index.stamps != {n: s for n, s in stamps(store.folder, table).items() if MERGED not in n}:
            what = "behind the small files: read rightly, more slowly; `workbench store compact` brings it up to date"
            yield Finding("stale copy", where, what, wrong=False)
