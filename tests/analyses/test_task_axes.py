"""Tasks against each axis, one at a time or all; and what is said where none was measured."""

from pathlib import Path

import pytest

from tests.factories import add_sweep, make_runs, make_store
from workbench.analyses import task_axes
from workbench.analyses.selection import Selection
from workbench.analyses.task_axes import TasksAsk
from workbench.errors import BadInput
from workbench.reporting.document import Bullets, Figure, Table, Text
from workbench.store import Store


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated sweep, and eight runs of it on another corpus."""
    folder = make_store(tmp_path_factory.mktemp("tasks") / "store")
    add_sweep(folder)
    return folder


@pytest.mark.parametrize("x", task_axes.AXES)
def test_each_axis_has_its_figure_and_its_thresholds(x: str):
    runs, _, evals = make_runs(0)
    blocks = task_axes.blocks(runs, evals, TasksAsk(x=x), resamples=10)
    (figure,) = [block for block in blocks if isinstance(block, Figure)]
    (table,) = [block for block in blocks if isinstance(block, Table)]
    (said,) = [block for block in blocks if isinstance(block, Bullets)]
    assert x in figure.data.columns
    assert len(table.rows) == 6
    assert len(said.items) == 3
    assert table.columns[2].title == f"threshold {task_axes.AXES[x].symbol}_c"


def test_a_threshold_in_the_loss_lies_between_the_losses_measured():
    runs, _, evals = make_runs(0)
    blocks = task_axes.blocks(runs, evals, TasksAsk(x="loss"), resamples=30)
    (table,) = [block for block in blocks if isinstance(block, Table)]
    row = next(row for row in table.rows if (row["metric"], row["key"]) == ("token probability", "2"))
    low, high = row["threshold_interval"]
    assert low < row["threshold"] < high
    assert runs["loss"].min() < row["threshold"] < runs["loss"].max()


def test_another_metric_beside_exact_match_may_be_chosen():
    runs, _, evals = make_runs(0)
    evals = evals.assign(metric=evals["metric"].replace("token_probability", "token_accuracy"))
    (figure,) = [
        block
        for block in task_axes.blocks(runs, evals, TasksAsk(beside="token_accuracy"), resamples=10)
        if isinstance(block, Figure)
    ]
    assert set(figure.data["metric"]) == {"exact_match", "token_accuracy"}


def test_one_task_may_be_chosen_and_one_that_is_not_there_is_refused(two: Path):
    selection = Selection(two)
    assert task_axes.titles(selection) == ["addition (simulated)", "addition (other)"]
    chosen = task_axes.view(selection, TasksAsk(task="addition (other)"))
    assert len([block for block in chosen if isinstance(block, Figure)]) == 1
    with pytest.raises(BadInput, match="task is 'chess'; measured on these runs: addition"):
        task_axes.view(selection, TasksAsk(task="chess"))


def only(store: Path, probe: str) -> Selection:
    """The simulated sweep, of which another probe was measured."""
    runs, curves, evals = make_runs(0)
    made = Store.create(store)
    row = {str(key): value for key, value in runs.iloc[0].items()}
    made.write_run(row, curves[curves["run_id"] == row["run_id"]])
    mine = evals[evals["run_id"] == row["run_id"]].assign(probe=probe)
    made.write_evals(str(row["run_id"]), int(row["steps"]), mine)
    return Selection(store)


def test_measurements_without_a_task_among_them_are_named(tmp_path: Path):
    (text,) = task_axes.view(only(tmp_path / "store", "perplexity"), TasksAsk())
    assert isinstance(text, Text)
    assert text.note
    assert "No task was measured on these runs, though perplexity was." in text.text
    assert "workbench eval RUN task" in text.text


def test_a_sweep_without_tasks_names_the_one_that_has_them(two: Path):
    Store(two).write_manifest({"name": "bare", "runs": [{"run_id": "r-ffffffff", "role": "grid"}]})
    (text,) = task_axes.view(Selection(two, "bare"), TasksAsk())
    assert isinstance(text, Text)
    assert "`other` and `simulated` have one" in text.text
    assert "--sweep other" in text.text
