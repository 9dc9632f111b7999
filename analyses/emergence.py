"""Abilities against size: exact match and per-token probability side by side, with the threshold that each suggests.

A leap of exact match is no proof of a leap in ability: an answer of k tokens is right with about the k-th power of the
probability of one (Schaeffer et al. 2023, arXiv 2304.15004). Both are shown, fitted by the same curve.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.analyses import leaps, thresholds
from workbench.analyses.samples import samples
from workbench.fitting.tables.canonical import LEFT_OUT
from workbench.reporting import figures
from workbench.reporting.document import Block, Bullets, Code, Figure, Table, Text
from workbench.reporting.figures.pieces import plural
from workbench.reporting.inline import slug

EXACT = "exact_match"

BESIDE = {
    "token_probability": "the mean probability of an answer's token",
    "token_accuracy": "the share of an answer's tokens that come out right one by one",
    "answer_nll": "the surprise per token of the right answer",
}
"""Metrics of the same answers that do not ask for every token at once → what each is; the first is the default."""

COLUMNS = ["run_id", "cluster", "task", "metric", "key", "n", "d", "c", "loss", "value", "se", "items", "chance"]


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


@dataclass(frozen=True)
class Measured:
    """One task on runs that belong together, and what was measured of it."""

    task: str
    of: str
    """On which sweeps, where there is a choice; else empty."""
    points: pd.DataFrame

    @property
    def title(self) -> str:
        """The task, and of what."""
        return f"{self.task} ({self.of})" if self.of else self.task

    def drawn(self, beside: str) -> pd.DataFrame:
        """The points that a figure shows: exact match and one metric, by size of item where that is known."""
        return drawn(self.points, self.task, beside)


def drawn(points: pd.DataFrame, task: str, beside: str = "token_probability") -> pd.DataFrame:
    """The points of one task that its figure shows: exact match and one metric, by size of item where that is known."""
    chosen = points[(points["task"] == task) & points["metric"].isin((EXACT, beside))]
    sizes = chosen[chosen["key"] != ""]
    return (chosen if sizes.empty else sizes).reset_index(drop=True)


def measured(runs: pd.DataFrame, evals: pd.DataFrame) -> Iterator[Measured]:
    """Each task measured: one corpus at a time."""
    apart = samples(runs)
    for sample in apart:
        points = task_points(sample.runs, evals)
        for task in tasks_of(points):
            yield Measured(task, sample.name.replace("'", "") if len(apart) > 1 else "", points)


def blocks(
    runs: pd.DataFrame, evals: pd.DataFrame, resamples: int = 200, seed: int = 0, level: float = 0.95
) -> list[Block]:
    """For each task, against size: the curves, the thresholds, and how to read them. Nothing where none was."""
    found: list[Block] = []
    for one in measured(runs, evals):
        found += of_task(one, resamples=resamples, seed=seed, level=level)
    return found


def of_task(
    one: Measured,
    x: str = "n",
    beside: str = "token_probability",
    resamples: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> list[Block]:
    """The curves of one task against one axis, whether its leap survives, and the thresholds."""
    points = one.drawn(beside)
    if points.empty:
        return [Text(f"Task `{one.task}`: neither exact match nor {BESIDE[beside]} was measured.", note=True)]
    fitted = thresholds.fits(points, resamples, seed, level, x)
    axis, name = thresholds.AXES[x], slug(one.title) + ("" if x == "n" else f"-{x}")
    caption = (
        f"{one.title}: exact match and {BESIDE[beside]} against {axis.title}, "
        f"{plural(points['run_id'].nunique(), 'run')}; bars are one standard error over test items, lines the fitted "
        "threshold curves."
    )
    shown = points[[x, "metric", "key", "value", "se", "items", "run_id"]]
    figure = figures.emergence(points, thresholds.lines(fitted, points, x), x)
    table = f"{one.title}: thresholds, with {100 * level:g}% intervals"
    return [
        Text(
            f"Task `{one.task}`{f', on {one.of}' if one.of else ''}. A curve that leaps on the left and climbs evenly "
            "on the right leaps because the metric demands every token at once, not because the ability appears "
            "suddenly."
        ),
        *_leaps(leaps.sentences(fitted, beside, x), level, x),
        Figure(f"task-{name}", caption, figure, shown),
        Code(axis.formula),
        Table.of(f"thresholds-{name}", table, thresholds.table(fitted), thresholds.columns(x)),
    ]


def _leaps(sentences: list[str], level: float, x: str) -> list[Block]:
    """Whether each leap survives, and what is called a leap."""
    if not sentences:
        return []
    axis = thresholds.AXES[x]
    if axis.falls:
        how = "How far the loss falls while each rises. Whether a leap survives is judged against N, D or C."
    else:
        how = (
            f"Does the leap survive? A rise is called a leap where 10% to 90% of it takes less than a factor of "
            f"{leaps.LEAP:g} in {axis.symbol}."
        )
    return [Text(f"{how} In brackets {100 * level:g}% intervals."), Bullets(tuple(sentences))]
