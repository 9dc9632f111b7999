"""Run a sweep: write its manifest, skip what is done, execute the rest, say what happened."""

import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import pandas as pd

from workbench.corpus.shards import Corpus
from workbench.errors import Stopped
from workbench.runner.backend import Backend, Event
from workbench.runner.plan import Plan, PlannedRun
from workbench.runner.worker import Job
from workbench.store import Store


@dataclass(frozen=True)
class SweepResult:
    """How a sweep ended."""

    done: int
    diverged: int
    failed: dict[str, str]
    """run id → why."""
    trained_now: int


def run_sweep(
    plan: Plan, corpus: Corpus, store: Store, backend: Backend, report: Callable[[Event], None] = lambda _: None
) -> SweepResult:
    """Train what is missing of a plan. Raises `Stopped` when asked to stop; the same call then resumes."""
    store.write_manifest(plan.manifest(corpus))
    todo = missing(plan, store)
    jobs = [Job(run, plan.name, store.folder, corpus.folder, plan.definition.sweep.probes) for run in todo]
    failed: dict[str, str] = {}

    def note(event: Event) -> None:
        if event.kind == "failed":
            failed[event.job.run.run_id] = event.message
        report(event)

    with stop_on_signals() as stop:
        backend.execute(jobs, note, stop.is_set)
        if stop.is_set():
            left = len(missing(plan, store))
            raise Stopped(f"{plan.name} stopped with {left} of {len(plan.runs)} runs left; run it again to resume")
    status = statuses(plan, store)
    return SweepResult(
        done=int((status["status"] == "done").sum()),
        diverged=int((status["status"] == "diverged").sum()),
        failed=failed,
        trained_now=len(jobs) - len(failed),
    )


def missing(plan: Plan, store: Store) -> list[PlannedRun]:
    """Runs of the plan that are neither done nor diverged."""
    rows = store.runs_by_id(run.run_id for run in plan.runs)
    finished = set(rows.loc[rows["status"] != "failed", "run_id"])
    return [run for run in plan.runs if run.run_id not in finished]


def statuses(plan: Plan, store: Store) -> pd.DataFrame:
    """One row per run of the plan: run_id, status (waiting where there is none yet), step, steps, loss."""
    finished = store.runs_by_id(run.run_id for run in plan.runs).set_index("run_id")
    rows: list[dict[str, Any]] = []
    for run in plan.runs:
        if run.run_id in finished.index:
            row = finished.loc[run.run_id]
            rows.append({"run_id": run.run_id, "status": row["status"], "step": row["steps"], "loss": row["loss"]})
        else:
            rows.append({"run_id": run.run_id, **_live(store, run.run_id)})
    frame = pd.DataFrame(rows, columns=["run_id", "status", "step", "loss"])
    return frame.assign(steps=[run.horizon.steps for run in plan.runs])


def _live(store: Store, run_id: str) -> dict[str, Any]:
    path = store.live(run_id)
    lines = path.read_text().splitlines() if path.is_file() else []
    if not lines:
        checkpointed = any(path.name.isdigit() for path in store.checkpoints(run_id).glob("*"))
        return {"status": "interrupted" if checkpointed else "waiting", "step": 0, "loss": float("nan")}
    row = json.loads(lines[-1])
    return {"status": "running", "step": row["step"], "loss": row["train_loss"]}


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set while inside; elsewhere than in the main thread, nothing is caught."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def catch(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stop.set()

    before = {number: signal.signal(number, catch) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
