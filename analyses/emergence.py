"""Abilities against size: exact match and per-token probability side by side, with the threshold that each suggests.

A leap of exact match is no proof of a leap in ability: an answer of k tokens is right with about the k-th power of the
probability of one (Schaeffer et al. 2023, arXiv 2304.15004). Both are shown, fitted by the same curve.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.analyses.samples import samples
from workbench.errors import BadInput
from workbench.fitting.emergence import Threshold, fit_threshold
from workbench.fitting.record import Fit
from workbench.fitting.tables.canonical import LEFT_OUT
from workbench.reporting import figures
from workbench.reporting.document import Block, Code, Column, Figure, Table, Text
from workbench.reporting.figures.pieces import plural
from workbench.reporting.inline import slug

METRICS = ("exact_match", "token_probability")
"""The two that are compared."""

COLUMNS = ["run_id", "cluster", "task", "metric", "key", "n", "d", "c", "loss", "value", "se", "items", "chance"]

TABLE_COLUMNS = (
    Column("metric", "metric"),
    Column("key", "size of item"),
    Column("threshold", "threshold N_c", "count"),
    Column("threshold_interval", "interval", "interval-count"),
    Column("width", "width [ln N]", "number"),
    Column("floor", "floor", "number"),
    Column("ceiling", "ceiling", "number"),
    Column("remark", "remark"),
)


def task_points(runs: pd.DataFrame, evals: pd.DataFrame) -> pd.DataFrame:
    """Every task measurement of a finished run beside its N, D, C and loss. `key` is the items' size; "" is all items.

    `chance` is what answering without reading would reach; it is known for exact match alone.
    """
    if runs.empty or evals.empty:
        return pd.DataFrame(columns=COLUMNS)
    kept = runs[(runs["status"] == "done") & ~runs["role"].isin(LEFT_OUT)]
    known = kept[["run_id", "config_id", "n_params", "tokens", "flops", "loss", "steps"]]
    measured = evals[evals["probe"] == "task"].rename(columns={"n": "items"})
    # A probe of a checkpoint on the way is about another D than the run's.
    points = measured.merge(known, left_on=["run_id", "step"], right_on=["run_id", "steps"])
    points = points.rename(columns={"n_params": "n", "tokens": "d", "flops": "c", "config_id": "cluster"})
    points["task"] = [_task(settings) for settings in points["settings"]]
    chance = points[points["metric"] == "chance"].groupby(["task", "key"])["value"].mean().rename("chance")
    points = points.merge(chance.reset_index(), on=["task", "key"], how="left")
    points.loc[points["metric"] != "exact_match", "chance"] = np.nan
    return points.sort_values(["task", "metric", "key", "n", "run_id"], ignore_index=True)[COLUMNS]


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
    """The points of one task that its figure shows: the two metrics, by size of item where that is known."""
    chosen = points[(points["task"] == task) & points["metric"].isin(METRICS)]
    sizes = chosen[chosen["key"] != ""]
    return (chosen if sizes.empty else sizes).reset_index(drop=True)


def fits(
    points: pd.DataFrame, resamples: int = 200, seed: int = 0, level: float = 0.95
) -> dict[tuple[str, str], Fit | str]:
    """The threshold curve of each (metric, key), or the reason why there is none."""
    found: dict[tuple[str, str], Fit | str] = {}
    for (metric, key), group in points.groupby(["metric", "key"], sort=True):
        try:
            found[str(metric), str(key)] = fit_threshold(group, resamples=resamples, seed=seed, level=level)
        except BadInput as error:
            found[str(metric), str(key)] = str(error)
    return found


def threshold_table(fitted: Mapping[tuple[str, str], Fit | str]) -> pd.DataFrame:
    """One row a curve: its threshold with an interval, width, floor, ceiling, and a remark where it is undetermined."""
    rows: list[dict[str, Any]] = []
    for (metric, key), fit in fitted.items():
        row: dict[str, Any] = {"metric": metric.replace("_", " "), "key": key or "all"}
        if isinstance(fit, str):
            rows.append(row | {"remark": f"not fitted: {fit}"})
            continue
        low, high = fit.intervals.get("N_c", (float("nan"), float("nan")))
        row |= {"threshold": fit.params["N_c"], "threshold_interval": [low, high]}
        row |= {"width": fit.params["width"], "floor": fit.params["floor"], "ceiling": fit.params["ceiling"]}
        rows.append(row | {"remark": " ".join(fit.notes) or "determined"})
    return pd.DataFrame(rows, columns=[column.key for column in TABLE_COLUMNS])


def threshold_lines(fitted: Mapping[tuple[str, str], Fit | str], points: pd.DataFrame, count: int = 81) -> pd.DataFrame:
    """The fitted curves over the sizes measured: metric, key, n, value."""
    n = np.geomspace(float(points["n"].min()), float(points["n"].max()), count)
    law = Threshold()
    frames = [
        pd.DataFrame({"metric": metric, "key": key, "n": n, "value": law.predict(fit.params, n=n)})
        for (metric, key), fit in fitted.items()
        if isinstance(fit, Fit)
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["metric", "key", "n", "value"])


def blocks(
    runs: pd.DataFrame, evals: pd.DataFrame, resamples: int = 200, seed: int = 0, level: float = 0.95
) -> list[Block]:
    """For each task: the curves, the thresholds, and how to read them. Nothing where no task was measured."""
    found: list[Block] = []
    for task, of, points in measured(runs, evals):
        found += _task_blocks(task, of, points, fits(points, resamples, seed, level), level)
    return found


def measured(runs: pd.DataFrame, evals: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Each task measured, on which sweeps where there is a choice, and its points: one corpus at a time."""
    apart = samples(runs)
    for sample in apart:
        points = task_points(sample.runs, evals)
        for task in tasks_of(points):
            shown = drawn(points, task)
            if not shown.empty:
                yield task, sample.name.replace("'", "") if len(apart) > 1 else "", shown


def _task_blocks(
    task: str, of: str, points: pd.DataFrame, fitted: Mapping[tuple[str, str], Fit | str], level: float
) -> list[Block]:
    title = f"{task} ({of})" if of else task
    name = slug(title)
    caption = (
        f"{title}: exact match and the mean probability of an answer's token against size, "
        f"{plural(points['run_id'].nunique(), 'run')}; bars are one standard error over test items, lines the fitted "
        "threshold curves."
    )
    figure = figures.emergence(points, threshold_lines(fitted, points))
    shown = points[["n", "metric", "key", "value", "se", "items", "run_id"]]
    table = threshold_table(fitted)
    return [
        Text(
            f"Task `{task}`{f', on {of}' if of else ''}. A curve that leaps on the left and climbs evenly on the right "
            "leaps because the metric demands every token at once, not because the ability appears suddenly."
        ),
        Figure(f"task-{name}", caption, figure, shown),
        Code(Threshold.formula),
        Table.of(f"thresholds-{name}", f"{title}: thresholds, with {100 * level:g}% intervals", table, TABLE_COLUMNS),
    ]
