"""Which sweeps a store holds, how far each has come, and what it cost."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from workbench.analyses.samples import members, of_sweep
from workbench.reporting.document import Column, Table, Text

COLUMNS = (
    Column("sweep", "sweep"),
    Column("description", "what it is"),
    Column("planned", "runs planned", "integer"),
    Column("done", "done", "integer"),
    Column("failed", "diverged or failed", "integer"),
    Column("flops", "FLOPs spent", "power"),
    Column("seconds", "training time", "seconds"),
)

NO_RUNS = Text(
    "There is no finished run here yet. `workbench sweep run DEFINITION --store STORE` trains a sweep into this store; "
    "this page shows each run as it ends.",
    note=True,
)
"""What a page says of an empty store."""


def progress(runs: pd.DataFrame, manifests: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a sweep: planned, done, failed, and the FLOPs and time spent."""
    rows = []
    for manifest in manifests:
        mine = of_sweep(runs, manifest)
        definition = manifest.get("definition", {}).get("sweep", {})
        rows.append(
            {
                "sweep": str(manifest["name"]),
                "description": str(manifest.get("description") or definition.get("description") or ""),
                "planned": len(members(manifest)),
                "done": int((mine["status"] == "done").sum()),
                "failed": int((mine["status"] != "done").sum()),
                "flops": float(mine["flops_spent"].sum()),
                "seconds": float(mine["seconds"].sum()),
            }
        )
    return pd.DataFrame(rows, columns=[column.key for column in COLUMNS])


def table(runs: pd.DataFrame, manifests: Iterable[Mapping[str, Any]]) -> Table:
    """The same as a table to show."""
    frame = progress(runs, manifests)
    if (frame["description"] == "").all():
        frame = frame.drop(columns="description")
    return Table.of("sweeps", "Sweeps in this store", frame, COLUMNS)
