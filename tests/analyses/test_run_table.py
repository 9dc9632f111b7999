"""The table of runs, and what is said of those that are chosen or that failed."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.factories import make_store
from workbench.analyses import run_table, run_view, views
from workbench.analyses.selection import Selection
from workbench.errors import BadInput
from workbench.reporting.document import Code, Figure, Table, Text
from workbench.store import Store


@pytest.fixture(scope="module")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    return Selection(make_store(tmp_path_factory.mktemp("runs") / "store"))


def test_the_table_may_have_every_column_and_every_key(selection: Selection):
    names = run_table.columns(selection)
    assert names[:2] == ["run_id", "model.d_model"]
    assert set(names) >= {"loss", "flops", "train.learning_rate", "model.n_head"}
    shown = run_table.table(selection, selection.runs, ["run_id", "train.tokens", "tokens"])
    assert shown["train.tokens"].tolist() == shown["tokens"].tolist() == selection.runs["tokens"].tolist()


@pytest.mark.parametrize("how", ["mean", "median"])
def test_a_smoothed_loss_is_that_of_the_last_points(selection: Selection, how: str):
    found = run_table.smoothed_loss(selection, how, 5)
    curves = selection.store.curves().sort_values(["run_id", "step"], kind="stable")
    last = curves.groupby("run_id")["train_loss"].apply(lambda losses: getattr(losses.tail(5), how)())
    assert found.reindex(last.index).to_numpy() == pytest.approx(last.to_numpy())


def test_chosen_runs_are_set_side_by_side(selection: Selection):
    (one,) = run_table.chosen(selection, ["r-00000003"])
    assert isinstance(one, Table)
    assert {"key": "train.tokens", "value": str(selection.runs["tokens"][3])} in one.rows
    (both,) = run_table.chosen(selection, ["r-00000003", "r-00000004"])
    assert isinstance(both, Table)
    assert [row["key"] for row in both.rows] == ["model.d_model", "train.learning_rate", "train.tokens"]
    seeds = selection.runs.query("role == 'seed'")["run_id"].tolist()
    (same,) = run_table.chosen(selection, seeds)
    assert isinstance(same, Text)
    assert same.text == "2 runs, all of the same configuration."
    with pytest.raises(BadInput, match="'r-none'"):
        run_table.chosen(selection, ["r-none"])


def test_a_failed_run_shows_its_last_lines(selection: Selection, tmp_path: Path):
    assert run_table.troubled(selection.runs) == []
    folder = tmp_path / "failed"
    shutil.copytree(selection.folder, folder)
    store, row = Store(folder), selection.runs.iloc[0].to_dict()
    lines = "\n".join(f"line {number}" for number in range(40))
    bad = {
        **{str(key): value for key, value in row.items()},
        "run_id": "r-bad",
        "status": "failed",
        "error": lines,
        "loss": np.nan,
    }
    store.write_run(bad, selection.store.curves("r-00000000"))
    said, which, printed = run_table.troubled(store.runs())
    assert isinstance(said, Text)
    assert said.text == "1 run of 41 did not end well."
    assert isinstance(which, Text)
    assert "r-bad" in which.text
    assert isinstance(printed, Code)
    assert printed.code.splitlines() == [f"line {number}" for number in range(20, 40)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_shown_runs_are_taken_away_whole(selection: Selection, tmp_path: Path, kind: str):
    shown = selection.runs.head(3)
    path = tmp_path / f"runs.{kind}"
    path.write_bytes(run_table.written(run_table.whole(selection, shown), kind))
    back = pd.read_csv(path) if kind == "csv" else pd.read_parquet(path)
    assert back["run_id"].tolist() == shown["run_id"].tolist()
    assert back["loss"].tolist() == shown["loss"].tolist()
    assert back["config.train.tokens"].tolist() == shown["tokens"].tolist()


def test_parallel_coordinates_draw_every_run_once_and_say_which_axes_are_logarithmic(selection: Selection):
    (figure,) = views.view("parallel").draw(selection, run_view.ParallelAsk())
    assert isinstance(figure, Figure)
    drawn = figure.figure.data[0].dimensions
    assert [len(axis["values"]) for axis in drawn] == [40] * 5
    assert drawn[0]["values"] == pytest.approx(np.log10(selection.runs["n_params"]).tolist())
    assert drawn[4]["values"] == pytest.approx(selection.runs["loss"].tolist())
    assert "logarithmic: parameters N, tokens D, compute C" in figure.caption
    assert "highlight" in figure.caption


def test_words_and_keys_of_the_configuration_may_be_axes(selection: Selection):
    asked = views.asked("parallel", ['axes=["role", "train.learning_rate"]', 'roles=["rate", "seed"]'])
    (figure,) = views.view("parallel").draw(selection, asked)
    assert isinstance(figure, Figure)
    role, _ = figure.figure.data[0].dimensions
    assert list(role["ticktext"]) == ["rate", "seed"]
    assert len(role["values"]) == 10
    with pytest.raises(BadInput, match="no_such is no column"):
        views.view("parallel").draw(selection, views.asked("parallel", ['axes=["no_such", "loss"]']))


def test_filters_meet(selection: Selection):
    asked = views.asked("runs", ['roles=["rate"]', "where=rate_factor > 1", "budgets=[3.16e11]"])
    (figure,) = views.view("runs").draw(selection, asked)
    assert isinstance(figure, Figure)
    expected = selection.store.runs("role = 'rate' AND rate_factor > 1 AND budget BETWEEN 3e11 AND 3.3e11")
    assert figure.data["run_id"].tolist() == expected["run_id"].tolist()
