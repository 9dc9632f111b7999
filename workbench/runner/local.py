"""The local backend: a pool of slots, each one worker process at a time. CPU cores, or k runs per GPU."""

from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

import torch

from workbench.runner.calibration import usable_cores
from workbench.runner.ending import Ending
from workbench.runner.jobs import Job
from workbench.runner.pool import Pool, Slot
from workbench.runner.worker import work
from workbench.runner.worker_process import WorkerProcess, worker_context
from workbench.training.devices import pick_device


@dataclass
class LocalSlot(Slot):
    """Room for one worker process."""

    device: str
    context: BaseContext = field(repr=False)
    worker: WorkerProcess | None = None

    @property
    def process(self) -> BaseProcess | None:
        """The worker's."""
        return self.worker.process if self.worker else None

    def placed(self, job: Job) -> Job:
        """The job on this slot's device."""
        return job.on(self.device)

    def start(self, job: Job) -> None:
        """Start a process."""
        self.worker = WorkerProcess(self.context, work, job)

    def ending(self) -> Ending | None:
        """Its exit code and its last words."""
        ending = self.worker.ending() if self.worker else None
        if ending is not None:
            self.worker = None
        return ending

    def terminate(self) -> None:
        """SIGTERM."""
        if self.worker:
            self.worker.terminate()

    def join(self) -> None:
        """Wait for the process."""
        if self.worker:
            self.worker.process.join()


class LocalBackend(Pool[LocalSlot]):
    """Worker processes on this machine."""

    @classmethod
    def on_this_machine(
        cls, workers: int | None = None, per_device: int = 1, device: str = "auto", threads: int = 1
    ) -> "LocalBackend":
        """With GPUs, `per_device` slots on each; else one for every `threads` CPU cores. Or just `workers` of them."""
        gpus = _gpus(device)
        context = worker_context(bool(gpus))
        if gpus:
            count = workers or len(gpus) * per_device
            # The slots go around the GPUs, so that few workers do not share one.
            return cls([LocalSlot(gpus[i % len(gpus)], context) for i in range(count)])
        name = "cpu" if device == "auto" else device
        count = workers or max(1, usable_cores() // threads)
        return cls([LocalSlot(name, context) for _ in range(count)])

    def pause(self) -> None:
        """Wait, and no longer than until a worker has left: runs may be shorter than the time between two looks."""
        sentinels = [slot.worker.process.sentinel for slot in self.slots if slot.worker]
        if sentinels:
            wait(sentinels, self.poll_seconds)
        else:
            super().pause()


def _gpus(device: str) -> list[str]:
    """The GPUs that a device's name stands for: all of them for `auto` and `cuda`, none for another kind."""
    if device not in ("auto", "cuda"):
        return [device] if pick_device(device).type == "cuda" else []
    if pick_device(device).type != "cuda":
        return []
    return [f"cuda:{index}" for index in range(torch.cuda.device_count())]
