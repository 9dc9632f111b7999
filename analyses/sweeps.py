"""Which sweeps a store holds, how far each has come, and what it cost."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from workbench.analyses.samples import members, of_sweep
from workbench.reporting.document import Column, Table, Text

COLUMNS = (
    Column("sweep", "sweep"),
    Column("description", "what it is"),
    Column("state", "state"),
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


def progress(
    runs: pd.DataFrame, manifests: Iterable[Mapping[str, Any]], training: Collection[str] = ()
) -> pd.DataFrame:
    """One row a sweep: its state, planned, done, failed, and the FLOPs and time spent. `training` are being run now."""
    rows = []
    for manifest in manifests:
        mine = of_sweep(runs, manifest)
        definition = manifest.get("definition", {}).get("sweep", {})
        left = len(members(manifest)) - int((mine["status"] != "failed").sum())
        rows.append(
            {
                "sweep": str(manifest["name"]),
                "state": "in training" if manifest["name"] in training else "unfinished" if left else "complete",
                "description": str(manifest.get("description") or definition.get("description") or ""),
                "planned": len(members(manifest)),
                "done": int((mine["status"] == "done").sum()),
                "failed": int((mine["status"] != "done").sum()),
                "flops": float(mine["flops_spent"].sum()),
                "seconds": float(mine["seconds"].sum()),
            }
        )
    return pd.DataFrame(rows, columns=[column.key for column in COLUMNS])


def table(runs: pd.DataFrame, manifests: Iterable[Mapping[str, Any]], training: Collection[str] = ()) -> Table:
    """The same as a table to show."""
    frame = progress(runs, manifests, training)
    if (frame["description"] == "").all():
        frame = frame.drop(columns="description")
    return Table.of("sweeps", "Sweeps in this store", frame, COLUMNS)
