"""How far the runs of a plan have come, read from the store's files alone. Free of torch."""

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.models.config import DECODER
from workbench.runner.claims import held
from workbench.runner.packing import interrupted
from workbench.runner.plan import Plan, PlannedRun
from workbench.runner.watching import Tails
from workbench.store import Store

IDLE_SECONDS = 60.0
"""From here on it is said how long a running run has given no sign of a step."""

CLAIMS = (".lock", ".leases")
"""Endings of what says whose a run is."""


def missing(plan: Plan, store: Store) -> list[PlannedRun]:
    """Runs of the plan that are neither done nor diverged."""
    rows = store.runs_by_id(run.run_id for run in plan.runs)
    finished = set(rows.loc[rows["status"] != "failed", "run_id"])
    return [run for run in plan.runs if run.run_id not in finished]


End = tuple[str, int, float]
"""Of a run in the table: its status, steps and loss."""


def statuses(plan: Plan, store: Store) -> pd.DataFrame:
    """One row per run of the plan: run_id, status, step, loss, idle (see `states`), steps, size, level."""
    runs = plan.runs
    frame = states(store, [run.run_id for run in runs], lambda: _ended(plan, store), Tails(store).last)
    steps, sizes, levels = zip(*((run.horizon.steps, run.size, run.level) for run in runs), strict=True)
    return frame.assign(steps=steps, size=sizes, level=levels)


def states(
    store: Store,
    run_ids: Sequence[str],
    ended: Callable[[], Mapping[str, End]],
    last: Callable[[str], tuple[int, float]],
) -> pd.DataFrame:
    """One row per run: run_id, status, step, loss (the training loss while it is not done), idle.

    Statuses are those of the table (done, diverged, failed), and before: running, interrupted (its checkpoint waits),
    waiting. `idle` is how many seconds ago a running one gave its last sign of a step: one that hangs gives none.
    `ended` reads what the table has, `last` the newest step and training loss of a running one.
    """
    # A folder is listed once, and only the runs that have left something there are looked at one by one. They are
    # looked at before the table is: a run that ends meanwhile is then found in it.
    in_packs = {run_id: step for members, step in interrupted(store).items() for run_id in members}
    saved_ones = _names(store.checkpoints("any").parent)
    claims = {name.rpartition(".")[0] for name in _names(store.live("any").parent) if name.endswith(CLAIMS)}
    alive = {run_id for run_id in run_ids if run_id in claims and held(store, run_id)}
    finished = ended()
    rows: list[dict[str, Any]] = []
    for run_id in run_ids:
        status, steps, loss = finished.get(run_id, ("", 0, math.nan))
        live = run_id in alive and status not in ("done", "diverged")  # a failed one may be tried again
        if status and not live:
            step = 0 if status == "failed" else steps
            rows.append({"run_id": run_id, "status": status, "step": step, "loss": loss, "idle": 0.0})
        else:
            step, loss = last(run_id) if live else (0, math.nan)
            saved = (checkpointed_step(store, run_id) if run_id in saved_ones else 0) or in_packs.get(run_id, 0)
            status = "running" if live else "interrupted" if saved else "waiting"
            idle = _idle(store, run_id) if live else 0.0
            rows.append({"run_id": run_id, "status": status, "step": max(step, saved), "loss": loss, "idle": idle})
    return pd.DataFrame(rows, columns=["run_id", "status", "step", "loss", "idle"])


def _ended(plan: Plan, store: Store) -> dict[str, End]:
    """Those of the plan's runs that are in the table; of one that diverged, the step is the last of its curve."""
    rows = store.runs_by_id(run.run_id for run in plan.runs)
    columns = (rows[name].tolist() for name in ("run_id", "status", "steps", "loss"))
    return {
        run_id: (status, _last_step(store, run_id) if status == "diverged" else steps, loss)
        for run_id, status, steps, loss in zip(*columns, strict=True)
    }


def _last_step(store: Store, run_id: str) -> int:
    steps = store.curves(run_id)["step"]
    return int(steps.max()) if len(steps) else 0


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
