"""What is left of a sweep: FLOPs as planned, and time from the speed of the runs seen so far."""

import math
from dataclasses import dataclass

import pandas as pd

from workbench.analyses.live import UNFINISHED, Look
from workbench.reporting import formats
from workbench.reporting.figures.pieces import plural


@dataclass(frozen=True)
class Left:
    """Of the runs that have not ended; those that failed wait for somebody to run the sweep again."""

    flops: float
    """NaN where a manifest of an older version does not say."""
    spent: float
    """FLOPs of what has been done."""
    seconds: float
    """NaN where nothing is known."""
    how: str
    """Where `seconds` come from, or why there are none."""


def left(look: Look) -> Left:
    """What the unfinished runs of a sweep will take."""
    runs = look.runs
    unfinished = runs["status"].isin(UNFINISHED)
    flops = float((runs["flops"] * (1 - runs["share"]))[unfinished].sum(skipna=False))
    begun = runs["share"] > 0
    spent = float((runs["flops"] * runs["share"])[begun].sum(skipna=False))
    seconds, how = _time(look)
    return Left(flops, spent, seconds, how)


def _time(look: Look) -> tuple[float, str]:
    """Seconds until the last run ends, if the workers that train now go on at the speed seen so far."""
    if look.complete:
        return 0.0, "every run has ended"
    if not look.slots:
        return math.nan, "no worker is training"
    runs = look.runs.assign(work=_work(look.runs))
    running = runs["status"].isin(["running", "silent"])
    # Runs that one process trains as a pack share its time.
    mates = runs.groupby("worker")["run_id"].transform("size").where(running, 1)
    # A branch goes on in the time of its trunk, and one that diverged did only a part of its work.
    seen = runs[(runs["status"] == "done") | (running & (runs["branch_step"] == 0))].assign(mates=mates)
    seen = seen[(seen["share"] > 0) & (seen["seconds"] > 0)]
    todo = (runs["work"] * (1 - runs["share"]))[runs["status"].isin(UNFINISHED)]
    if seen.empty:
        return math.nan, "no run has come far enough to know its speed"
    if todo.isna().any() or seen["work"].isna().any():
        return math.nan, "the sweep's manifest was written by an older version, which did not say what a run takes"
    speed = float((seen["work"] * seen["share"]).sum() / (seen["seconds"] / seen["mates"]).sum())
    # No sooner than the slowest run by itself: one that is running at the pace of its own.
    own = (seen["work"] * seen["share"] / seen["seconds"]).where(running)
    alone = todo / own.reindex(todo.index).fillna(speed)
    seconds = max(float(todo.sum()) / (speed * look.slots), float(alone.max()))
    return seconds, _said(runs, speed, len(seen), look.slots)


def _work(runs: pd.DataFrame) -> pd.Series:
    """Seconds as planned, which know that small models are slow for their FLOPs; FLOPs where they are not known."""
    counted = runs["status"] != "failed"
    return runs["expected"] if runs.loc[counted, "expected"].notna().all() else runs["flops"]


def _said(runs: pd.DataFrame, speed: float, seen: int, workers: int) -> str:
    base = f"from the speed of {plural(seen, 'run')} so far"
    if runs["work"].equals(runs["expected"]):
        base += f" ({formats.number(1 / speed, 2)} times as long as planned)"
    else:
        base += f" ({formats.power(speed, 2)} FLOP/s a worker)"
    return f"{base}, if {plural(workers, 'worker')} {'goes' if workers == 1 else 'go'} on"
