"""Where runs are executed: a backend takes jobs and reports events. Adding one means adding a class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from workbench.runner.jobs import Job
from workbench.training.recording import Row

Kind = Literal["started", "progress", "waiting", "retrying", "ended", "failed", "stopped"]


@dataclass(frozen=True)
class Event:
    """Something that happened to a run."""

    kind: Kind
    """`waiting`: another process is training the run. `ended`: its row is in the table, whoever trained it."""
    job: Job
    """The run's own, also where it is trained in a pack."""
    row: Row = field(default_factory=dict)
    """With `progress`: the newest row of the curve; with `started`: the `step` it goes on from."""
    message: str = ""
    """With `failed` and `retrying`: why; with `ended`, of a run that diverged: where."""


class Backend(Protocol):
    """Executes jobs."""

    def execute(self, jobs: Sequence[Job], report: Callable[[Event], None], stop: Callable[[], bool]) -> None:
        """See every job to its end, reporting events; when `stop` turns true, let all save their work and return.

        A run that another process is training is waited for, and trained here if that process gives it up.
        """
        ...
