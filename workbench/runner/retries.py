"""What becomes of a job whose worker died: tried again from its checkpoint, with less memory, or given up.

A worker that dies and comes further each time may die often: what is bounded is how often it dies in one place. Free of
torch.
"""

import signal
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.runner.ending import Ending
from workbench.runner.jobs import Job

RETRIES = 2
"""Times that a run is tried again without coming further."""

OUT_OF_MEMORY = ("outofmemoryerror", "out of memory", "can't allocate memory", "memoryerror", "alloc_failed")
"""In the words of torch's allocators, CUDA's libraries and Python."""


@dataclass(frozen=True)
class Death:
    """How a worker ended that was not asked to."""

    exit_code: int | None
    words: str
    """The exception and its traceback, or nothing."""
    step: int
    """What its newest checkpoint had done."""
    killed_for_memory: bool = False
    """The system counts processes that it killed for want of memory, and has killed one meanwhile."""
    lost: str = ""
    """Why it is gone, where the reason is outside of it."""

    @classmethod
    def of(cls, ending: Ending, step: int) -> "Death":
        """A worker's ending, and how far it had come."""
        return cls(ending.exit_code, ending.words, step, ending.killed_for_memory, ending.lost)

    @property
    def out_of_memory(self) -> bool:
        """Whether memory ran out, by its own words or by the system's count."""
        if said := self.words or self.lost:
            return any(sign in said.lower() for sign in OUT_OF_MEMORY)
        return self.exit_code == -signal.SIGKILL and self.killed_for_memory

    @property
    def sentence(self) -> str:
        """The cause, for a person."""
        if self.words:
            return self.words.splitlines()[0]
        if self.lost:
            return self.lost
        if self.exit_code is not None and self.exit_code < 0:
            hint = ""
            if self.exit_code == -signal.SIGKILL:
                hint = ": memory ran out" if self.killed_for_memory else ", as the system does when memory runs out"
            return f"the worker was killed by {signal.Signals(-self.exit_code).name}{hint}"
        return f"the worker left with exit code {self.exit_code} and no word"


@dataclass
class Retries:
    """Counts the deaths of a sweep's jobs."""

    most: int = RETRIES
    before: dict[str, list[Death]] = field(default_factory=dict)
    """Job → its deaths at the step where it last died."""

    def after(self, job: Job, death: Death) -> tuple[list[Job], str]:
        """What to run in the job's place, and what to say; nothing where it is given up."""
        if death.out_of_memory:
            smaller = with_less_memory(job)
            if smaller:
                return smaller, f"memory ran out; tried again {_described(job, smaller)}"
            return [], f"memory ran out even with one window at a time ({death.sentence})"
        deaths = self.before.setdefault(job.checkpoint_name, [])
        if deaths and deaths[-1].step != death.step:
            deaths.clear()
        # The same words in the same place will not change.
        repeated = bool(death.words) and any(one.sentence == death.sentence for one in deaths)
        deaths.append(death)
        if repeated or len(deaths) > self.most:
            times = f" ({len(deaths)} times at step {death.step})" if len(deaths) > 1 else ""
            return [], death.sentence + times
        return [job], f"{death.sentence}; tried again from step {death.step}"


def with_less_memory(job: Job) -> list[Job]:
    """The same runs at less memory: a pack one by one, a run with half the windows at a time; none where it has one."""
    if job.others:
        return list(job.each)
    windows = job.micro_batch
    if windows == 1:
        return []
    execution = job.run.config.execution.model_copy(update={"micro_batch": -(-windows // 2)})
    config = job.run.config.model_copy(update={"execution": execution})
    return [replace(job, run=replace(job.run, config=config))]


def _described(job: Job, smaller: list[Job]) -> str:
    if job.others:
        return "one by one"
    return f"with a micro-batch of {smaller[0].micro_batch} windows instead of {job.micro_batch}"


def memory_kills() -> int:
    """How many processes of this control group the system has killed for want of memory; 0 where it does not say."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            lines = Path(path).read_text().split("\n")
        except OSError:
            continue
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0
