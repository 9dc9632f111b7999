"""One file of a table: read with exactly the table's columns, written whole."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import BadInput
from workbench.files import write_atomic
from workbench.store.schema import TABLES, arrow_schema


def write_small(path: Path, content: pa.Table) -> None:
    """Write the file of one run. Dictionaries and statistics would be most of its size."""
    pq.write_table(content, path, compression="zstd", use_dictionary=False, write_statistics=False)


def write_table(path: Path, content: pa.Table) -> None:
    """Write the file of one run, atomically, over an older one."""
    write_atomic(path, lambda temporary: write_small(temporary, content))


def read_table(path: Path, table: str, version: int) -> pa.Table:
    """One file, with exactly the columns of its table; those newer than `version` may be missing, and are then null.

    A file that is no such table is named.
    """
    schema = arrow_schema(table)
    try:
        content = pq.ParquetFile(path).read()
        for column in TABLES[table]:
            if column.name in content.column_names:
                continue
            if column.since <= version:
                raise BadInput(
                    f"{path}: no column {column.name!r}; move the file out of the store, it is none of {table}"
                )
            content = content.append_column(column.name, pa.nulls(len(content), column.kind))
        return content.select(schema.names).cast(schema)
    except (pa.ArrowException, OSError) as error:
        raise BadInput(
            f"{path}: not a readable parquet file of {table} ({str(error).splitlines()[0]}); "
            "delete it and run the sweep again"
        ) from error
