"""Draw the docs' pictures: needs the extra `docs` and a Chromium.

`python docs/pictures.py` draws those of the reference store; `python docs/pictures.py STORE` the widths of μP and the
critical batch, from a store in which `sweeps/mup-widths.toml` or `sweeps/critical-batch.toml` was run.
"""

import sys
from pathlib import Path

from workbench.analyses import batch_report, rates
from workbench.analyses.critical_batch import critical_batches
from workbench.analyses.scaling import analyse
from workbench.cli.source import read_source
from workbench.reporting.document import Figure
from workbench.store import Store, reference_store

PICTURES = {"isoflop": (900, 520)}
"""Name of a figure of the report → width and height in pixels, drawn at twice that."""

WIDTHS = (980, 460)
"""The same of the pictures of a sweep, of two panels."""


def main() -> None:
    """Write `docs/<name>.png` for every picture."""
    if sys.argv[1:]:
        store = Store(Path(sys.argv[1]))
        for name in (manifest["name"] for manifest in store.sweeps()):
            if name in OF_SWEEP:
                write(OF_SWEEP[name](store), *WIDTHS)
        return
    report = analyse(**read_source(reference_store(), None, None), name="quickstart")
    for block in (block for section in report.sections for block in section.blocks):
        if isinstance(block, Figure) and block.name in PICTURES:
            write(block, *PICTURES[block.name])


def mup_widths(store: Store) -> Figure:
    """Loss against rate at each width, in the standard parameterisation and under μP."""
    table = rates.points(store.runs(), store.manifest("mup-widths"))
    return rates.figure(table, rates.optima(table))


def critical_batch(store: Store) -> Figure:
    """The critical batch by both measurements."""
    found = critical_batches(store.runs(), store.curves(), store.manifest("critical-batch"))
    return batch_report.figure(found[0])


OF_SWEEP = {"mup-widths": mup_widths, "critical-batch": critical_batch}
"""Name of a sweep → the picture of it."""


def write(block: Figure, width: int, height: int) -> None:
    """One picture, beside this file."""
    path = Path(__file__).parent / f"{block.name}.png"
    block.figure.write_image(path, width=width, height=height, scale=2)
    print(path)


if __name__ == "__main__":
    main()
