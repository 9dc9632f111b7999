"""The files of a report. `report.json` is the source; every other format is made of it and of nothing else."""

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.errors import BadInput
from workbench.files import write_atomic, write_text
from workbench.reporting import render_pdf
from workbench.reporting.document import Report, check_folder
from workbench.reporting.render_html import render_html
from workbench.reporting.render_latex import render_table
from workbench.reporting.render_markdown import render_markdown

USUAL = ("html", "md", "json")
"""What a report is for a reader: the page, its text with pictures, and the source of both."""


@dataclass
class Made:
    """A document on its way into files; a picture that two formats need is drawn once."""

    document: dict[str, Any]
    source: str
    folder: Path
    templates: Path | None
    drawn: dict[tuple[str, bool], Any] = field(default_factory=dict)
    """Figures of matplotlib, by name and whether they are one column wide."""
    vectors: dict[str, bytes] = field(default_factory=dict)

    @cached_property
    def blocks(self) -> list[dict[str, Any]]:
        """Every block of every section."""
        return [block for section in self.document["sections"] for block in section["blocks"]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The figures, or the tables."""
        return [block for block in self.blocks if block["kind"] == kind]

    def picture(self, block: dict[str, Any], kind: str, column: bool = False) -> bytes:
        """A figure as the content of a file."""
        from workbench.reporting import static

        key = (block["name"], column)
        if key not in self.drawn:
            self.drawn[key] = static.draw(block["plot"], static.COLUMN if column else static.FULL)
        return static.save(self.drawn[key], kind)

    def vector(self, block: dict[str, Any]) -> bytes:
        """A figure as SVG over the full width."""
        name = block["name"]
        if name not in self.vectors:
            self.vectors[name] = self.picture(block, "svg")
        return self.vectors[name]


def write(
    report: Report, folder: Path, formats: Collection[str] = USUAL, templates: Path | None = None
) -> dict[str, Path]:
    """Write a report into `folder`: format → its file, or its folder where it has one file a figure or table."""
    check_folder(folder)
    source = report.to_json()
    made = Made(json.loads(source), source, folder, templates)
    return {kind: FORMATS[kind](made) for kind in FORMATS if kind in formats}


def chosen(asked: Iterable[str]) -> tuple[str, ...]:
    """The formats that were asked for, as `html,pdf` or one by one; all that can be made here if none was."""
    wanted = [part.strip().lower() for text in asked for part in text.split(",") if part.strip()]
    if unknown := [part for part in wanted if part not in FORMATS]:
        raise BadInput(f"--format {unknown[0]}: there is no such format; there are {', '.join(FORMATS)}")
    if "pdf" in wanted and not render_pdf.can_write_pdf():
        raise BadInput(f"--format pdf: {render_pdf.HOW}")
    usable = [kind for kind in FORMATS if kind != "pdf" or render_pdf.can_write_pdf()]
    return tuple(kind for kind in usable if kind in wanted or not wanted)


def _html(made: Made) -> Path:
    return _text(made.folder / "report.html", render_html(made.document, made.templates))


def _markdown(made: Made) -> Path:
    _svg(made)  # what its text links to
    return _text(made.folder / "report.md", render_markdown(made.document, made.templates))


def _pdf(made: Made) -> Path:
    pictures = {block["name"]: made.vector(block) for block in made.of("figure")}
    return _bytes(made.folder / "report.pdf", render_pdf.render_pdf(made.document, pictures, made.templates))


def _json(made: Made) -> Path:
    return _text(made.folder / "report.json", made.source)


def _tex(made: Made) -> Path:
    for table in made.of("table"):
        _text(made.folder / "tables" / f"{table['name']}.tex", render_table(table, made.templates))
    return made.folder / "tables"


def _csv(made: Made) -> Path:
    for figure in made.of("figure"):
        _text(made.folder / "data" / f"{figure['name']}.csv", pd.DataFrame(figure["data"]).to_csv(index=False))
    return made.folder / "data"


def _svg(made: Made) -> Path:
    for figure in made.of("figure"):
        _bytes(made.folder / "figures" / f"{figure['name']}.svg", made.vector(figure))
    return made.folder / "figures"


def _column(made: Made) -> None:
    for figure in made.of("figure"):
        _bytes(made.folder / "figures" / f"{figure['name']}-column.svg", made.picture(figure, "svg", column=True))


def _every_svg(made: Made) -> Path:
    _column(made)
    return _svg(made)


def _png(made: Made) -> Path:
    for figure in made.of("figure"):
        _bytes(made.folder / "figures" / f"{figure['name']}.png", made.picture(figure, "png"))
    return made.folder / "figures"


def _text(path: Path, text: str) -> Path:
    write_text(path, text)
    return path


def _bytes(path: Path, content: bytes) -> Path:
    write_atomic(path, lambda temporary: _put(temporary, content))
    return path


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


FORMATS: dict[str, Callable[[Made], Path]] = {
    "html": _html,
    "md": _markdown,
    "pdf": _pdf,
    "tex": _tex,
    "json": _json,
    "csv": _csv,
    "svg": _every_svg,
    "png": _png,
}
"""Format → what writes it. SVG comes in two widths: over the page, and of one column."""
