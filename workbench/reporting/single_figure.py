"""One figure as files: HTML that needs nothing else, the numbers drawn as CSV, plotly's own JSON."""

from pathlib import Path

import plotly.io

from workbench.files import write_text
from workbench.reporting.document import Figure


def write_figure(figure: Figure, folder: Path) -> dict[str, Path]:
    """Write `<name>.html`, `.csv` and `.json` into `folder`."""
    texts = {
        "html": plotly.io.to_html(figure.figure, include_plotlyjs=True, div_id=figure.name),
        "csv": figure.data.to_csv(index=False),
        "json": figure.figure.to_json() + "\n",
    }
    paths = {kind: folder / f"{figure.name}.{kind}" for kind in texts}
    for kind, text in texts.items():
        write_text(paths[kind], text)
    return paths
