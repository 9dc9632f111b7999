"""Local files and folders: plain text, JSON lines and parquet tables, read as data and nothing else."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from workbench.corpus.documents import Document
from workbench.corpus.sources.base import Settings
from workbench.corpus.sources.cutting import cut
from workbench.errors import BadInput


def documents(settings: Settings) -> Iterator[Document]:
    """A text file is one document, or several where it is cut; each line of jsonl and each row of parquet is one."""
    for path, name in _files(settings):
        if path.stat().st_size == 0:
            raise BadInput(f"{path} is empty: put text into it, or take it out of corpus.settings.path.")
        for i, text in enumerate(READERS[path.suffix.lower()](path, settings)):
            for j, piece in enumerate(_pieces(text, settings)):
                yield Document(piece, f"{name}#{i}.{j}")


def identity(settings: Settings) -> Any:
    """Name, size and time of change of each file."""
    return [[name, path.stat().st_size, path.stat().st_mtime_ns] for path, name in _files(settings)]


def _files(settings: Settings) -> list[tuple[Path, str]]:
    """The file, or the files below the folder that have a known ending, in the order of their paths."""
    root = Path(settings["path"]).expanduser()
    if root.is_file():
        if root.suffix.lower() not in READERS:
            raise BadInput(f"corpus.settings.path = '{root}': it ends with {_endings()}, or is a folder of such files.")
        return [(root, root.name)]
    if not root.is_dir():
        raise BadInput(f"corpus.settings.path = '{root}': there is no such file or folder.")
    found = [path for path in root.rglob("*") if path.suffix.lower() in READERS and path.is_file()]
    inner = [path.relative_to(root) for path in found]
    visible = sorted(path.as_posix() for path in inner if not any(part.startswith(".") for part in path.parts))
    if not visible:
        raise BadInput(f"corpus.settings.path = '{root}': the folder has no file that ends with {_endings()}.")
    return [(root / name, name) for name in visible]


def _read_text(path: Path, settings: Settings) -> Iterator[str]:  # noqa: ARG001
    try:
        yield path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}.") from None


def _read_json_lines(path: Path, settings: Settings) -> Iterator[str]:
    key = settings["text_key"]
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                raise BadInput(f"{path}, line {number} is not JSON: {error}.") from None
            text = record.get(key) if isinstance(record, dict) else None
            if not isinstance(text, str):
                raise BadInput(
                    f"{path}, line {number} has no text under the key {key!r} (corpus.settings.text_key): "
                    f'an object like {{{json.dumps(key)}: "…"}} is right.'
                )
            yield text


def _read_parquet(path: Path, settings: Settings) -> Iterator[str]:
    import pyarrow
    import pyarrow.parquet

    column = settings["column"]
    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            schema = table.schema_arrow
            if column not in schema.names:
                names = ", ".join(schema.names)
                raise BadInput(f"{path} has no column {column!r} (corpus.settings.column); its columns are: {names}.")
            if str(schema.field(column).type) not in ("string", "large_string", "string_view"):
                raise BadInput(f"{path}: the column {column!r} holds {schema.field(column).type}, not text.")
            for batch in table.iter_batches(columns=[column], batch_size=1024):
                yield from (text for text in batch.column(0).to_pylist() if text is not None)
    except (pyarrow.ArrowException, OSError) as error:
        raise BadInput(f"{path} is not a parquet table that can be read: {str(error).splitlines()[0]}") from None


READERS: dict[str, Callable[[Path, Settings], Iterator[str]]] = {
    ".txt": _read_text,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
}
"""A file's ending → how its texts are read."""


def _pieces(text: str, settings: Settings) -> Iterator[str]:
    """The text cut at the separator, and at the length, where they are set."""
    separator, size = settings["separator"], settings["document_bytes"]
    if size is not None and size < 1:
        raise BadInput(f"corpus.settings.document_bytes = {size}: a number of at least 1 is right.")
    for part in text.split(separator) if separator else [text]:
        yield from cut(part, size) if size else [part]


def _endings() -> str:
    return ", ".join(READERS)
