"""The Runs page on the simulated sweep: filters, columns, a comparison, and runs that failed."""

from pathlib import Path

import pandas as pd
import pytest

from tests.app.conftest import Opener
from tests.app.test_pages import drawn, figures, tables, text
from workbench.store import Store


def test_a_condition_on_the_runs_changes_the_figure_and_the_table(open_page: Opener, simulated: Path):
    page = open_page(simulated, "runs")
    assert drawn(figures(page)[0]) == len(page.dataframe[0].value) == 40
    page.text_input(key="where").set_value("budget = 1e11").run()
    kept = Store(simulated).runs("budget = 1e11")
    assert drawn(figures(page)[0]) == len(kept) == 6
    assert page.dataframe[0].value["run_id"].tolist() == kept["run_id"].tolist()


def test_filters_of_the_runs_meet(open_page: Opener, simulated: Path):
    page = open_page(simulated, "runs")
    page.multiselect(key="role").set_value(["rate"]).run()
    page.text_input(key="where").set_value("rate_factor > 1").run()
    expected = Store(simulated).runs("role = 'rate' AND rate_factor > 1")
    assert page.dataframe[0].value["run_id"].tolist() == expected["run_id"].tolist()
    page.text_input(key="where").set_value("").run()
    page.multiselect(key="budget").set_value([1e13]).run()
    assert not page.dataframe
    assert "No run passes" in text(page)


@pytest.mark.parametrize(
    ("condition", "said"), [("no_such_column > 1", "no\\_such\\_column"), ("loss > 100", "no row of the runs")]
)
def test_a_wrong_condition_is_a_sentence(open_page: Opener, simulated: Path, condition: str, said: str):
    page = open_page(simulated, "runs")
    page.text_input(key="where").set_value(condition).run()
    assert not page.exception
    assert said in page.error[0].value


def test_any_key_and_a_smoothed_loss_may_be_columns(open_page: Opener, simulated: Path):
    page = open_page(simulated, "runs")
    page.multiselect(key="columns").set_value(["train.tokens", "loss"]).run()
    page.selectbox(key="smoothed").set_value("median").run()
    page.number_input(key="last").set_value(3).run()
    shown: pd.DataFrame = page.dataframe[0].value
    assert shown.columns.tolist() == ["run_id", "smoothed_train_loss", "train.tokens", "loss"]
    rows = Store(simulated).curves(shown["run_id"][5]).sort_values("step")
    assert shown["smoothed_train_loss"][5] == pytest.approx(rows["train_loss"].tail(3).median())


def test_runs_are_compared_by_the_keys_in_which_they_differ(open_page: Opener, simulated: Path):
    page = open_page(simulated, "runs")
    page.text_input(key="compare").set_value("r-00000003 r-00000004").run()
    assert "model.d_model" in tables(page)
    assert "Where the configurations of 2 runs differ" in text(page)
    page.text_input(key="compare").set_value("r-none").run()
    assert not page.exception
    assert "no run here is called" in page.error[0].value


def test_an_axis_of_parallel_coordinates_may_be_any_key(open_page: Opener, simulated: Path):
    page = open_page(simulated, "runs")
    page.segmented_control(key="part").set_value("Parallel coordinates").run()
    page.multiselect(key="axes").set_value(["train.learning_rate", "role", "loss"]).run()
    names = [axis["label"] for axis in figures(page)[1]["data"][0]["dimensions"]]
    assert names == ["train.learning_rate", "role", "held-out loss"]
    page.multiselect(key="axes").set_value(["loss"]).run()
    assert "two axes or more" in text(page)


def test_the_runs_that_failed_stand_with_what_they_printed_last(open_page: Opener, tmp_path: Path, simulated: Path):
    store, like = Store.create(tmp_path / "failed"), Store(simulated)
    rows = like.runs().head(2).to_dict("records")
    bad = {"status": "failed", "error": "worker died\nlast words", "loss": float("nan")}
    for row, changed in zip(rows, ({}, bad), strict=True):
        store.write_run({str(key): value for key, value in row.items()} | changed, like.curves(row["run_id"]))
    page = open_page(store.folder, "runs")
    assert not page.exception
    assert "1 run of 2 did not end well" in text(page)
    assert "last words" in " ".join(code.value for code in page.code)
