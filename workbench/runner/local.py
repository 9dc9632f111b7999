"""The local backend: a pool of slots, each one worker process at a time. CPU cores, or k runs per GPU."""

import json
import multiprocessing
import multiprocessing.context
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess

from workbench.errors import BadInput, Stopped
from workbench.runner.backend import Event
from workbench.runner.worker import Job, finished, record_failure, word_of, work
from workbench.store import Store
from workbench.training.train import Row

POLL_SECONDS = 0.1


@dataclass
class Slot:
    """Room for one worker."""

    device: str
    process: BaseProcess | None = None
    job: Job | None = None
    offset: int = 0
    """How far the live curve has been read."""


@dataclass
class LocalBackend:
    """Worker processes on this machine."""

    slots: list[Slot]
    context: multiprocessing.context.BaseContext = field(repr=False)

    @classmethod
    def on_this_machine(cls, workers: int | None = None, per_device: int = 1, device: str = "auto") -> "LocalBackend":
        """One slot per CPU core (or `workers`); with GPUs, `per_device` slots on each."""
        devices = _gpus() if device == "auto" else []
        if devices:
            names = [name for name in devices for _ in range(per_device)][: workers or None]
            return cls([Slot(name) for name in names], multiprocessing.get_context("spawn"))
        name = "cpu" if device == "auto" else device
        # A server that has imported torch once forks a worker in milliseconds; it never touches CUDA.
        context = multiprocessing.get_context("spawn" if name.startswith("cuda") else "forkserver")
        if not name.startswith("cuda"):
            context.set_forkserver_preload(["workbench.runner.worker"])
        return cls([Slot(name) for _ in range(workers or usable_cores())], context)

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
                    if slot.process is None and waiting:
                        self._start(slot, waiting.popleft(), report)
                    elif slot.process is not None:
                        self._look(slot, report)
                time.sleep(POLL_SECONDS)
        finally:
            self._terminate()
            for slot in self.slots:
                if slot.process:
                    slot.process.join()

    def _start(self, slot: Slot, job: Job, report: Callable[[Event], None]) -> None:
        execution = job.run.config.execution.model_copy(update={"device": slot.device})
        config = job.run.config.model_copy(update={"execution": execution})
        slot.job, slot.offset = replace(job, run=replace(job.run, config=config)), 0
        word_of(job).unlink(missing_ok=True)
        slot.process = self.context.Process(target=work, args=(slot.job,), daemon=False)  # type: ignore[attr-defined]
        slot.process.start()
        report(Event("started", job))

    def _look(self, slot: Slot, report: Callable[[Event], None]) -> None:
        assert slot.process is not None and slot.job is not None
        for row in _new_rows(slot):
            report(Event("progress", slot.job, row=row))
        if slot.process.is_alive():
            return
        slot.process.join()
        report(_ending(slot.job, slot.process.exitcode))
        slot.process, slot.job = None, None

    def _terminate(self) -> None:
        for slot in self.slots:
            if slot.process and slot.process.is_alive():
                slot.process.terminate()


def usable_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpus() -> list[str]:
    import torch

    return [f"cuda:{index}" for index in range(torch.cuda.device_count())]


def _size(job: Job) -> float:
    """What to sort by: the estimated time, or FLOPs where there is no estimate."""
    seconds = job.run.seconds
    return seconds if seconds == seconds else job.run.horizon.flops  # NaN is not equal to itself


def _ending(job: Job, exit_code: int | None) -> Event:
    """What a worker's exit code means; a failure is recorded in the store."""
    if exit_code == 0:
        taken = not finished(Store(job.store), job.run.run_id)
        return Event("stopped", job, message="another process is training it") if taken else Event("ended", job)
    if exit_code == Stopped.exit_code:
        return Event("stopped", job)
    path = word_of(job)
    said = path.read_text().strip() if path.is_file() else ""
    message = said or f"{job.store}: the worker of {job.run.run_id} left with exit code {exit_code} and no word"
    first = message.splitlines()[0]
    if exit_code == BadInput.exit_code:
        raise BadInput(first)
    record_failure(job, message)
    path.unlink(missing_ok=True)
    return Event("failed", job, message=first)


def _new_rows(slot: Slot) -> list[Row]:
    """Rows appended to the live curve since the last look; a line still being written waits."""
    assert slot.job is not None
    path = Store(slot.job.store).live(slot.job.run.run_id)
    try:
        with path.open("rb") as file:
            file.seek(slot.offset)
            text = file.read()
    except FileNotFoundError:
        return []
    whole = text[: text.rfind(b"\n") + 1]
    slot.offset += len(whole)
    return [json.loads(line) for line in whole.splitlines()]
