"""What a Slurm job runs: a supervisor that saves its work and goes back to the queue when the job is to end.

submitit sends a job what to do as a pickle, which the job unpickles: that is submitit's way, and the one exception to
the rule that nothing is unpickled from disk. The pickle lies in a folder that its owner alone may enter, and holds the
name of a class here and strings: the job as JSON, and two paths. The answer comes back as JSON; the runner unpickles
nothing.
"""

import json
import signal
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import Stopped
from workbench.files import write_json
from workbench.runner.ending import Ending
from workbench.runner.packing import pack_id
from workbench.runner.status import checkpointed_step
from workbench.runner.supervisor import Supervisor
from workbench.store import Store

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission


class SlurmWork(Supervisor):
    """A supervisor that writes its ending to a file, and that submitit can save and submit again."""

    def __init__(self, description: str, leave: str, answer: str) -> None:
        super().__init__(description, leave)
        self.answer = answer
        self.step: int | None = None
        """From which it goes on, once it has begun."""

    def __call__(self) -> dict[str, Any]:
        """See the job to its end, or to the next time that Slurm wants its machine."""
        if Path(self.answer).exists():
            return {}  # queued again by Slurm after its runner had been told of its end
        ending = self.supervise()
        if ending.lost:
            # Slurm has told every process of the job to end, and the worker has saved its work. submitit, which waits
            # for a signal of its own, is sent it now: it asks for `checkpoint`, queues the job again and leaves.
            signal.raise_signal(self._requeue_signal())
        self._answer(ending)
        return asdict(ending)

    def supervise(self) -> Ending:
        """As any supervisor, remembering where it began."""
        if Path(json.loads(self.description)["store"]).is_dir():
            self.step = self._checkpointed()
        return super().supervise()

    def checkpoint(self) -> "DelayedSubmission | None":
        """What submitit is to run when the job comes up again; nothing where that would not help.

        A job that has come no further since it began may never: its runner is told, which tries again, but not forever.
        """
        from submitit.helpers import DelayedSubmission

        self.save()
        if self.asked_to_leave:
            self._answer(Ending(Stopped.exit_code))
            return None
        if self.step is not None and self._checkpointed() <= self.step:
            self._answer(Ending(None, lost="Slurm ended the job before it had come to a new checkpoint"))
            return None
        return DelayedSubmission(SlurmWork(self.description, self.leave, self.answer))

    def _answer(self, ending: Ending) -> None:
        write_json(Path(self.answer), asdict(ending))

    def _checkpointed(self) -> int:
        """The step that the job would go on from."""
        document = json.loads(self.description)
        ids = [run["run_id"] for run in document["runs"]]
        return checkpointed_step(Store(Path(document["store"])), pack_id(ids) if len(ids) > 1 else ids[0])

    @staticmethod
    def _requeue_signal() -> signal.Signals:
        from submitit.core.job_environment import JobEnvironment

        return signal.Signals[f"SIG{JobEnvironment.USR_SIG}"]
