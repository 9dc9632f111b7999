"""The files of a table: small ones, each of one run, probe or fit, and large ones that hold many, sorted.

What a small file holds is its key, which is its name: the run's id, the fit's, or `run_id-step-probe_hash`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from workbench.errors import BadInput
from workbench.files import write_atomic
from workbench.store.schema import SCHEMA_VERSION, TABLES, arrow_schema, stated_version

KEYS = {"runs": ("run_id",), "curves": ("run_id",), "evals": ("run_id", "step", "probe_hash"), "fits": ("fit_id",)}
"""The columns that make a row's key, joined by dashes."""

MERGED = "@"
"""Names of files that hold many runs contain it, and no run's id may."""

GROUP_ROWS = 50_000
"""Rows of a row group of a large file, about: the least that is read for one run's curve."""

READERS = 8
"""Small files read at a time."""

Writer = Callable[[Path], None]


def key_expression(table: str) -> pc.Expression:
    """The key of a row, for a filter of pyarrow's."""
    first, *rest = (pc.field(name).cast("string") for name in KEYS[table])
    return pc.binary_join_element_wise(first, *rest, "-") if rest else pc.field(KEYS[table][0])


def key_sql(table: str) -> str:
    """The key of a row, in SQL."""
    return " || '-' || ".join(KEYS[table])


def keys_of(table: str, content: pa.Table) -> pa.ChunkedArray:
    """The key of every row."""
    first, *rest = (content[name].cast("string") for name in KEYS[table])
    return pc.binary_join_element_wise(first, *rest, "-") if rest else first


def read_table(path: Path, table: str, version: int) -> pa.Table:
    """One file, with exactly the columns of its table; newer ones may be missing (see `as_table`), and are then null.

    A file that is no such table is named; one that is not there is `FileNotFoundError`.
    """
    with unreadable_in_words(path, table):
        return as_table(pq.ParquetFile(path).read(use_threads=False), path, table, version)


def read_tables(paths: Sequence[Path], table: str, version: int) -> list[pa.Table]:
    """Many files, in their order, several at a time: a disk or a network is waited for in turns."""
    if len(paths) < READERS:
        return [read_table(path, table, version) for path in paths]
    with ThreadPoolExecutor(READERS) as readers:
        return list(readers.map(lambda path: read_table(path, table, version), paths))


def read_large(path: Path, table: str, version: int, rows: pc.Expression | None = None) -> pa.Table:
    """The rows of a large file for which an expression holds: row groups that have none of them are not read."""
    with unreadable_in_words(path, table):
        return as_table(ds.dataset(path, format="parquet").to_table(filter=rows), path, table, version)


def as_table(content: pa.Table, path: Path, table: str, version: int) -> pa.Table:
    """`content`, read from `path`, with the columns of its table.

    What is newer than `version`, or than the version that the file says it has, may be missing: a compacted copy is
    older than its store where that was migrated since.
    """
    schema = arrow_schema(table)
    if content.schema.equals(schema):
        return content
    found, version = set(content.column_names), min(version, stated_version(content.schema) or version)
    for column in TABLES[table]:
        if column.name in found:
            continue
        if column.since <= version:
            raise BadInput(f"{path}: no column {column.name!r}, so that it is no file of {table}; {_cure(path, table)}")
        content = content.append_column(column.name, pa.nulls(len(content), column.kind))
    return content.select(schema.names).cast(schema)


def as_written(content: pa.Table, table: str, version: int) -> pa.Table:
    """`content` with the columns that a version has, for a file of a store of that version."""
    schema = arrow_schema(table, version)
    return content.select(schema.names).cast(schema)


def write_small(path: Path, content: pa.Table) -> None:
    """Write the file of one run. Dictionaries and statistics would be most of its size."""
    pq.write_table(content, path, compression="zstd", use_dictionary=False, write_statistics=False)


def write_table(path: Path, content: pa.Table) -> None:
    """Write the file of one run, atomically, over an older one."""
    write_atomic(path, lambda temporary: write_small(temporary, content))


def write_large(path: Path, table: str, version: int, pieces: Iterable[tuple[str, pa.Table]]) -> int:
    """Write pieces, each of one key and given in the order of keys, as one file; returns how many rows it has.

    A piece is never divided among row groups. No more than one row group is in memory.
    """
    waiting, many, rows = list[pa.Table](), 0, 0
    with pq.ParquetWriter(path, arrow_schema(table, version), compression="zstd") as writer:
        for _, content in pieces:
            waiting.append(as_written(content, table, version))
            many += len(content)
            if many >= GROUP_ROWS:
                writer.write_table(pa.concat_tables(waiting).combine_chunks(), row_group_size=many)
                rows, waiting, many = rows + many, [], 0
        if many:
            writer.write_table(pa.concat_tables(waiting).combine_chunks(), row_group_size=many)
    return rows + many


def write_merged(path: Path, table: str, pieces: Iterable[tuple[str, pa.Table]], version: int = SCHEMA_VERSION) -> None:
    """Write a large file, atomically, over the one that the pieces may be read from."""
    write_atomic(path, lambda temporary: _written(temporary, table, version, pieces))


def _written(path: Path, table: str, version: int, pieces: Iterable[tuple[str, pa.Table]]) -> None:
    write_large(path, table, version, pieces)


def replace_piece(path: Path, table: str, version: int, key: str, content: pa.Table) -> None:
    """Give a key of a large file other rows."""
    pieces = ((name, content if name == key else old) for name, old in pieces_of(path, table, version))
    write_merged(path, table, pieces, version)


def pieces_of(path: Path, table: str, version: int) -> Iterator[tuple[str, pa.Table]]:
    """The pieces of a large file, one row group in memory at a time."""
    for group in _groups(path, table):
        content = as_table(group, path, table, version)
        keys = keys_of(table, content).to_numpy(zero_copy_only=False)
        starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
        for start, end in zip(starts, np.r_[starts[1:], len(keys)], strict=True):
            yield str(keys[start]), content.slice(start, end - start)


def _groups(path: Path, table: str) -> Iterator[pa.Table]:
    """The row groups of a large file, one after another."""
    with unreadable_in_words(path, table):
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            yield file.read_row_group(group)


def together(table: str, tables: Sequence[pa.Table]) -> pa.Table:
    """Rows of several files in the order of their keys; those of one key stay in theirs."""
    filled = [content for content in tables if len(content)]
    if len(filled) < 2:
        return filled[0] if filled else arrow_schema(table).empty_table()
    content = pa.concat_tables(filled)
    return content.take(pc.sort_indices(keys_of(table, content)))


@contextmanager
def unreadable_in_words(path: Path, table: str) -> Iterator[None]:
    """A file that is no such table as a sentence that names it and what to do; one that is not there as what it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise BadInput(f"{path}: not a readable parquet file of {table} ({why}); {_cure(path, table)}") from error


def _cure(path: Path, table: str) -> str:
    """What to do about a file that cannot be read."""
    store = path.parents[1]
    if path.parent.name == ".compact":
        return f"`workbench store repair {store}` drops it: it is a copy of what is in {table}"
    return (
        f"`workbench store check {store}` says what is wrong, `workbench store repair {store}` mends what can be mended"
    )
