"""The table of runs: the store's columns, every key of the configurations, and a smoothed training loss."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.analyses import configs
from workbench.analyses.scaling_runs import RUN_COLUMNS
from workbench.analyses.selection import Selection
from workbench.errors import BadInput
from workbench.reporting.document import Block, Code, Column, Table, Text
from workbench.reporting.figures.pieces import plural
from workbench.store.schema import RUNS
from workbench.store.streaming import Curve

SMOOTHED: dict[str, Callable[[np.ndarray], Any]] = {"mean": np.mean, "median": np.median}
"""What the last points of a training loss are summed up by."""

SMOOTHED_COLUMN = "smoothed_train_loss"

TAIL = 20
"""Lines of an error that are shown: the last ones say what went wrong."""


def columns(selection: Selection) -> list[str]:
    """Every column a table may have: keys of the configuration that vary, the store's columns, the other keys."""
    keys = selection.configs.columns.tolist()
    varying, fixed = keys[: selection.keys_that_vary], keys[selection.keys_that_vary :]
    stored = [column.name for column in RUNS if column.name in selection.runs.columns and column.name != "config"]
    return [*stored[:1], *varying, *stored[1:], *fixed]


def usual(selection: Selection) -> list[str]:
    """The columns a table opens with: the report's, and the keys that vary and are not among them by another name."""
    shown = [column.key for column in RUN_COLUMNS]
    varying = selection.configs.columns[: selection.keys_that_vary]
    return [*shown, *(key for key in varying if key.rpartition(".")[2] not in shown)]


def table(selection: Selection, runs: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The runs with these columns."""
    keys = [name for name in names if name not in runs.columns and name in selection.configs.columns]
    wide = runs if not keys else runs.join(selection.configs[keys], on="run_id")
    return wide[[name for name in names if name in wide.columns]].reset_index(drop=True)


def whole(selection: Selection, runs: pd.DataFrame) -> pd.DataFrame:
    """The runs with every column of the store, and every key of their configurations as a column config.KEY."""
    keys = selection.configs.add_prefix("config.")
    return runs.join(keys, on="run_id").reset_index(drop=True)


def written(frame: pd.DataFrame, kind: str) -> bytes:
    """A table as a file: csv or parquet."""
    return frame.to_csv(index=False).encode() if kind == "csv" else frame.to_parquet(index=False)


def smoothed_loss(selection: Selection, how: str, points: int) -> pd.Series:
    """The mean or median of the last recorded training losses of each run, by run id."""

    def one(curve: Curve) -> float:
        loss = curve["train_loss"][np.argsort(curve["step"], kind="stable")]
        last = loss[np.isfinite(loss)][-points:]
        return float(SMOOTHED[how](last)) if len(last) else float("nan")

    def read() -> dict[str, float]:
        return selection.store.each_curve(("step", "train_loss"), one, selection.runs["run_id"])

    return pd.Series(selection.lately(("smoothed", how, points), read), name=SMOOTHED_COLUMN, dtype=float)


def chosen(selection: Selection, ids: Sequence[str]) -> list[Block]:
    """One run's configuration; of several, only the keys in which they differ."""
    runs = selection.runs.set_index("run_id", drop=False)
    if unknown := [run_id for run_id in ids if run_id not in runs.index]:
        raise BadInput(f"no run here is called {unknown[0]!r}; take ids from the table")
    if len(ids) == 1:
        run = runs.loc[[ids[0]]].iloc[0]
        return [_one(run), *_failure(run)]
    different = configs.differences(runs.loc[list(dict.fromkeys(ids))])
    if different.empty:
        return [Text(f"{plural(len(ids), 'run')}, all of the same configuration.")]
    shown = tuple(Column(run_id, run_id) for run_id in ids)
    same = selection.configs.shape[1] - len(different)
    caption = (
        f"Where the configurations of {plural(len(ids), 'run')} differ; {plural(same, 'other key')} "
        f"{'is' if same == 1 else 'are'} the same in all"
    )
    return [Table.of("differences", caption, different, (Column("key", "key"), *shown))]


def _one(run: "pd.Series[Any]") -> Block:
    keys = [{"key": key, "value": configs.written(value)} for key, value in configs.flat(json.loads(run["config"]))]
    columns = (Column("key", "key"), Column("value", "value"))
    return Table.of("configuration", f"The configuration of {run['run_id']}", pd.DataFrame(keys), columns)


def troubled(runs: pd.DataFrame, most: int = 10) -> list[Block]:
    """Runs that failed or diverged, with the last lines of what went wrong; nothing where all ended well."""
    bad = runs[runs["status"] != "done"]
    if bad.empty:
        return []
    said = f"{plural(len(bad), 'run')} of {len(runs):,} did not end well"
    said += f"; the first {most} are shown." if len(bad) > most else "."
    blocks: list[Block] = [Text(said, note=True)]
    for _, run in bad.head(most).iterrows():
        blocks += _failure(run)
    return blocks


def _failure(run: "pd.Series[Any]") -> list[Block]:
    """Why a run did not end well; nothing of one that did."""
    if run["status"] == "done":
        return []
    lines = run["error"].strip().splitlines()[-TAIL:] if isinstance(run["error"], str) else []
    return [Text(f"`{run['run_id']}` {run['status']}:"), Code("\n".join(lines) or "Nothing was recorded of why.")]
