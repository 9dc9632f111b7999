"""The one table every law reads: N, D, C and the loss of each run, with its conventions stated and nonsense refused.

Canonical columns: `n` (the primary N), `d` tokens, `c` FLOPs, `loss` in nats per token; and where they are known
`n_non_embedding`, `c_6nd`, `budget` (FLOPs of an isoFLOP design), `cluster` (runs that share a configuration), `trunk`
(runs that are one until their decays begin), `point` ("final" or "mid-schedule"), `run_id`, `rate_factor`, and those of
`columns.COLUMNS`; `row` is the number of the row in its source, the first being 1. `table.attrs["notes"]` and
`table.attrs["conventions"]` carry what a fit must repeat.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.tables import doubts, exports, reading
from workbench.fitting.tables.checks import checked, refuse_impossible, runs_said
from workbench.fitting.tables.columns import COLUMNS, CORE, plain_name
from workbench.fitting.tables.filtering import filtered
from workbench.fitting.tables.mapping import chosen, refuse_mapping, refuse_without_response
from workbench.fitting.tables.values import finished, read_values

__all__ = ["canonical", "checked", "described", "filtered", "final_points", "from_runs", "read_table", "stated"]

FROM_RUNS = {
    "run_id": "run_id",
    "n_params": "n",
    "n_params_non_embedding": "n_non_embedding",
    "tokens": "d",
    "flops": "c",
    "flops_6nd": "c_6nd",
    "loss": "loss",
    "loss_se": "loss_se",
    "budget": "budget",
    "design": "design",
    "config_id": "cluster",
    "trunk_id": "trunk",
    "role": "role",
    "rate_factor": "rate_factor",
    "unique_tokens": "u",
    "steps": "s",
    "batch_tokens": "batch",
    "vocab_size": "vocab",
}
"""Column of a store's runs → canonical column."""

STORE_CONVENTIONS = {
    "N": "n_params, every parameter of the model; the non-embedding count stands beside it",
    "D": "tokens the run was trained on",
    "C": "flops: matrix products with dense causal attention, backward as twice forward, no recomputation",
    "loss": "nats per token on the fixed held-out split",
}

UNLIKELY_LOSS = 20.0
"""Nats per token above which a mean loss is remarked on: ln of the largest vocabularies in use is below 13."""


def from_runs(
    runs: pd.DataFrame, curves: pd.DataFrame | None = None, *, keep_rate_checks: bool = False
) -> pd.DataFrame:
    """The canonical table of a store's runs; with `curves`, points in the middle of a schedule follow, so marked."""
    missing = [name for name in ("n_params", "tokens", "flops", "loss") if name not in runs]
    if missing:
        raise BadInput(f"the runs have no column {', '.join(missing)}; they have {', '.join(map(str, runs.columns))}.")
    notes: list[str] = []
    keep = pd.Series(True, index=runs.index)
    if "status" in runs:
        for status, many in runs["status"].value_counts().items():
            if status != "done":
                notes.append(f"{runs_said(int(many))} with status {status} left out.")
        keep &= runs["status"] == "done"
    if "role" in runs and not keep_rate_checks:
        for role, why in LEFT_OUT.items():
            many = int((keep & (runs["role"] == role)).sum())
            if many:
                notes.append(f"{runs_said(many)} {why} left out.")
        keep &= ~runs["role"].isin(LEFT_OUT)
    kept = runs[keep]
    table = pd.DataFrame({name: kept[column] for column, name in FROM_RUNS.items() if column in kept}).reset_index(
        drop=True
    )
    table["point"] = "final"
    if curves is not None and len(curves) and len(table):
        table = _with_curves(table, curves)
    return described(table, notes, STORE_CONVENTIONS)


LEFT_OUT = {
    "rate": "at another learning rate than the recipe's (rate checks)",
    "variant": "of a named change of the recipe (variants)",
}
"""Role → why its runs are no part of a law, unless asked for."""


def _with_curves(table: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Add the evaluated points in the middle of each kept run's schedule."""
    middle = curves[(curves["point"] == "mid-schedule") & curves["loss"].notna() & (curves["tokens"] > 0)]
    middle = middle[["run_id", "tokens", "flops", "loss"]].rename(columns={"tokens": "d", "flops": "c"})
    own = table.drop(columns=["d", "c", "loss", "point", "c_6nd", "loss_se", "s", "u"], errors="ignore")
    points = middle.merge(own, on="run_id", how="inner")
    if points.empty:
        return table
    points["point"] = "mid-schedule"
    return pd.concat([table, points], ignore_index=True)


ASSUMED = {
    "n": "taken as every parameter",
    "d": "taken as the tokens trained on, repeats included",
    "c": "taken as the FLOPs of training, forward and backward",
    "loss": "taken as nats per token",
}
"""What is assumed of a column that only its name describes."""


def canonical(table: pd.DataFrame, columns: Mapping[str, str] | None = None, source: str = "the table") -> pd.DataFrame:
    """A canonical table from any table: `columns` maps canonical names to the table's; known names are found alone.

    Where D is missing it is C/(6N), and where C is missing it is 6ND; the notes say so. Runs that an export calls
    unfinished are left out. Empty cells and NaN are missing values; other values that no run can have are refused.
    """
    return _canonical(table, np.arange(1, len(table) + 1), columns or {}, source)


def read_table(path: str | Path, columns: Mapping[str, str] | None = None, where: str | None = None) -> pd.DataFrame:
    """The canonical table of a file (CSV, TSV, parquet, JSON lines) or of an export of W&B, TensorBoard or MLflow.

    `where` is a DuckDB expression over the source's own columns; rows for which it is not true are left out.
    """
    path = Path(path)
    if not path.exists():
        raise BadInput(f"{path} is not a file; give a table ({', '.join(reading.SUFFIXES)}) or an export.")
    export = exports.read_folder(path) if path.is_dir() else None
    frame = reading.read_file(path) if export is None else export.frame
    kept = filtered(frame, where, str(path))
    return _canonical(kept, kept.index.to_numpy() + 1, columns or {}, str(path), export)


def _canonical(
    table: pd.DataFrame,
    rows: np.ndarray,
    given: Mapping[str, str],
    source: str,
    export: exports.Export | None = None,
) -> pd.DataFrame:
    """The canonical table of rows so numbered."""
    refuse_mapping(table, given, source)
    notes = list(export.notes) if export else []
    table = table.set_axis(rows, axis="index")
    table = finished(table, source, notes)
    rows = table.index.to_numpy()
    names = chosen(table, given, source, notes)
    read: dict[str, Any] = {}
    for name, column in list(names.items()):
        values = read_values(table[column], rows, name, column, source, given=name in given)
        if values is None:
            notes.append(f"Column {column} is not taken as {COLUMNS[name].meaning}: its values are none.")
            del names[name]
        else:
            read[name] = values
    refuse_without_response(table, names, source)
    frame = pd.DataFrame({**read, "row": rows}, index=table.index).reset_index(drop=True)
    refuse_impossible(frame, names, source)
    only_non_embedding = "n" not in frame and "n_non_embedding" in frame
    if only_non_embedding:
        frame = frame.rename(columns={"n_non_embedding": "n"})
        names["n"] = names.pop("n_non_embedding")
    sizes = frame["n"].set_axis(table.index) if "n" in frame else None
    notes[:0] = [*doubts.apart(table, names.values(), sizes), *doubts.units(frame)]
    conventions = _completed(frame, names, source, notes)
    if only_non_embedding or ("n" in frame and plain_name(names["n"]) in COLUMNS["n_non_embedding"].names):
        conventions["N"] = f"column {names['n']} of {source}, non-embedding parameters"
    if export:
        conventions["source"] = export.said
    return described(frame, notes, conventions)


def _completed(frame: pd.DataFrame, names: Mapping[str, str], source: str, notes: list[str]) -> dict[str, str]:
    """Complete D or C from the others, and state what was assumed."""
    said = {name: f"column {names[name]} of {source}, {ASSUMED[name]}" for name in CORE if name in frame}
    if "n" in frame and "c" in frame and "d" not in frame:
        frame["d"] = frame["c"] / (6 * frame["n"])
        said["d"] = "C/(6N)"
        notes.append("The table has no column of tokens: D is C/(6N).")
    elif "n" in frame and "d" in frame and "c" not in frame:
        frame["c"] = 6 * frame["n"] * frame["d"]
        said["c"] = "6ND"
        notes.append("The table has no column of compute: C is 6ND.")
    elif {"n", "d", "c"} <= set(frame.columns):
        ratio = (frame["c"] / (6 * frame["n"] * frame["d"])).dropna()
        if (abs(ratio - 1) < 0.01).all():
            said["c"] += "; it is 6ND within 1%"
        else:
            said["c"] += f"; {ratio.min():.3g} to {ratio.max():.3g} times 6ND"
            if not 0.2 <= ratio.median() <= 5:
                notes.append(
                    f"C is {ratio.median():.3g} times 6ND at the median: is it in FLOPs, and are N and D right?"
                )
    if "loss" in frame and (mean := frame["loss"].mean()) > UNLIKELY_LOSS:
        notes.append(f"The mean loss is {mean:.3g} nats per token: is it a perplexity, or a sum over tokens?")
    if "point" not in frame:
        frame["point"] = "final"
    return {(name.upper() if name in ("n", "d", "c") else name): text for name, text in said.items()}


def final_points(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The points where a run's schedule ended; those in the middle are never mixed in."""
    if "point" not in table:
        return table, ()
    final = table["point"].fillna("final") != "mid-schedule"
    if final.all():
        return table, ()
    return table[final], (f"{int((~final).sum())} evaluations in the middle of a run left out.",)


def stated(table: pd.DataFrame, convention: str) -> dict[str, str]:
    """The table's conventions, and which count of N the fit took."""
    if convention == "n_non_embedding":
        which = "non-embedding parameters"
    else:
        which = "total parameters" if "n_non_embedding" in table else "parameters as the table counts them"
    return {**table.attrs.get("conventions", {}), "fitted N": which}


def described(table: pd.DataFrame, notes: Sequence[str], conventions: Mapping[str, str]) -> pd.DataFrame:
    """The table with its notes and conventions attached."""
    table.attrs = {"notes": tuple(notes), "conventions": dict(conventions)}
    return table
