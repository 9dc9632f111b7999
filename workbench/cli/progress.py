"""Live progress of a sweep, on stderr: bars on a terminal, a line per finished run elsewhere."""

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from workbench.cli.output import counted
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
        self.todo = todo_seconds
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
            step = int(event.row["step"])
            label = f"  {run.size} · {run.level:.3g}"
            self.tasks[run.run_id] = self.bars.add_task(label, total=run.horizon.steps, completed=step, note="")
            self.todo -= self._seconds(event, step)  # done before this sweep began
            self.bars.update(self.whole, total=max(self.todo, 1e-9))
        elif event.kind == "progress":
            self._advance(event, int(event.row["step"]), f"loss {event.row['train_loss']:.3f}")
        else:
            if event.kind == "ended":
                self._advance(event, run.horizon.steps, "")
                self.finished += 1
            if run.run_id in self.tasks:
                self.bars.remove_task(self.tasks.pop(run.run_id))
            self.bars.update(self.whole, note=f"{self.finished} of {counted(self.total_runs, 'run')}")
            if not self.console.is_terminal or event.message:
                self._print(event)

    def _advance(self, event: Event, step: int, note: str) -> None:
        """Move a run's bar to a step, and the sweep's by as much time as that should have taken."""
        task = self.tasks.get(event.job.run.run_id)
        before = 0 if task is None else int(self.bars.tasks[self.bars.task_ids.index(task)].completed)
        if task is not None:
            self.bars.update(task, completed=step, note=note)
        self.bars.advance(self.whole, self._seconds(event, step - before))

    def _seconds(self, event: Event, steps: int) -> float:
        return event.job.run.seconds * steps / event.job.run.horizon.steps

    def _print(self, event: Event) -> None:
        run = event.job.run
        words = {"ended": "done", "failed": "failed: ", "stopped": "stopped", "waiting": "waiting: ", "retrying": ""}
        diverged = event.kind == "ended" and event.message
        what = ("diverged: " if diverged else words[event.kind]) + event.message
        line = f"[{self.finished}/{self.total_runs}] {run.run_id} {run.size} at {run.level:.3g}: {what}"
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)
