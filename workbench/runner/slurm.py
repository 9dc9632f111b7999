"""The Slurm backend: every job is a Slurm job, submitted by submitit and queued again when it is preempted.

As with Ray, a supervisor trains in a worker process beside it, and store and corpus are on a file system that all
machines share. The runner submits, watches and tries again; jobs commit their own rows, so that a runner that is killed
leaves them at work, and the next `sweep run` waits for those that train. What goes to and fro: slurm_job.py.
"""

import json
import os
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import BadInput, Stopped
from workbench.files import full_disk_in_words
from workbench.runner.description import described
from workbench.runner.ending import Ending
from workbench.runner.extras import require
from workbench.runner.jobs import Job
from workbench.runner.pool import Pool, Slot
from workbench.runner.slurm_job import SlurmWork
from workbench.runner.supervisor import leave_file
from workbench.store import Store

AT_ONCE = 100
"""Jobs in Slurm's queue at a time, unless `--workers` says otherwise."""

MINUTES = 60
"""A job's time limit unless `--slurm time=` says otherwise; at its end it saves, and is queued again."""

REQUEUES = 1000
"""submitit counts the time limits that a job may reach; what bounds them is that each must bring it further."""

ENDED = {
    *(
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "TIMEOUT",
    ),
    *("FINISHED", "INTERRUPTED", "NO PROCESS AND NO RESULT"),
}
"""States of Slurm, and of submitit's jobs on this machine, in which nothing runs. Slurm may queue a preempted job or
that of a dead machine again: a state counts when it is seen twice."""


@dataclass
class Queue:
    """Slurm, as submitit speaks to it."""

    executor: Any = field(repr=False)
    """submitit's; of this machine in tests."""
    look_seconds: float = 30.0
    """Between two questions to Slurm's accounting, which is shared by everybody."""
    looks: int = 0
    looked_at: float = float("-inf")

    def submit(self, job: Job, leave: Path, answer: Path) -> Any:
        """A job of submitit's."""
        submitit = require("submitit")
        try:
            return self.executor.submit(SlurmWork(described(job), str(leave), str(answer)))
        except (submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError) as error:
            said = [line for line in str(error).splitlines() if line.strip()]
            raise BadInput(f"--backend slurm: sbatch refused a job ({said[-1].strip()}); see --slurm") from error

    def state(self, submitted: Any) -> str:
        """The newest state that is known; one question is asked for all jobs."""
        if fresh := time.monotonic() - self.looked_at >= self.look_seconds:
            self.looked_at, self.looks = time.monotonic(), self.looks + 1
        info = submitted.get_info(mode="force" if fresh else "cache")
        found = str(info.get("State") or info.get("jobState") or "UNKNOWN")
        return found if found in ENDED else found.split(" ")[0].rstrip("+")  # "CANCELLED by 1000"

    def withdraw(self, submitted: Any) -> None:
        """Take a job out of the queue that has not begun."""
        if hasattr(submitted, "_process"):
            return  # submitit's on this machine has no queue
        subprocess.run(["scancel", "--state=PENDING", submitted.job_id], check=False, capture_output=True)


@dataclass
class SlurmSlot(Slot):
    """Room for one Slurm job, running or in the queue."""

    queue: Queue
    device: str
    submitted: Any = None
    leave: Path = Path()
    answer: Path = Path()
    asked: bool = False
    gone_since: int | None = None
    """The look at which Slurm first said that the job had ended."""

    def placed(self, job: Job) -> Job:
        """The job on the device of the command line; `auto` is a GPU where the job's machine has one."""
        return job if self.device == "auto" else job.on(self.device)

    def start(self, job: Job) -> None:
        """Submit a job."""
        self.leave, self.asked, self.gone_since = leave_file(job.store), False, None
        self.answer = self.leave.parent / "slurm" / f"{uuid.uuid4().hex}.json"
        self.submitted = self.queue.submit(job, self.leave, self.answer)

    def begun(self) -> bool:
        """Whether a live curve is there."""
        return self.job is not None and any(Store(self.job.store).live(run.run_id).exists() for run in self.job.runs)

    def ending(self) -> Ending | None:
        """What the job answered, or what Slurm says of one that did not."""
        if self.submitted is None:
            return None
        try:
            ending = Ending(**json.loads(self.answer.read_text()))
        except FileNotFoundError:
            found = self._gone()
            if found is None:
                return None
            ending = found
        self.submitted = None
        for path in (self.leave, self.answer):
            path.unlink(missing_ok=True)
        return ending

    def _gone(self) -> Ending | None:
        """The ending of a job that has left the queue without a word."""
        state = self.queue.state(self.submitted)
        if state not in ENDED:
            self.gone_since = None
            return None
        if self.gone_since is None:
            self.gone_since = self.queue.looks
        if self.queue.looks <= self.gone_since:
            return None
        if self.asked:
            return Ending(Stopped.exit_code)
        reason = "out of memory" if state == "OUT_OF_MEMORY" else state
        return Ending(
            None,
            lost=f"Slurm job {self.submitted.job_id} ended without an answer: {reason} ({self.submitted.paths.stderr})",
        )

    def terminate(self) -> None:
        """Ask the job to save and leave; where it has not begun, take it out of the queue."""
        if self.submitted is not None and not self.asked:
            self.asked = True
            self.leave.touch()
            self.queue.withdraw(self.submitted)

    def join(self) -> None:
        """Wait for the job."""
        while self.submitted is not None and self.ending() is None:
            time.sleep(0.5)


class SlurmBackend(Pool[SlurmSlot]):
    """Slurm jobs."""


def submitting(
    store: Store,
    sweep: str,
    options: dict[str, Any],
    workers: int | None = None,
    device: str = "auto",
    threads: int = 1,
) -> SlurmBackend:
    """A backend that has up to `workers` jobs in Slurm's queue; `options` as `slurm_options.read_options` reads them.

    submitit's scripts, pickles and logs lie in the store's live/slurm/.
    """
    submitit = require("submitit")
    try:
        executor = submitit.SlurmExecutor(folder=log_folder(store), max_num_timeout=REQUEUES)
    except RuntimeError:
        raise BadInput("--backend slurm: there is no srun here; run it on a machine that submits to Slurm") from None
    asked = {"job_name": f"workbench-{sweep}", "cpus_per_task": threads, "time": MINUTES, **options}
    if "cpus_per_gpu" in options:
        asked.pop("cpus_per_task")
    executor.update_parameters(**asked)
    return backend_of(executor, workers or AT_ONCE, device)


def backend_of(
    executor: Any, workers: int, device: str, look_seconds: float = 30.0, poll_seconds: float = 1.0
) -> SlurmBackend:
    """A backend on one of submitit's executors."""
    queue = Queue(executor, look_seconds)
    return SlurmBackend([SlurmSlot(queue, device) for _ in range(workers)], poll_seconds)


def log_folder(store: Store) -> Path:
    """The folder of submitit's files, which its owner alone may enter."""
    folder = store.folder.resolve() / "live" / "slurm"
    with full_disk_in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    if folder.stat().st_uid != os.getuid():
        raise BadInput(
            f"{folder}: belongs to another user; what Slurm jobs are to do is read from it, so it must be yours"
        )
    return folder
