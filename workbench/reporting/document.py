"""A report is data: a title, a summary and sections of blocks. HTML and Markdown are rendered from its JSON."""

import errno
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from workbench.errors import BadInput
from workbench.reporting.plain import plain, records

DOCUMENT_VERSION = 1
"""Rises when a reader of `report.json` would have to change."""


@dataclass(frozen=True)
class Text:
    """A paragraph; `backticks` mark code. A note is a paragraph that warns."""

    text: str
    note: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The block as JSON types."""
        return {"kind": "text", "text": self.text, "note": self.note}


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The block as JSON types."""
        return {"kind": "bullets", "items": list(self.items)}


@dataclass(frozen=True)
class Code:
    """Commands or a formula, shown as they are."""

    code: str
    language: str = ""
    file: str = ""
    """What it is called where a page lets it be downloaded; empty where it is for reading alone."""

    def to_dict(self) -> dict[str, Any]:
        """The block as JSON types."""
        return {"kind": "code", "code": self.code, "language": self.language}


@dataclass(frozen=True)
class Column:
    """One column of a table: its key in the rows, its heading and how its numbers are written (see `formats.show`)."""

    key: str
    title: str
    style: str = "text"


@dataclass(frozen=True)
class Table:
    """Rows at full precision, and columns that say how to show them."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[dict[str, Any], ...]
    folded: bool = False
    """A long table that a page shows when asked."""

    @classmethod
    def of(
        cls, name: str, caption: str, frame: pd.DataFrame, columns: Sequence[Column], folded: bool = False
    ) -> "Table":
        """A table of `frame`, keeping the columns that it has."""
        kept = tuple(column for column in columns if column.key in frame.columns)
        return cls(name, caption, kept, tuple(records(frame[[column.key for column in kept]])), folded)

    def to_dict(self) -> dict[str, Any]:
        """The block as JSON types."""
        columns = [{"key": c.key, "title": c.title, "style": c.style} for c in self.columns]
        shown = {"kind": "table", "name": self.name, "caption": self.caption, "folded": self.folded}
        return {**shown, "columns": columns, "rows": list(self.rows)}


@dataclass(frozen=True)
class Figure:
    """A plotly figure, what one should see in it, and the numbers it draws."""

    name: str
    caption: str
    figure: go.Figure
    data: pd.DataFrame = field(default_factory=pd.DataFrame)

    def to_dict(self) -> dict[str, Any]:
        """The block as JSON types; the figure is plotly's own specification."""
        plot = json.loads(self.figure.to_json())
        return {"kind": "figure", "name": self.name, "caption": self.caption, "plot": plot, "data": records(self.data)}


Block = Text | Bullets | Code | Table | Figure


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]

    def to_dict(self) -> dict[str, Any]:
        """The section as JSON types."""
        return {"title": self.title, "blocks": [block.to_dict() for block in self.blocks]}


@dataclass(frozen=True)
class Report:
    """A finished study. `data` holds its results by name, for programs; the sections hold them for people."""

    title: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...]
    data: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The whole report as JSON types: what the renderers read."""
        return {
            "document_version": DOCUMENT_VERSION,
            "title": self.title,
            "summary": list(self.summary),
            "data": plain(self.data),
            "sections": [section.to_dict() for section in self.sections],
        }

    def to_json(self) -> str:
        """`report.json`: the same input gives the same bytes."""
        return lined(plain(self.to_dict())) + "\n"

    def _repr_html_(self) -> str:
        """The report, in a notebook."""
        from workbench.reporting.render_html import framed

        return framed(self.to_dict())


LINED = 5
"""Levels of a document that stand on lines of their own: its sections, blocks, and rows."""


def lined(value: Any, depth: int = 0) -> str:
    """JSON with a line for each row: one can read it, and Python's fast encoder writes it, which knows no indents."""
    if depth == LINED or not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    if isinstance(value, dict):
        items = [f"{json.dumps(key, ensure_ascii=False)}: {lined(item, depth + 1)}" for key, item in value.items()]
    else:
        items = [lined(item, depth + 1) for item in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    inner = (",\n" + " " * (depth + 1)).join(items)
    return f"{start}\n{' ' * (depth + 1)}{inner}\n{' ' * depth}{end}"


def check_folder(folder: Path) -> None:
    """Refuse a file where the report's folder should be; worth asking before the work that fills it."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"--out {folder}: this is a file; give a folder, which is made where it is missing")
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in missing:  # the work may yet fail
            one.rmdir()
        if not missing and not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise BadInput(f"--out {folder}: this folder cannot be made or written in ({error.strerror})") from error
