"""DuckDB over the store's tables, locked: an expression or a query reads them and nothing else.

Large files DuckDB reads by itself, as little of them as the question needs; what is in small ones is handed to it. It
may open no other file, and takes one expression, or one statement that selects: nothing that writes.
"""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import BadInput
from workbench.store.schema import TABLES, arrow_schema
from workbench.store.snapshot import Snapshot
from workbench.store.tables import key_sql, unreadable_in_words

Part = tuple[Snapshot, pa.Table]
"""The files of a table, and the content of its small ones."""


def filtered(parts: Part, expression: str) -> pa.Table:
    """Rows of one table for which a boolean expression holds."""
    with _connection({parts[0].table: parts}) as connection, _in_a_sentence(f"where = {expression!r}"):
        rows = connection.table(parts[0].table).filter(expression)
        return rows.to_arrow_table()


def selected(text: str, tables: Collection[str], read: Callable[[str], Part]) -> pa.Table:
    """The result of a SELECT over views named as the tables; only those that it names are read."""
    what = f"query {text!r}"
    with duckdb.connect(config={"enable_external_access": "false"}) as asked, _in_a_sentence(what):
        statements = asked.extract_statements(text)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise BadInput(f"{what}: one SELECT, nothing else; a store is only read here")
    words = set(re.findall(r"\w+", text.lower()))
    with _connection({table: read(table) for table in tables if table in words}) as connection, _in_a_sentence(what):
        return connection.sql(text).to_arrow_table()


@contextmanager
def _connection(parts: dict[str, Part]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of views over the parts, locked."""
    connection = duckdb.connect()
    try:
        for table, (files, small) in parts.items():
            # The first part has every column with its type, whatever the others lack.
            connection.register(f"_{table}_empty", arrow_schema(table).empty_table())
            connection.register(f"_{table}_small", small)
            sources = [f"SELECT * FROM _{table}_empty", *_large(files, connection), f"SELECT * FROM _{table}_small"]
            connection.execute(f"CREATE VIEW {table} AS {' UNION ALL BY NAME '.join(sources)}")
        allowed = [str(path) for files, _ in parts.values() for path in (*files.merged, files.copy) if path]
        connection.execute("SET allowed_paths = $paths", {"paths": allowed})
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


def _large(files: Snapshot, connection: duckdb.DuckDBPyConnection) -> list[str]:
    for path in files.merged:
        with unreadable_in_words(path, files.table):
            pq.read_schema(path)
    parts = [f"SELECT * FROM read_parquet({_quoted(path)})" for path in files.merged]
    if files.copy:
        part = f"SELECT * FROM read_parquet({_quoted(files.copy)})"
        if files.without:
            connection.register(f"_{files.table}_without", pa.table({"key": list(files.without)}))
            part += f" WHERE {key_sql(files.table)} NOT IN (SELECT key FROM _{files.table}_without)"
        parts.append(part)
    return parts


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


@contextmanager
def _in_a_sentence(what: str) -> Iterator[None]:
    """DuckDB's errors as bad input; a file that went away meanwhile as what it is."""
    try:
        yield
    except duckdb.IOException as error:
        if "No such file" in str(error) or "No files found" in str(error):
            raise FileNotFoundError(str(error)) from error
        raise BadInput(f"{what}: {first_line(error)}") from error
    except duckdb.Error as error:
        raise BadInput(f"{what}: {_no_such(str(error)) or first_line(error)}") from error


def _no_such(said: str) -> str:
    """What DuckDB says of a table or a column that is not there, with those that are; else nothing."""
    if table := re.search(r"Table with name (\S+) does not exist", said):
        return f"there is no table {table[1]}; the tables are {', '.join(TABLES)}"
    column = re.search(r'(?:Referenced column|a column named) "([^"]*)"', said)
    if not column:
        return ""
    near = re.findall(r'"([^"]*)"', said.partition("Candidate bindings")[2])
    others = f"the nearest are {', '.join(near)}" if near else "docs/store.md lists them"
    return f"there is no column {column[1]}; {others}"


def first_line(error: Exception) -> str:
    """An error in one line."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
