"""Progress of a sweep: what was done before counts as done, and a line is a line."""

from pathlib import Path

import pytest

from tests.runner.definitions import write_sweep
from workbench.cli.progress import SweepProgress
from workbench.corpus.prepare import prepare
from workbench.runner.backend import Event
from workbench.runner.definition import read_definition
from workbench.runner.jobs import Job
from workbench.runner.plan import Plan, plan_sweep


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = write_sweep(tmp_path)
    definition = read_definition(path)
    planned = plan_sweep(definition, str(path), prepare(definition.corpus, root=tmp_path / "corpora"))
    return planned.timed(lambda _: 10.0)


def test_a_resumed_run_starts_at_its_checkpoint_and_a_run_that_ended_is_whole(plan: Plan, tmp_path: Path) -> None:
    run = plan.runs[0]
    job = Job(run, "tiny", tmp_path, tmp_path)
    progress = SweepProgress(plan, todo_seconds=40.0, done=0)
    half = run.horizon.steps // 2
    progress(Event("started", job, row={"step": half}))
    whole, bar = progress.bars.tasks
    assert bar.completed == half
    assert whole.total == pytest.approx(40 - 10 * half / run.horizon.steps)
    progress(Event("progress", job, row={"step": half + 1, "train_loss": 5.0}))
    assert whole.completed == pytest.approx(10 / run.horizon.steps)
    progress(Event("ended", job))  # the last rows are not always seen
    assert whole.completed == pytest.approx(10 * (1 - half / run.horizon.steps))
    assert (progress.finished, len(progress.bars.tasks)) == (1, 1)


def test_off_a_terminal_every_ending_is_one_line(
    plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (Job(run, "tiny", tmp_path, tmp_path) for run in plan.runs[:2])
    progress = SweepProgress(plan, todo_seconds=40.0, done=1)
    for event in (
        Event("started", first, row={"step": 0}),
        Event("failed", first, message="RuntimeError: " + "long " * 60),
        Event("waiting", second, message="another process is training it"),
        Event("ended", second),
    ):
        progress(event)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["failed", "waiting", "done"]
    assert [line[:5] for line in lines] == ["[1/4]", "[1/4]", "[2/4]"]
