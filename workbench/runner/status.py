"""How far the runs of a plan have come, read from the store's files alone. Free of torch."""

import json
import math
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.models.config import DECODER
from workbench.runner.claims import held
from workbench.runner.packing import interrupted
from workbench.runner.plan import Plan, PlannedRun
from workbench.runner.watching import live_rows
from workbench.store import Store


def missing(plan: Plan, store: Store) -> list[PlannedRun]:
    """Runs of the plan that are neither done nor diverged."""
    rows = store.runs_by_id(run.run_id for run in plan.runs)
    finished = set(rows.loc[rows["status"] != "failed", "run_id"])
    return [run for run in plan.runs if run.run_id not in finished]


def statuses(plan: Plan, store: Store) -> pd.DataFrame:
    """One row per run of the plan: run_id, status, step, loss (the training loss while it is not done), idle, steps.

    Statuses are those of the table (done, diverged, failed), and before: running, interrupted (its checkpoint waits),
    waiting. `idle` is how many seconds ago a running one gave its last sign of a step: one that hangs gives none.
    """
    finished = _finished(plan, store)
    in_packs = {run_id: step for members, step in interrupted(store).items() for run_id in members}
    # A folder is listed once, and only the runs that have left something there are looked at one by one.
    alive, saved_ones = _names(store.live("any").parent), _names(store.checkpoints("any").parent)
    rows: list[dict[str, Any]] = []
    for run in plan.runs:
        run_id = run.run_id
        live = not alive.isdisjoint((f"{run_id}.lock", f"{run_id}.leases")) and held(store, run_id)
        if run_id in finished and not live:
            status, steps, loss = finished[run_id]
            step = 0 if status == "failed" else steps
            rows.append({"run_id": run_id, "status": status, "step": step, "loss": loss, "idle": 0.0})
        else:
            step, loss = _last_row(store, run_id) if live else (0, math.nan)
            saved = (checkpointed_step(store, run_id) if run_id in saved_ones else 0) or in_packs.get(run_id, 0)
            status = "running" if live else "interrupted" if saved else "waiting"
            idle = _idle(store, run_id) if live else 0.0
            rows.append({"run_id": run_id, "status": status, "step": max(step, saved), "loss": loss, "idle": idle})
    frame = pd.DataFrame(rows, columns=["run_id", "status", "step", "loss", "idle"])
    return frame.assign(steps=[run.horizon.steps for run in plan.runs])


def _finished(plan: Plan, store: Store) -> dict[str, tuple[str, int, float]]:
    """Run → status, steps and loss of those in the table."""
    rows = store.runs_by_id(run.run_id for run in plan.runs)
    columns = (rows[name].tolist() for name in ("run_id", "status", "steps", "loss"))
    return {run_id: (status, steps, loss) for run_id, status, steps, loss in zip(*columns, strict=True)}


def _names(folder: Path) -> set[str]:
    """Names of the files in a folder; none where it is not there."""
    try:
        return {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return set()


def older_sources(plan: Plan, store: Store) -> list[str]:
    """A sentence on each registered model of whose older source the store has finished runs of this sweep."""
    now = {run.config.model.architecture: run.config.model.fingerprint for run in plan.runs}
    if set(now) == {DECODER}:
        return []
    runs = store.runs()
    mine = runs.loc[(runs["sweep"] == plan.name) & (runs["status"] != "failed"), "config"]
    models = [json.loads(text)["model"] for text in mine]
    old = Counter(
        name
        for model in models
        if (name := model.get("architecture", DECODER)) != DECODER and model["fingerprint"] != now.get(name, "")
    )
    return [
        f"{store.folder} has {many} run{'s' if many > 1 else ''} of {plan.name} by another source of {name!r}: its "
        "fingerprint has changed, so they are not counted here"
        for name, many in old.items()
    ]


def checkpointed_step(store: Store, name: str) -> int:
    """The step that a run, or a pack, would go on from."""
    folder = store.checkpoints(name)
    return max((int(path.name) for path in folder.glob("*") if path.name.isdigit()), default=0)


def _idle(store: Store, run_id: str) -> float:
    try:
        return max(0.0, time.time() - store.live(run_id).stat().st_mtime)
    except FileNotFoundError:  # it has not begun its log, or has just ended
        return 0.0


def _last_row(store: Store, run_id: str) -> tuple[int, float]:
    """Step and training loss of the newest whole line of the live curve."""
    rows, _ = live_rows(store.live(run_id), 0)
    return (int(rows[-1]["step"]), float(rows[-1]["train_loss"])) if rows else (0, math.nan)
