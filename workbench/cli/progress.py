"""Live progress of a sweep, on stderr: bars on a terminal, a line per finished run elsewhere."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from workbench.runner.backend import Event
from workbench.runner.plan import Plan


class SweepProgress:
    """Reports events of a sweep to a person."""

    def __init__(self, plan: Plan, todo_seconds: float, done: int) -> None:
        self.console = Console(stderr=True)
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.total_runs, self.finished = len(plan.runs), done
        self.whole = self.bars.add_task(plan.name, total=max(todo_seconds, 1e-9), note="")
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "SweepProgress":
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        run = event.job.run
        if event.kind == "started":
            self.tasks[run.run_id] = self.bars.add_task(
                f"  {run.size} · {run.level:.3g}", total=run.horizon.steps, note=""
            )
        elif event.kind == "progress":
            step, before = int(event.row["step"]), self.bars.tasks[self._index(run.run_id)].completed
            self.bars.update(self.tasks[run.run_id], completed=step, note=f"loss {event.row['train_loss']:.3f}")
            self.bars.advance(self.whole, run.seconds * (step - before) / run.horizon.steps)
        else:
            self.bars.remove_task(self.tasks.pop(run.run_id))
            self.finished += event.kind == "ended"
            self.bars.update(self.whole, note=f"{self.finished} of {self.total_runs} runs")
            if not self.console.is_terminal or event.kind == "failed":
                words = {"ended": "done", "failed": f"failed: {event.message}", "stopped": f"stopped {event.message}"}
                line = f"[{self.finished}/{self.total_runs}] {run.run_id} {run.size} at {run.level:.3g}: "
                self.console.print(line + words[event.kind], highlight=False, markup=False)

    def _index(self, run_id: str) -> int:
        return self.bars.task_ids.index(self.tasks[run_id])
