"""What a backend is given: a run to train, or a pack of them, and where. Free of torch."""

from dataclasses import dataclass, replace
from pathlib import Path

from workbench.runner.packing import pack_id
from workbench.runner.plan import PlannedRun


@dataclass(frozen=True)
class Job:
    """A run to be trained, or a pack of them, and where."""

    run: PlannedRun
    sweep: str
    store: Path
    corpus: Path
    """The prepared corpus's folder."""
    probes: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    """Modules and files that register models, for the worker to import as well."""
    others: tuple[PlannedRun, ...] = ()
    """Runs trained with it as one pack, which is then claimed, saved and resumed as a whole."""
    branches: tuple[PlannedRun, ...] = ()
    """Runs that go on from a checkpoint of this one, which is their trunk."""

    @property
    def runs(self) -> tuple[PlannedRun, ...]:
        """All of them."""
        return (self.run, *self.others)

    @property
    def checkpoint_name(self) -> str:
        """Under which the store keeps its checkpoints."""
        return pack_id(run.run_id for run in self.runs) if self.others else self.run.run_id

    @property
    def micro_batch(self) -> int:
        """Windows of a forward pass."""
        return self.run.config.execution.windows_at_once(self.run.horizon.batch_windows)

    @property
    def each(self) -> tuple["Job", ...]:
        """The same, one by one."""
        return tuple(replace(self, run=run, others=()) for run in self.runs)

    def on(self, device: str) -> "Job":
        """The same on a device."""

        def moved(run: PlannedRun) -> PlannedRun:
            execution = run.config.execution.model_copy(update={"device": device})
            return replace(run, config=run.config.model_copy(update={"execution": execution}))

        return replace(self, run=moved(self.run), others=tuple(map(moved, self.others)))
