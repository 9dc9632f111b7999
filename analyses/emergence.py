"""Abilities against size: exact match and per-token probability side by side, with the threshold that each suggests.

A leap of exact match is no proof of a leap in ability: an answer of k tokens is right with about the k-th power of the
probability of one (Schaeffer et al. 2023, arXiv 2304.15004). Both are shown, fitted by the same curve.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.reporting import figures, formats
from workbench.reporting.document import Block, Column, Figure, Report, Section, Table, Text
from workbench.reporting.figures.pieces import plural

METRICS = ("exact_match", "token_probability")
"""The two that are compared."""

COLUMNS = ["run_id", "task", "metric", "key", "n", "d", "c", "loss", "value", "se", "items"]


def task_points(runs: pd.DataFrame, evals: pd.DataFrame) -> pd.DataFrame:
    """Every task measurement beside its run's N, D, C and loss. `key` is the items' size; empty for all items."""
    if runs.empty or evals.empty:
        return pd.DataFrame(columns=COLUMNS)
    measured = evals[evals["probe"] == "task"].rename(columns={"n": "items"})
    # A probe of a checkpoint on the way is about another D than the run's.
    known = runs[["run_id", "n_params", "tokens", "flops", "loss", "steps"]]
    points = measured.merge(known, left_on=["run_id", "step"], right_on=["run_id", "steps"])
    points = points.rename(columns={"n_params": "n", "tokens": "d", "flops": "c"})
    points["task"] = [_task(settings) for settings in points["settings"]]
    ordered = points.sort_values(["task", "metric", "key", "n", "run_id"], ignore_index=True)
    return ordered[COLUMNS]


def _task(settings: object) -> str:
    try:
        parsed: Mapping[str, Any] = json.loads(str(settings))
    except json.JSONDecodeError:
        return "task"
    return str(parsed.get("task", "task"))


def tasks_of(points: pd.DataFrame) -> list[str]:
    """The names of the tasks measured."""
    return sorted(points["task"].unique().tolist())


def drawn(points: pd.DataFrame, task: str) -> pd.DataFrame:
    """The points of one task that its figure shows: the two metrics, by size of item where there are several."""
    chosen = points[(points["task"] == task) & points["metric"].isin(METRICS)]
    sizes = chosen[chosen["key"] != ""]
    return (sizes if sizes["key"].nunique() > 1 else chosen[chosen["key"] == ""] if sizes.empty else sizes).copy()


def blocks(runs: pd.DataFrame, evals: pd.DataFrame) -> list[Block]:
    """For each task: the curves, the thresholds, and what the comparison says. Nothing where no task was measured."""
    points = task_points(runs, evals)
    found: list[Block] = []
    for task in tasks_of(points):
        found += _task_blocks(task, drawn(points, task))
    return found


def _task_blocks(task: str, points: pd.DataFrame) -> list[Block]:
    if points.empty:
        return []
    fitted, lines = thresholds(points)
    caption = (
        f"{task}: exact match and the mean probability of an answer's token against size, {plural(points['run_id'].nunique(), 'run')}"
        f"; bars are one standard error over test items, lines the fitted threshold curves."
    )
    shown = points[["n", "metric", "key", "value", "se", "items", "run_id"]].reset_index(drop=True)
    columns = (
        Column("metric", "metric"),
        Column("key", "size of item"),
        Column("threshold", "threshold N_c", "count"),
        Column("threshold_interval", "interval", "interval-count"),
        Column("base", "below it", "number"),
        Column("top", "far above it", "number"),
        Column("remark", "remark"),
    )
    return [
        Text(
            f"Task `{task}`. A curve that leaps on the left and climbs evenly on the right leaps because the metric demands "
            "every token at once, not because the ability appears suddenly."
        ),
        Figure(f"task-{task}", caption, figures.emergence(points, lines), shown),
        Table.of(f"thresholds-{task}", f"{task}: the fitted thresholds", fitted, columns),
    ]
