"""Where runs are executed: a backend takes jobs and reports events. Adding one means adding a class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from workbench.runner.worker import Job
from workbench.training.train import Row


@dataclass(frozen=True)
class Event:
    """Something that happened to a run."""

    kind: Literal["started", "progress", "ended", "failed", "stopped"]
    job: Job
    row: Row = field(default_factory=dict)
    """With `progress`: the newest row of the curve."""
    message: str = ""
    """With `failed`: why."""


class Backend(Protocol):
    """Executes jobs."""

    def execute(self, jobs: Sequence[Job], report: Callable[[Event], None], stop: Callable[[], bool]) -> None:
        """Run every job to its end, reporting events; when `stop` turns true, let all save their work and return."""
        ...
