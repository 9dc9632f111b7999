"""The one table every law reads: N, D, C and the loss of each run, with its conventions stated and nonsense refused.

Canonical columns: `n` (the primary N), `d` tokens, `c` FLOPs, `loss` in nats per token; and where they are known
`n_non_embedding`, `c_6nd`, `budget` (FLOPs of an isoFLOP design), `cluster` (runs that share a configuration),
`point` ("final" or "mid-schedule"), `run_id`, `rate_factor`. `table.attrs["notes"]` and `table.attrs["conventions"]`
carry what a fit must repeat.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.record import NotIdentifiable

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
    "role": "role",
    "rate_factor": "rate_factor",
}
"""Column of a store's runs → canonical column."""

STORE_CONVENTIONS = {
    "N": "n_params, every parameter of the model; the non-embedding count stands beside it",
    "D": "tokens the run was trained on",
    "C": "flops: matrix products with dense causal attention, backward as twice forward, no recomputation",
    "loss": "nats per token on the fixed held-out split",
}

ALIASES = {
    "n": ("n", "n_params", "params", "N"),
    "d": ("d", "tokens", "D"),
    "c": ("c", "flops", "C"),
    "loss": ("loss", "L"),
    "n_non_embedding": ("n_non_embedding", "n_params_non_embedding", "N_no_embed"),
    "budget": ("budget",),
    "cluster": ("cluster", "config_id"),
    "point": ("point",),
    "run_id": ("run_id", "name"),
    "c_6nd": ("c_6nd", "flops_6nd"),
    "role": ("role",),
    "rate_factor": ("rate_factor",),
}
"""Canonical column → names under which a table may have it, the first found wins."""


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
                notes.append(f"{_runs(int(many))} with status {status} left out.")
        keep &= runs["status"] == "done"
    if "role" in runs and not keep_rate_checks:
        checks = keep & (runs["role"] == "rate")
        if checks.any():
            notes.append(
                f"{_runs(int(checks.sum()))} at another learning rate than the recipe's (rate checks) left out."
            )
        keep &= runs["role"] != "rate"
    kept = runs[keep]
    table = pd.DataFrame({name: kept[column] for column, name in FROM_RUNS.items() if column in kept}).reset_index(
        drop=True
    )
    table["point"] = "final"
    if curves is not None and len(curves) and len(table):
        table = _with_curves(table, curves)
    return described(table, notes, STORE_CONVENTIONS)


def _with_curves(table: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Add the evaluated points in the middle of each kept run's schedule."""
    middle = curves[(curves["point"] == "mid-schedule") & curves["loss"].notna() & (curves["tokens"] > 0)]
    middle = middle[["run_id", "tokens", "flops", "loss"]].rename(columns={"tokens": "d", "flops": "c"})
    own = table.drop(columns=["d", "c", "loss", "point", "c_6nd", "loss_se"], errors="ignore")
    points = middle.merge(own, on="run_id", how="inner")
    if points.empty:
        return table
    points["point"] = "mid-schedule"
    return pd.concat([table, points], ignore_index=True)


def canonical(table: pd.DataFrame, columns: Mapping[str, str] | None = None, source: str = "the table") -> pd.DataFrame:
    """A canonical table from any table: `columns` maps canonical names to the table's; known names are found alone.

    Where D is missing it is C/(6N), and where C is missing it is 6ND; the notes say so.
    """
    columns = dict(columns or {})
    unknown = [name for name in columns if name not in ALIASES]
    if unknown:
        raise BadInput(f"columns names '{unknown[0]}', which no law uses; it must be one of {', '.join(ALIASES)}.")
    out: dict[str, pd.Series] = {}
    for name, aliases in ALIASES.items():
        if name in columns:
            if columns[name] not in table:
                raise BadInput(_missing(source, name, columns[name], table))
            out[name] = table[columns[name]]
        else:
            found = next((alias for alias in aliases if alias in table), None)
            if found is not None:
                out[name] = table[found]
                columns[name] = found
    if "loss" not in out:
        raise BadInput(_missing(source, "loss", "loss", table))
    frame = pd.DataFrame(out).reset_index(drop=True)
    for name in ("n", "d", "c", "loss", "n_non_embedding", "budget"):
        if name in frame:
            frame[name] = _numbers(frame[name], columns[name], source)
    notes: list[str] = []
    said = {name: f"column {columns[name]} of {source}" for name in ("n", "d", "c", "loss") if name in frame}
    if "n" in frame and "c" in frame and "d" not in frame:
        frame["d"] = frame["c"] / (6 * frame["n"])
        said["d"] = "C/(6N)"
        notes.append("The table has no column of tokens: D is C/(6N).")
    elif "n" in frame and "d" in frame and "c" not in frame:
        frame["c"] = 6 * frame["n"] * frame["d"]
        said["c"] = "6ND"
        notes.append("The table has no column of compute: C is 6ND.")
    if "point" not in frame:
        frame["point"] = "final"
    conventions = {("loss" if name == "loss" else name.upper()): text for name, text in said.items()}
    return described(frame, notes, conventions)


def read_table(path: str | Path, columns: Mapping[str, str] | None = None, where: str | None = None) -> pd.DataFrame:
    """The canonical table of a CSV or parquet file, filtered by the DuckDB expression `where`."""
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"{path} is not a file; give a store, or a table as .csv or .parquet.")
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise BadInput(f"{path} ends in '{path.suffix}'; a table must be .csv or .parquet.")
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty; a table needs a header and rows.")
    try:
        frame = pd.read_csv(path) if path.suffix.lower() == ".csv" else pd.read_parquet(path)
    except Exception as error:  # the readers raise a dozen kinds; each means the file is not what it claims to be
        raise BadInput(f"{path} cannot be read as {path.suffix[1:].lower()}: {_first_line(error)}") from error
    if frame.empty:
        raise BadInput(f"{path} has a header but no rows; a fit needs runs.")
    return canonical(filtered(frame, where, str(path)), columns, str(path))


def filtered(table: pd.DataFrame, where: str | None, source: str = "the table") -> pd.DataFrame:
    """The rows for which a DuckDB boolean expression over the table's columns is true, in their order."""
    if where is None or not where.strip():
        return table
    import duckdb

    plain = table.loc[:, [column for column in table.columns if isinstance(column, str)]]
    rows = plain.assign(_row=np.arange(len(plain)))
    with duckdb.connect(":memory:", config={"enable_external_access": "false", "threads": "1"}) as database:
        database.register("source", rows)
        database.execute("SET lock_configuration = true")
        try:
            # As a column rather than spliced after WHERE, the text can only be one expression.
            found = database.execute(f"SELECT _row, CAST(({where}) AS BOOLEAN) AS keep FROM source").fetchnumpy()
        except duckdb.Error as error:
            raise BadInput(
                f"where is '{where}', which is no boolean expression over the columns "
                f"{', '.join(map(str, plain.columns))}: {_first_line(error)}"
            ) from error
    keep = np.zeros(len(table), dtype=bool)
    chosen = np.ma.filled(np.ma.asarray(found["keep"]), False).astype(bool)
    keep[found["_row"][chosen]] = True
    if not keep.any():
        raise BadInput(f"where is '{where}', which no row of {source} satisfies.")
    return table[keep]


def checked(table: pd.DataFrame, needs: Sequence[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows a law can use, with notes on those dropped; values that no run can have are refused."""
    if len(table) == 0:
        raise BadInput("the table is empty; a fit needs runs.")
    missing = [name for name in needs if name not in table]
    if missing:
        raise NotIdentifiable(
            f"the law needs the column {missing[0]}; the table has {', '.join(map(str, table.columns))}."
        )
    notes: list[str] = []
    absent = table[list(needs)].isna().any(axis=1)
    if absent.any():
        notes.append(f"{_runs(int(absent.sum()))} with a missing value among {', '.join(needs)} left out.")
        table = table[~absent]
        if len(table) == 0:
            raise BadInput(f"every row lacks a value among {', '.join(needs)}; a fit needs runs.")
    meaning = {"loss": "a loss", "d": "a number of tokens", "c": "a number of FLOPs"}
    for name in needs:
        values = table[name].to_numpy(dtype=np.float64)
        wrong = ~(np.isfinite(values) & (values > 0))
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            said = meaning.get(name, "a number of parameters")
            raise BadInput(f"{name} is {values[row]:g} in row {table.index[row]}; {said} must be positive and finite.")
    return table.reset_index(drop=True), tuple(notes)


def final_points(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The points where a run's schedule ended; those in the middle are never mixed in."""
    if "point" not in table:
        return table, ()
    final = table["point"].fillna("final") != "mid-schedule"
    if final.all():
        return table, ()
    return table[final], (f"{int((~final).sum())} points in the middle of a schedule left out.",)


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


def _numbers(values: pd.Series, column: str, source: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    broken = numbers.isna() & values.notna()
    if broken.any():
        row = values.index[broken][0]
        raise BadInput(f"{source}, column {column}, row {row}: '{values[row]}' is not a number.")
    return numbers


def _missing(source: str, name: str, column: str, table: pd.DataFrame) -> str:
    there = ", ".join(map(str, table.columns))
    return f"{source} has no column '{column}' for {name}; it has {there} (name one with --columns {name}=…)."


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


def _runs(many: int) -> str:
    return f"{many} run{'' if many == 1 else 's'}"
