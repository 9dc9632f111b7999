"""Mending a store: what cannot be read is set aside, what is half is removed, and what was lost is said."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.files import checksum, write_json
from workbench.store.aside import aside
from workbench.store.checking import Finding, check
from workbench.store.compaction import compacting, drop
from workbench.store.marker import NAME as MARKER
from workbench.store.marker import lost_version, marker
from workbench.store.renaming import rename
from workbench.store.schema import TABLES, arrow_schema
from workbench.store.snapshot import merged_keys, read_index, stem
from workbench.store.store import Store
from workbench.store.swapping import recover
from workbench.store.tables import MERGED, as_written, key_expression, read_large, read_table, write_table


@dataclass(frozen=True)
class Repair:
    """One thing that was done."""

    path: str
    done: str
    lost: str = ""
    """What is gone by it, and the command that makes it again."""


def repair(store: Store) -> list[Repair]:
    """Mend what can be mended: nothing readable is thrown away. Nobody else may use the store meanwhile."""
    done: list[Repair] = []
    with compacting(store), store.alone(recovering=False):
        for table in TABLES:
            if what := recover(store.folder, table):
                done.append(Repair(table, what))
        for _ in range(3):  # a run whose row was set aside leaves a curve of no run, and the other way round
            found = [one for finding in check(store) if (one := _mended(store, finding))]
            done += found
            if not found:
                break
    return done


def repair_marker(folder: Path) -> list[Repair]:
    """Write store.json anew where it is missing or damaged and the files say what it should hold."""
    version, path = lost_version(folder), folder / MARKER
    if version is None:
        return []
    was = "missing"
    if path.exists():
        was = aside(folder, path)
    write_json(path, marker(version))
    return [Repair(MARKER, f"{was}; written anew: the files are of schema version {version}")]


def _mended(store: Store, finding: Finding) -> Repair | None:
    path, table = store.folder / finding.path, finding.path.split("/")[0]
    if table == ".compact" and finding.kind in ("checksum", "stale copy"):
        table = path.name.split("-")[0].split(".")[0]
        drop(store, table)
        return Repair(finding.path, "the compacted copy was dropped; `workbench store compact` makes it anew")
    if finding.kind == "stale temporary":
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return Repair(finding.path, "removed")
    if finding.kind == "unreadable":
        rows = _from_copy(store, path)
        done = aside(store.folder, path)
        if rows is not None:
            write_table(path, rows)
            return Repair(finding.path, f"{done}, and written anew from the compacted copy", "nothing")
        return Repair(finding.path, done, _lost(store, finding))
    if finding.kind == "schema" and _rewritten(store, path):
        return Repair(finding.path, f"written anew with the columns of schema version {store.version}")
    if finding.kind == "orphan curve" and path.is_file():
        return Repair(finding.path, aside(store.folder, path), "nothing: the run is not in the table")
    if finding.kind == "no curve" and path.is_file():
        return Repair(finding.path, f"{aside(store.folder, path)}: its curve is lost", _lost(store, finding))
    if finding.kind == "misnamed" and (put_right := rename(store, path)):
        return Repair(finding.path, *put_right)
    if finding.kind == "doubled" and path.is_file() and stem(path.name) in merged_keys(store.folder, table):
        return Repair(finding.path, aside(store.folder, path), "nothing: the rows are in the merged file")
    if finding.kind == "checksum" and table == "checkpoints" and path.parent.exists():
        step = path.parent
        where = str(step.relative_to(store.folder))
        return Repair(where, aside(store.folder, step), f"the weights of {finding.run_id} at step {step.name}")
    return None


def _from_copy(store: Store, path: Path) -> pa.Table | None:
    """The rows of a run's unreadable file as the compacted copy has them, where they are sure to be its last ones.

    A finished run's row never changes, and its curve was put in place before it: what was copied of them is final.
    """
    table, run_id = path.parent.name, path.stem
    runs, copy = read_index(store.folder, "runs"), read_index(store.folder, table)
    if table not in ("runs", "curves") or not runs or not copy or path.name not in copy.stamps:
        return None
    if any(checksum(index.file) != index.sha256 for index in (runs, copy)):
        return None
    wanted = key_expression(table).isin([run_id])
    row = read_large(runs.file, "runs", store.version, wanted)
    if not len(row) or row["status"][0].as_py() == "failed":
        return None
    if table != "runs" and not store.runs_by_id([run_id]).equals(row.to_pandas()):
        return None  # the run was trained again since
    content = row if table == "runs" else read_large(copy.file, table, store.version, wanted)
    return as_written(content, table, store.version)


def _rewritten(store: Store, path: Path) -> bool:
    """Give a small file the columns of its store, where that takes none from it."""
    table = path.parent.name
    if MERGED in path.name or set(pq.read_schema(path).names) - set(arrow_schema(table, store.version).names):
        return False
    write_table(path, as_written(read_table(path, table, store.version), table, store.version))
    return True


def _lost(store: Store, finding: Finding) -> str:
    """What was lost with a file, and what brings it back."""
    if MERGED in finding.path:
        what = f"`workbench store check {store.folder}` says what"
        return f"all that was in it, unless a copy of the store has the file; {what}"
    if finding.path.startswith("fits/"):
        return "a fit: `workbench fit` makes it again"
    if finding.path.startswith("evals/"):
        return "measurements: `workbench eval` makes them again, where the run has its checkpoint"
    if finding.path.startswith("sweeps/"):
        return "which runs the sweep has: `workbench sweep run` with its definition writes it anew"
    of_sweep = next((name for name in _sweeps_with(store, finding.run_id)), None)
    definition = f"the definition of {of_sweep}" if of_sweep else "its definition"
    return f"{finding.run_id}: `workbench sweep run` with {definition} and --store {store.folder} trains it again"


def _sweeps_with(store: Store, run_id: str) -> list[str]:
    names = []
    for path in sorted((store.folder / "sweeps").glob("[!.]*.json")):
        try:
            if f'"{run_id}"' in json.dumps(json.loads(path.read_text())):
                names.append(path.stem)
        except (OSError, ValueError):
            continue
    return names
