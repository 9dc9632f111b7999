"""The loop that every backend shares: which job is next, where it runs, what becomes of it when its worker ends.

A backend says what a slot is, the room for one worker: how a job is started there, and how it is seen to end. All else
is here: the order of the jobs, runs that another process trains, progress, retries, failures, stopping.
"""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from workbench.errors import BadInput, Stopped
from workbench.runner.backend import Event, Kind
from workbench.runner.claims import held
from workbench.runner.ending import BUSY_EXIT_CODE, Ending
from workbench.runner.jobs import Job
from workbench.runner.output import last_lines
from workbench.runner.retries import Death, Retries
from workbench.runner.status import checkpointed_step
from workbench.runner.watching import live_rows
from workbench.runner.worker import record_failure
from workbench.store import Store
from workbench.training.recording import Row


@dataclass
class Slot(ABC):
    """Room for one worker."""

    job: Job | None = field(default=None, init=False)
    """What its worker does; the pool's to set."""
    told: bool = field(default=False, init=False)
    """Whether the job's start has been reported."""
    offsets: dict[str, int] = field(default_factory=dict, init=False)
    """Run → how far its live curve has been read."""

    def placed(self, job: Job) -> Job:
        """The job as it is executed here."""
        return job

    @abstractmethod
    def start(self, job: Job) -> None:
        """Start a worker on a job."""

    @abstractmethod
    def ending(self) -> Ending | None:
        """How the worker ended, told once; None while it lives, or waits in a queue."""

    @abstractmethod
    def terminate(self) -> None:
        """Have the worker save its work and leave; asked again, or without a worker, nothing happens."""

    @abstractmethod
    def join(self) -> None:
        """Wait until the worker has left, if there is one."""

    def begun(self) -> bool:
        """Whether the worker has begun: one in a queue has not."""
        return True


S = TypeVar("S", bound=Slot)


@dataclass
class Pool(Generic[S]):
    """A backend: slots, and what it remembers of the runs."""

    slots: list[S]
    poll_seconds: float = 0.1
    """Between two looks at the workers."""
    taken: set[str] = field(default_factory=set)
    """Runs that another process was found to be training."""
    retries: Retries = field(default_factory=Retries)

    def execute(self, jobs: Sequence[Job], report: Callable[[Event], None], stop: Callable[[], bool]) -> None:
        """Run the jobs, longest first."""
        waiting = deque(sorted(jobs, key=lambda job: -_size(job)))
        stopping = False
        try:
            while waiting or any(slot.job for slot in self.slots):
                if stop() and not stopping:
                    stopping = True
                    waiting.clear()
                    self._terminate()
                for slot in self.slots:
                    if slot.job is not None:
                        self._look(slot, slot.job, waiting, report, stopping)
                    if slot.job is None and (job := self._next(waiting, report)):
                        self._start(slot, job, report)
                self.pause()
        finally:
            self._terminate()
            for slot in self.slots:
                slot.join()

    def pause(self) -> None:
        """Wait until it is worth looking again."""
        time.sleep(self.poll_seconds)

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
            if not (ids & self.taken and all(store.finished(run_id) for run_id in ids)):
                return job
            _tell_ended(report, job)
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

    def _start(self, slot: S, job: Job, report: Callable[[Event], None]) -> None:
        for run in job.runs:
            # What a killed run left of its live curve would be read as the new one's.
            Store(job.store).live(run.run_id).unlink(missing_ok=True)
        slot.job, slot.told, slot.offsets = slot.placed(job), False, {run.run_id: 0 for run in job.runs}
        slot.start(slot.job)
        self._tell_begun(slot, slot.job, report)

    def _tell_begun(self, slot: S, job: Job, report: Callable[[Event], None]) -> None:
        """Report that the job is being trained, once it is."""
        if slot.told or not slot.begun():
            return
        slot.told = True
        step = checkpointed_step(Store(job.store), job.checkpoint_name)
        for single in job.each:
            report(Event("started", single, row={"step": step}))

    def _look(self, slot: S, job: Job, waiting: deque[Job], report: Callable[[Event], None], stopping: bool) -> None:
        self._tell_begun(slot, job, report)
        for single in job.each:
            for row in _new_rows(slot, single):
                report(Event("progress", single, row=row))
        ending = slot.ending()
        if ending is None:
            return
        slot.job = None
        if ending.exit_code == BUSY_EXIT_CODE and not stopping:
            waiting.append(job)
            self._take(job, report)
        elif ending.exit_code == 0:
            if not slot.told:  # shorter than the time between two looks
                _tell(report, "started", job, row={"step": 0})
            _tell_ended(report, job)
        # A worker that was told to stop before it could listen is killed by the signal.
        elif ending.exit_code == Stopped.exit_code or (stopping and not ending.words):
            _tell(report, "stopped", job)
        elif ending.exit_code == BadInput.exit_code:
            raise BadInput(ending.words.splitlines()[0])
        else:
            step = checkpointed_step(Store(job.store), job.checkpoint_name)
            again = self._bury(job, Death.of(ending, step), report)
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
            slot.terminate()


def _size(job: Job) -> float:
    """What to sort by: the estimated time, or FLOPs where there is no estimate."""
    seconds = sum(run.seconds for run in job.runs)
    return seconds if seconds == seconds else sum(run.horizon.flops for run in job.runs)  # NaN is not equal to itself


def _tell(report: Callable[[Event], None], kind: Kind, job: Job, message: str = "", row: Row | None = None) -> None:
    """Report of every run of a job."""
    for single in job.each:
        report(Event(kind, single, row=row or {}, message=message))


def _tell_ended(report: Callable[[Event], None], job: Job) -> None:
    """Report of every run of a job that its row is in the table, and of one that diverged where it did."""
    rows = Store(job.store).runs_by_id(run.run_id for run in job.runs)
    diverged = rows[rows["status"] == "diverged"].set_index("run_id")["error"]
    for single in job.each:
        report(Event("ended", single, message=str(diverged.get(single.run.run_id, ""))))


def _new_rows(slot: Slot, job: Job) -> list[Row]:
    """Rows appended to a run's live curve since the last look."""
    run_id = job.run.run_id
    rows, slot.offsets[run_id] = live_rows(Store(job.store).live(run_id), slot.offsets[run_id])
    return rows
