"""The local backend: a pool of slots, each one worker process at a time. CPU cores, or k runs per GPU."""

import multiprocessing
import multiprocessing.context
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import torch

from workbench.errors import BadInput, Stopped
from workbench.runner.backend import Event, Kind
from workbench.runner.claims import finished, held
from workbench.runner.jobs import Job
from workbench.runner.output import last_lines
from workbench.runner.retries import Death, Retries, memory_kills
from workbench.runner.status import checkpointed_step
from workbench.runner.watching import live_rows
from workbench.runner.worker import BUSY_EXIT_CODE, record_failure, work
from workbench.store import Store
from workbench.training.devices import pick_device
from workbench.training.recording import Row

POLL_SECONDS = 0.1


@dataclass
class Slot:
    """Room for one worker."""

    device: str
    process: BaseProcess | None = None
    job: Job | None = None
    words: Connection | None = None
    """Where the worker's last words arrive."""
    offsets: dict[str, int] = field(default_factory=dict)
    """Run → how far its live curve has been read."""
    memory_kills: int = 0
    """The system's count when the worker was started."""


@dataclass
class LocalBackend:
    """Worker processes on this machine."""

    slots: list[Slot]
    context: multiprocessing.context.BaseContext = field(repr=False)
    taken: set[str] = field(default_factory=set)
    """Runs that another process was found to be training."""
    retries: Retries = field(default_factory=Retries)

    @classmethod
    def on_this_machine(
        cls, workers: int | None = None, per_device: int = 1, device: str = "auto", threads: int = 1
    ) -> "LocalBackend":
        """With GPUs, `per_device` slots on each; else one for every `threads` CPU cores. Or just `workers` of them."""
        gpus = _gpus(device)
        if gpus:
            count = workers or len(gpus) * per_device
            # CUDA does not survive a fork. The slots go around the GPUs, so that few workers do not share one.
            return cls([Slot(gpus[i % len(gpus)]) for i in range(count)], multiprocessing.get_context("spawn"))
        name = "cpu" if device == "auto" else device
        count = workers or max(1, usable_cores() // threads)
        # A server that has imported torch once forks a worker in milliseconds; it never touches CUDA. The first
        # optimizer of a process would import `torch._dynamo`: more than a second, for every run.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["workbench.runner.worker", "torch._dynamo"])
        return cls([Slot(name) for _ in range(count)], context)

    def execute(self, jobs: Sequence[Job], report: Callable[[Event], None], stop: Callable[[], bool]) -> None:
        """Run the jobs, longest first."""
        waiting = deque(sorted(jobs, key=lambda job: -_size(job)))
        stopping = False
        try:
            while waiting or any(slot.process for slot in self.slots):
                if stop() and not stopping:
                    stopping = True
                    waiting.clear()
                    self._terminate()
                for slot in self.slots:
                    if slot.process is None and (job := self._next(waiting, report)):
                        self._start(slot, job, report)
                    elif slot.process is not None:
                        self._look(slot, waiting, report, stopping)
                time.sleep(POLL_SECONDS)
        finally:
            self._terminate()
            for slot in self.slots:
                if slot.process:
                    slot.process.join()

    def _next(self, waiting: deque[Job], report: Callable[[Event], None]) -> Job | None:
        """Take the first job that no other process has; those that another process has finished meanwhile end here."""
        for job in list(waiting):
            store, ids = Store(job.store), {run.run_id for run in job.runs}
            if self._trunk_is_growing(job, waiting):
                continue
            if any(held(store, run_id) for run_id in ids):
                if not ids & self.taken:
                    self._take(job, report)
                continue
            waiting.remove(job)
            if not (ids & self.taken and all(finished(store, run_id) for run_id in ids)):
                return job
            _tell(report, "ended", job)
        return None

    def _trunk_is_growing(self, job: Job, waiting: Iterable[Job]) -> bool:
        """Whether a job is better begun later, from the checkpoint that its trunk will leave for it.

        Should the trunk fail, it is trained from the beginning, and ends with the same loss.
        """
        if not job.run.parent_id or checkpointed_step(Store(job.store), job.checkpoint_name):
            return False
        growing = [*waiting, *(slot.job for slot in self.slots if slot.job)]
        return any(run.run_id == job.run.parent_id for other in growing for run in other.runs)

    def _take(self, job: Job, report: Callable[[Event], None]) -> None:
        """Note that another process has the job."""
        self.taken.update(run.run_id for run in job.runs)
        _tell(report, "waiting", job, "another process is training it")

    def _start(self, slot: Slot, job: Job, report: Callable[[Event], None]) -> None:
        store = Store(job.store)
        slot.job, slot.offsets = job.on(slot.device), {run.run_id: 0 for run in job.runs}
        for run in job.runs:
            # What a killed run left of its live curve would be read as the new one's.
            store.live(run.run_id).unlink(missing_ok=True)
        slot.memory_kills = memory_kills()
        slot.words, theirs = self.context.Pipe(duplex=False)
        slot.process = self.context.Process(target=work, args=(slot.job, theirs))  # type: ignore[attr-defined]
        slot.process.start()
        theirs.close()
        step = checkpointed_step(store, job.checkpoint_name)
        for single in job.each:
            report(Event("started", single, row={"step": step}))

    def _look(self, slot: Slot, waiting: deque[Job], report: Callable[[Event], None], stopping: bool) -> None:
        assert slot.process is not None and slot.job is not None and slot.words is not None
        for single in slot.job.each:
            for row in _new_rows(slot, single):
                report(Event("progress", single, row=row))
        if slot.process.is_alive():
            return
        slot.process.join()
        job, exit_code, words = slot.job, slot.process.exitcode, _last_words(slot.words)
        slot.process, slot.job, slot.words = None, None, None
        if exit_code == BUSY_EXIT_CODE and not stopping:
            waiting.append(job)
            self._take(job, report)
        elif exit_code == 0:
            _tell(report, "ended", job)
        # A worker that was told to stop before it could listen is killed by the signal.
        elif exit_code == Stopped.exit_code or (stopping and not words):
            _tell(report, "stopped", job)
        elif exit_code == BadInput.exit_code:
            raise BadInput(words.splitlines()[0])
        else:
            killed = memory_kills() > slot.memory_kills
            step = checkpointed_step(Store(job.store), job.checkpoint_name)
            again = self._bury(job, Death(exit_code, words, step, killed), report)
            waiting.extendleft([] if stopping else reversed(again))

    def _bury(self, job: Job, death: Death, report: Callable[[Event], None]) -> list[Job]:
        """What is to be tried in place of a job whose worker died; where nothing is, the failure is recorded."""
        again, sentence = self.retries.after(job, death)
        if again:
            _tell(report, "retrying", job, sentence)
        else:
            printed = last_lines(Store(job.store).output(job.checkpoint_name))
            record_failure(job, "\n".join([sentence, *death.words.splitlines()[1:], *printed]))
            _tell(report, "failed", job, sentence)
        return again

    def _terminate(self) -> None:
        for slot in self.slots:
            if slot.process and slot.process.is_alive():
                slot.process.terminate()


def usable_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpus(device: str) -> list[str]:
    """The GPUs that a device's name stands for: all of them for `auto` and `cuda`, none for another kind."""
    if device not in ("auto", "cuda"):
        return [device] if pick_device(device).type == "cuda" else []
    if pick_device(device).type != "cuda":
        return []
    return [f"cuda:{index}" for index in range(torch.cuda.device_count())]


def _size(job: Job) -> float:
    """What to sort by: the estimated time, or FLOPs where there is no estimate."""
    seconds = sum(run.seconds for run in job.runs)
    return seconds if seconds == seconds else sum(run.horizon.flops for run in job.runs)  # NaN is not equal to itself


def _tell(report: Callable[[Event], None], kind: Kind, job: Job, message: str = "") -> None:
    """Report of every run of a job."""
    for single in job.each:
        report(Event(kind, single, message=message))


def _last_words(words: Connection) -> str:
    """What the worker said before it left; nothing, mostly."""
    with words:
        try:
            return words.recv_bytes().decode() if words.poll() else ""
        except EOFError:
            return ""


def _new_rows(slot: Slot, job: Job) -> list[Row]:
    """Rows appended to a run's live curve since the last look."""
    run_id = job.run.run_id
    rows, slot.offsets[run_id] = live_rows(Store(job.store).live(run_id), slot.offsets[run_id])
    return rows
