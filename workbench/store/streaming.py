"""Curves one after another, a few columns of each: a large store is passed through, and never held whole.

In a large file no run is divided among row groups (see `tables.write_large`): a group is read, its runs are handed out,
and it is gone. Of a few runs only the groups are read whose range of ids has one of them.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.store.schema import TABLES, stated_version
from workbench.store.snapshot import Snapshot
from workbench.store.tables import unreadable_in_words

Curve = dict[str, np.ndarray]
"""Column → its values as floats, in the order of the file, NaN where nothing was recorded."""

TABLE = "curves"


def curves_of(
    files: Snapshot, columns: Sequence[str], version: int, wanted: Collection[str] | None = None
) -> Iterator[tuple[str, Curve]]:
    """(run id, its curve) of the wanted runs, of all where `wanted` is None; in no order that counts."""
    without = set(files.without)
    for path in files.small:
        if wanted is None or path.stem in wanted:
            yield from _runs(path, columns, version, None)
    for path in files.merged:
        yield from _runs(path, columns, version, wanted)
    if files.copy:
        for run_id, curve in _runs(files.copy, columns, version, wanted):
            if run_id not in without:
                yield run_id, curve


def _runs(
    path: Path, columns: Sequence[str], version: int, wanted: Collection[str] | None
) -> Iterator[tuple[str, Curve]]:
    """The curves of one file."""
    with unreadable_in_words(path, TABLE), pq.ParquetFile(path, read_dictionary=["run_id"]) as file:
        there, stated = set(file.schema_arrow.names), stated_version(file.schema_arrow) or version
        missing = [name for name in columns if name not in there]
        if bad := [c.name for c in TABLES[TABLE] if c.name in missing and c.since <= min(version, stated)]:
            raise pa.ArrowInvalid(f"no column {bad[0]!r}")
        read = ["run_id", *(name for name in columns if name in there)]
        for group in _groups(file, wanted):
            content = file.read_row_group(group, columns=read)
            yield from _divided(content, columns, wanted)


def _groups(file: pq.ParquetFile, wanted: Collection[str] | None) -> Iterator[int]:
    """The row groups that may have one of the wanted runs."""
    names = None if wanted is None else sorted(wanted)
    place = file.schema_arrow.names.index("run_id")
    for group in range(file.num_row_groups):
        found = file.metadata.row_group(group).column(place).statistics
        if names is not None and found is not None and found.has_min_max:
            first = bisect_left(names, found.min)
            if first == len(names) or names[first] > found.max:
                continue
        yield group


def _divided(content: pa.Table, columns: Sequence[str], wanted: Collection[str] | None) -> Iterator[tuple[str, Curve]]:
    """A row group's runs, those wanted."""
    if not len(content):
        return
    ids = content["run_id"].combine_chunks()
    codes, names = ids.indices.to_numpy(), ids.dictionary.to_pylist()
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    values = {
        name: content[name].to_numpy().astype(float, copy=False)
        if name in content.column_names
        else np.full(len(content), np.nan)
        for name in columns
    }
    for start, end in zip(starts, np.r_[starts[1:], len(codes)], strict=True):
        run_id = str(names[codes[start]])
        if wanted is None or run_id in wanted:
            yield run_id, {name: column[start:end] for name, column in values.items()}
