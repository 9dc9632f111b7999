"""One figure as files: HTML that needs nothing else, the numbers drawn as CSV, plotly's own JSON, and for print."""

import json
from collections.abc import Callable
from pathlib import Path

import plotly.io

from workbench.files import write_atomic
from workbench.reporting.document import Figure


def write_figure(figure: Figure, folder: Path) -> dict[str, Path]:
    """Write `<name>.html`, `.csv`, `.json`, and `.svg`, `.png`, `.pdf` where its kind of plot has a static drawing."""
    from workbench.reporting import static

    page = plotly.io.to_html(figure.figure, include_plotlyjs=True, div_id=figure.name)
    specification = figure.figure.to_json()
    contents = {
        "html": page.encode(),
        "csv": figure.data.to_csv(index=False).encode(),
        "json": f"{specification}\n".encode(),
    }
    try:
        drawn = static.draw(json.loads(specification))
        contents |= {kind: static.save(drawn, kind) for kind in static.KINDS}
    except static.CannotDraw:
        pass  # a kind of plot that lives on a screen, such as parallel coordinates to brush
    paths = {kind: folder / f"{figure.name}.{kind}" for kind in contents}
    for kind, content in contents.items():
        write_atomic(paths[kind], _putting(content))
    return paths


def _putting(content: bytes) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        path.write_bytes(content)

    return put
