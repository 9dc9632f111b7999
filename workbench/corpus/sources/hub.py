"""Hugging Face `datasets`: a name on the hub, or local files through the same readers; streamed unless asked otherwise.

No data set runs code of its own: loading scripts are refused by the library, and nothing here allows them.
"""

import glob
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbench.corpus.documents import Document
from workbench.corpus.sources.base import Settings
from workbench.errors import BadInput


def documents(settings: Settings) -> Iterator[Document]:
    """The rows of the data set's column of text, in its order, the first `rows` of them where that is set."""
    path, column = settings["path"], settings["column"]
    for number, row in enumerate(_load(settings)):
        if settings["rows"] is not None and number >= settings["rows"]:
            return
        text = row.get(column)
        if not isinstance(text, str):
            raise BadInput(
                f"The data set {path!r}, row {number}, has no text in the column {column!r} (corpus.settings.column); "
                f"its columns are: {', '.join(row)}."
            )
        yield Document(text, f"{path}#{number}")


def identity(settings: Settings) -> Any:
    """Size and time of change of local files; of the hub, the revision that the settings name."""
    if find_spec("datasets") is None:
        raise BadInput(
            "corpus.source = 'huggingface' needs the library datasets: pip install 'scaling-law-workbench[hub]'."
        )
    files = []
    for pattern in _patterns(settings["data_files"]):
        found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  (patterns may be absolute)
        if not found and "://" not in pattern and settings["path"] in ("text", "json", "parquet", "csv"):
            raise BadInput(f"corpus.settings.data_files: there is no file {pattern!r}.")
        files += [[name, Path(name).stat().st_size, Path(name).stat().st_mtime_ns] for name in found]
    return files


def _load(settings: Settings) -> Iterator[Mapping[str, Any]]:
    import datasets

    options: dict[str, Any] = {}
    for key in ("name", "data_files", "revision"):
        if settings[key] is not None:
            options[key] = settings[key]
    if settings["path"] == "text":
        # One row a file. The default of the library is one a line, without its newline.
        options["sample_by"] = settings["sample_by"]
    try:
        rows = datasets.load_dataset(
            settings["path"], split=settings["split"], streaming=settings["streaming"], **options
        )
        yield from rows
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BadInput(
            f"The data set {settings['path']!r} could not be loaded ({type(error).__name__}: {reason}): check path, "
            "name, split and the network; local files work offline with path = 'text', 'json' or 'parquet' and "
            "data_files."
        ) from None


def _patterns(data_files: Any) -> Iterator[str]:
    """Every pattern in a string, a list or a table of splits."""
    if isinstance(data_files, str):
        yield data_files
    elif isinstance(data_files, Mapping):
        for value in data_files.values():
            yield from _patterns(value)
    elif isinstance(data_files, list | tuple):
        for value in data_files:
            yield from _patterns(value)
