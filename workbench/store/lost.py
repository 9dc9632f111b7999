"""What a store had and has no more: curves whose rows are gone tell of it, and what a repair has set aside."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from workbench.errors import BadInput
from workbench.store.aside import ASIDE
from workbench.store.store import NAME, Store
from workbench.store.tables import MERGED, read_table


def of_merged(curves: dict[str, pa.Table], known: Iterable[str]) -> dict[str, list[str]]:
    """Merged file of curves → the runs in it that have no row. Only rows of finished runs are merged: these had one."""
    there = frozenset(known)
    ids = {name: set(content["run_id"].unique().to_pylist()) for name, content in curves.items() if MERGED in name}
    return {name: sorted(found - there) for name, found in ids.items() if found - there}


def set_aside(store: Store, known: Iterable[str]) -> dict[str, str]:
    """Run that has no row → the file in .broken/ that had it."""
    found = {run_id: path for path in sorted((store.folder / ASIDE / "runs").glob("*")) for run_id in _ids(path, store)}
    there = frozenset(known)
    return {run_id: str(path.relative_to(store.folder)) for run_id, path in found.items() if run_id not in there}


def _ids(path: Path, store: Store) -> Iterator[str]:
    """The runs of a file that was set aside: those that its rows say, or of a torn one, its name."""
    try:
        said = [str(one) for one in read_table(path, "runs", store.version)["run_id"].to_pylist()]
    except (BadInput, FileNotFoundError):
        said = [path.name.split(".parquet")[0]]
    yield from filter(NAME.fullmatch, said)  # which those of merged files, having an @, do not
