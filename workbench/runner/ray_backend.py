"""The Ray backend: every job is a task of Ray Core, on this machine or on a cluster. No Tune, no Train.

A task supervises a worker process as the local backend has them (supervisor.py), so that the losses are the same bit
for bit. Store and corpus are on a file system that all machines share: progress is read from the store, rows are
committed to it, and a file in it asks a task to save and leave. Ray's own retries are off: what dies is tried again
from its checkpoint by the pool's rule.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import BadInput, Stopped
from workbench.runner.calibration import usable_cores
from workbench.runner.description import described
from workbench.runner.ending import Ending
from workbench.runner.extras import require
from workbench.runner.jobs import Job
from workbench.runner.pool import Pool, Slot
from workbench.runner.ray_address import check_reachable, ray_address
from workbench.runner.supervisor import Supervisor, leave_file
from workbench.store import Store

ABANDON_SECONDS = 20.0
"""After this long, a task that was asked to leave and has not begun is still in Ray's queue, and is taken out of it."""

OBJECT_STORE_BYTES = 100_000_000
"""A cluster of this machine alone passes a few sentences through it."""


def supervise(description: str, leave: str, server: bool) -> dict[str, Any]:
    """Body of a task."""
    return Supervisor(description, leave, server)()


@dataclass
class RaySlot(Slot):
    """Room for one task, running or in Ray's queue."""

    task: Any = field(repr=False)
    """The remote function with its resources."""
    device: str
    """`cuda`, which is the GPU that Ray gives the task, or `cpu`."""
    reference: Any = None
    leave: Path = Path()
    asked_at: float | None = None

    def placed(self, job: Job) -> Job:
        """The job on the kind of device that its task asks for."""
        return job.on(self.device)

    def start(self, job: Job) -> None:
        """Submit a task."""
        self.leave, self.asked_at = leave_file(job.store), None
        self.leave.parent.mkdir(exist_ok=True)
        self.reference = self.task.remote(described(job), str(self.leave), self.device == "cpu")

    def begun(self) -> bool:
        """Whether a live curve is there."""
        return self.job is not None and any(Store(self.job.store).live(run.run_id).exists() for run in self.job.runs)

    def ending(self) -> Ending | None:
        """What the task returned, or how Ray lost it."""
        ray = require("ray")
        if self.reference is None:
            return None
        if not ray.wait([self.reference], timeout=0)[0]:
            waited = 0.0 if self.asked_at is None else time.monotonic() - self.asked_at
            if waited < ABANDON_SECONDS or self.begun():
                return None
            ray.cancel(self.reference)  # should it begin yet, it finds the file
            self.reference = None
            return Ending(Stopped.exit_code)
        reference, self.reference = self.reference, None
        self.leave.unlink(missing_ok=True)
        return _returned(ray, reference)

    def terminate(self) -> None:
        """Ask the task to save and leave."""
        if self.reference is not None and self.asked_at is None:
            self.asked_at = time.monotonic()
            self.leave.touch()

    def join(self) -> None:
        """Wait for the task."""
        while self.reference is not None and self.ending() is None:
            time.sleep(0.1)


class RayBackend(Pool[RaySlot]):
    """Tasks of a Ray cluster."""


@contextmanager
def connected(
    address: str | None = None, workers: int | None = None, per_device: int = 1, device: str = "auto", threads: int = 1
) -> Iterator[RayBackend]:
    """A backend on the cluster at `address`, or RAY_ADDRESS; where there is neither, on a Ray of this machine alone.

    As many tasks at once as the cluster has room for: `per_device` on each GPU, else one for every `threads` cores.
    With `workers`, that many: what has no room waits in Ray's queue, where an autoscaler sees that more is wanted.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise BadInput(f"--device {device}: Ray chooses the device of a task; use auto, cpu or cuda with --backend ray")
    address = ray_address(address)
    check_reachable(address)
    ray = _imported_quietly(alone=not address)
    if ray.is_initialized():  # by the program that calls, which may go on with it
        yield _on_cluster(ray, workers, per_device, device, threads)
        return
    quietly = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address:
            ray.init(address=address, **quietly)
        else:
            cores = max(usable_cores(), (workers or 1) * threads)
            ray.init(
                address="local",
                num_cpus=cores,
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                _node_ip_address="127.0.0.1",
                **quietly,
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"--ray-address {address}" if address else "--backend ray, on this machine"
        raise BadInput(f"{where}: Ray cannot be reached or started ({str(error).splitlines()[0]})") from error
    try:
        yield _on_cluster(ray, workers, per_device, device, threads)
    finally:
        ray.shutdown()


def _imported_quietly(alone: bool) -> Any:
    """Ray, which reads from the environment what it is to leave alone; what is set there already holds.

    The last of the settings has a Ray of one machine listen on the loopback address alone, as it does elsewhere than on
    Linux: `ray.init` replaces 127.0.0.1 otherwise.
    """
    wanted = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    if alone:
        wanted["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
    return require("ray")


def _on_cluster(ray: Any, workers: int | None, per_device: int, device: str, threads: int) -> RayBackend:
    """Slots for what the cluster has."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = int(sum(node.get("GPU", 0) for node in nodes))
    if device == "cuda" and not gpus:
        raise BadInput("--device cuda: the Ray cluster has no GPU; use auto or cpu")
    if gpus and device != "cpu":
        task = ray.remote(num_gpus=1 / per_device, num_cpus=0, max_retries=0)(supervise)
        return RayBackend([RaySlot(task, "cuda") for _ in range(workers or gpus * per_device)], poll_seconds=0.2)
    room = sum(int(node.get("CPU", 0)) // threads for node in nodes)
    if not room:
        most = int(max((node.get("CPU", 0) for node in nodes), default=0))
        raise BadInput(f"execution.threads = {threads}: no machine of the Ray cluster has more than {most} CPU cores")
    task = ray.remote(num_cpus=threads, max_retries=0)(supervise)
    return RayBackend([RaySlot(task, "cpu") for _ in range(workers or room)], poll_seconds=0.2)


def _returned(ray: Any, reference: Any) -> Ending:
    """The ending that a task returned, or what Ray says in its place."""
    try:
        return Ending(**ray.get(reference))
    except ray.exceptions.TaskCancelledError:
        return Ending(Stopped.exit_code)
    except ray.exceptions.RayTaskError as error:  # in the supervisor itself: a package that is missing, say
        cause = error.cause
        return Ending(1, f"the Ray task failed: {type(cause).__name__}: {cause}\n{error}")
    except ray.exceptions.RayError as error:
        lines = str(error).splitlines() or [type(error).__name__]
        return Ending(None, lost=f"Ray lost the worker: {lines[0]}")
