"""report.json → PDF, by Typst, which comes as a Python package without a TeX installation."""

import importlib.util
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.errors import BadInput
from workbench.reporting import templating
from workbench.reporting.formats import show

HOW = 'PDF is written by Typst, which is missing: pip install "scaling-law-workbench[pdf]", or pip install typst.'
"""What to do where no PDF can be made."""


def can_write_pdf() -> bool:
    """Whether Typst is installed."""
    return importlib.util.find_spec("typst") is not None


def render_pdf(document: dict[str, Any], pictures: Mapping[str, bytes], templates: Path | None = None) -> bytes:
    """The report as PDF, `pictures` being the SVG of each figure by name. The same input gives the same bytes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        set_out(document, pictures, folder, templates)
        return compiled(folder / "report.typ", templates, format="pdf")


def set_out(document: dict[str, Any], pictures: Mapping[str, bytes], folder: Path, templates: Path | None) -> None:
    """Lay the document, its pictures and the template into `folder`, as Typst reads them."""
    (folder / "figures").mkdir()
    for name, svg in pictures.items():
        (folder / "figures" / f"{name}.svg").write_bytes(svg)
    printed = {**document, "sections": [_printed(section) for section in document["sections"]]}
    (folder / "report.json").write_text(json.dumps(printed, ensure_ascii=False), encoding="utf-8")
    shutil.copyfile(templating.template_file("typ", templates), folder / "report.typ")


def compiled(source: Path, templates: Path | None = None, **settings: Any) -> Any:
    """What Typst makes of a file: no fonts but its own, no time of day."""
    if not can_write_pdf():
        raise BadInput(HOW)
    import typst

    try:
        return typst.compile(source, root=source.parent, ignore_system_fonts=True, timestamp=0, **settings)
    except typst.TypstError as error:
        if templates is None or not (templates / source.name).is_file():
            raise
        raise BadInput(f"--templates {templates}: {' '.join(str(error.diagnostic or error).split())}") from error


def _printed(section: dict[str, Any]) -> dict[str, Any]:
    """A section with the cells of its tables as they are written, and without what paper cannot show."""
    return {**section, "blocks": [_block(block) for block in section["blocks"]]}


def _block(block: dict[str, Any]) -> dict[str, Any]:
    if block["kind"] == "figure":
        return {key: block[key] for key in ("kind", "name", "caption")}
    if block["kind"] != "table":
        return block
    cells = [[show(row[column["key"]], column["style"]) for column in block["columns"]] for row in block["rows"]]
    return {**{key: value for key, value in block.items() if key != "rows"}, "cells": cells}
