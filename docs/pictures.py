"""Draw the docs' pictures from the reference store: needs the extra `docs` and a Chromium."""

from pathlib import Path

from workbench.analyses.scaling import analyse
from workbench.cli.source import read_source
from workbench.reporting.document import Figure
from workbench.store import reference_store

PICTURES = {"isoflop": (900, 520)}
"""Name of a figure of the report → width and height in pixels, drawn at twice that."""


def main() -> None:
    """Write `docs/<name>.png` for every picture."""
    report = analyse(**read_source(reference_store(), None, None), name="quickstart")
    for block in (block for section in report.sections for block in section.blocks):
        if isinstance(block, Figure) and block.name in PICTURES:
            width, height = PICTURES[block.name]
            path = Path(__file__).parent / f"{block.name}.png"
            block.figure.write_image(path, width=width, height=height, scale=2)
            print(path)


if __name__ == "__main__":
    main()
