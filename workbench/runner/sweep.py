"""Run a sweep: write its manifest, skip what is done, execute the rest, say what happened."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from types import FrameType

from workbench.corpus.shards import Corpus
from workbench.errors import Stopped
from workbench.files import remove_folder
from workbench.models.config import DECODER
from workbench.models.own import imported
from workbench.runner.backend import Backend, Event
from workbench.runner.claims import tidy
from workbench.runner.jobs import Job
from workbench.runner.packing import interrupted, remove_finished
from workbench.runner.plan import Plan
from workbench.runner.status import checkpointed_step, missing, statuses
from workbench.runner.stopping import Asked, being_run
from workbench.store import Store


@dataclass(frozen=True)
class SweepResult:
    """How a sweep ended: with every run of its plan done, diverged or failed."""

    done: int
    diverged: int
    diverged_runs: tuple[str, ...]
    """Their ids."""
    failed: dict[str, str]
    """run id → why."""
    trained_now: int
    """Runs brought to their end by this call."""


def run_sweep(
    plan: Plan,
    corpus: Corpus,
    store: Store,
    backend: Backend,
    report: Callable[[Event], None] = lambda _: None,
    asked: Asked | None = None,
) -> SweepResult:
    """Train what is missing of a plan. Raises `Stopped` when asked to stop; the same call then resumes.

    `asked` is that of `being_run`, where the caller has told other processes already that the sweep is being run.
    """
    store.write_manifest(plan.manifest(corpus))
    jobs = make_jobs(plan, corpus, store)
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

    told = being_run(store, plan.name) if asked is None else nullcontext(asked)
    with stop_on_signals() as stop, told as asked_to_stop:
        backend.execute(jobs, note, lambda: stop.is_set() or asked_to_stop())
    left = [run for run in missing(plan, store) if run.run_id not in failed]
    if left:
        raise Stopped(f"{plan.name} stopped with {len(left)} of {len(plan.runs)} runs left; run it again to resume")
    remove_finished(store)
    tidy(store)
    status = statuses(plan, store).set_index("run_id")["status"]
    diverged = tuple(str(run_id) for run_id in status.index[status == "diverged"])
    for run_id in diverged:
        remove_folder(store.checkpoints(run_id))  # where a worker was killed between its last two acts
    return SweepResult(
        done=int((status == "done").sum()),
        diverged=len(diverged),
        diverged_runs=diverged,
        failed=failed,
        trained_now=len(started & ended),
    )


def make_jobs(plan: Plan, corpus: Corpus, store: Store) -> list[Job]:
    """What is missing of a plan: packs that were interrupted, as they were; then the plan's own; the rest alone."""
    by_id = {run.run_id: run for run in plan.runs}
    left = {run.run_id: None for run in missing(plan, store)}
    packs = [members for members in interrupted(store) if set(members) <= set(by_id) and set(members) & set(left)]
    taken = {run_id for members in packs for run_id in members}
    # A run with a checkpoint of its own goes on from it.
    free = [run_id for run_id in left if run_id not in taken and not checkpointed_step(store, run_id)]
    packs += [tuple(run_id for run_id in members if run_id in free) for members in plan.packs]
    taken |= {run_id for members in packs for run_id in members}
    packs += [(run_id,) for run_id in left if run_id not in taken]

    def job(members: tuple[str, ...]) -> Job:
        first, *others = (by_id[run_id] for run_id in members)
        probes = plan.definition.sweep.probes
        imports = () if first.config.model.architecture == DECODER else imported()
        branches = tuple(by_id[run_id] for run_id in left if by_id[run_id].parent_id == first.run_id)
        return Job(first, plan.name, store.folder, corpus.folder, probes, imports, tuple(others), branches)

    return [job(members) for members in packs if members]


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
