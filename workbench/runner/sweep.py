"""Run a sweep: write its manifest, skip what is done, execute the rest, say what happened."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from workbench.corpus.shards import Corpus
from workbench.errors import Stopped
from workbench.files import remove_folder
from workbench.runner.backend import Backend, Event
from workbench.runner.plan import Plan
from workbench.runner.status import missing, statuses
from workbench.runner.worker import Job
from workbench.store import Store


@dataclass(frozen=True)
class SweepResult:
    """How a sweep ended: with every run of its plan done, diverged or failed."""

    done: int
    diverged: int
    failed: dict[str, str]
    """run id → why."""
    trained_now: int
    """Runs brought to their end by this call."""


def run_sweep(
    plan: Plan, corpus: Corpus, store: Store, backend: Backend, report: Callable[[Event], None] = lambda _: None
) -> SweepResult:
    """Train what is missing of a plan. Raises `Stopped` when asked to stop; the same call then resumes."""
    store.write_manifest(plan.manifest(corpus))
    jobs = [
        Job(run, plan.name, store.folder, corpus.folder, plan.definition.sweep.probes) for run in missing(plan, store)
    ]
    failed: dict[str, str] = {}
    started: set[str] = set()
    ended: set[str] = set()

    def note(event: Event) -> None:
        run_id = event.job.run.run_id
        if event.kind == "failed":
            failed[run_id] = event.message
        elif event.kind == "ended":
            ended.add(run_id)
        elif event.kind in ("started", "waiting"):
            (started.add if event.kind == "started" else started.discard)(run_id)
        report(event)

    with stop_on_signals() as stop:
        backend.execute(jobs, note, stop.is_set)
    left = [run for run in missing(plan, store) if run.run_id not in failed]
    if left:
        raise Stopped(f"{plan.name} stopped with {len(left)} of {len(plan.runs)} runs left; run it again to resume")
    status = statuses(plan, store).set_index("run_id")["status"]
    for run_id in status.index[status == "diverged"]:
        remove_folder(store.checkpoints(str(run_id)))  # where a worker was killed between its last two acts
    return SweepResult(
        done=int((status == "done").sum()),
        diverged=int((status == "diverged").sum()),
        failed=failed,
        trained_now=len(started & ended),
    )


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
