"""The Curves page on the simulated sweep: every widget changes the figure as it says."""

from pathlib import Path

import pytest

from tests.app.conftest import Opener
from tests.app.test_pages import figures, text
from workbench.store import Store


def test_curves_follow_their_axes_and_their_group(open_page: Opener, simulated: Path):
    page = open_page(simulated, "curves")
    layout = figures(page)[0]["layout"]
    assert layout["xaxis"]["type"] == layout["yaxis"]["type"] == "log"
    assert "40 runs; all 960 recorded points" in text(page)
    page.selectbox(key="curve_x").set_value("flops").run()
    page.multiselect(key="group").set_value(["role"]).run()
    page.toggle(key="log_y").set_value(False).run()
    figure = figures(page)[0]
    assert figure["layout"]["xaxis"]["title"]["text"] == "compute C [FLOPs]"
    assert "type" not in figure["layout"]["yaxis"]
    assert [trace["name"] for trace in figure["data"]] == ["grid", "rate", "seed"]


def test_runs_are_chosen_by_id_and_smoothed(open_page: Opener, simulated: Path):
    page = open_page(simulated, "curves")
    page.text_input(key="curve_runs").set_value("r-00000000").run()
    rows = Store(simulated).curves("r-00000000")
    assert figures(page)[0]["data"][0]["y"][:-1] == pytest.approx(rows["train_loss"].tolist(), rel=1e-4)
    page.number_input(key="span").set_value(8).run()
    expected = rows["train_loss"].ewm(span=8).mean().tolist()
    assert figures(page)[0]["data"][0]["y"][:-1] == pytest.approx(expected, rel=1e-4)


def test_seeds_are_folded_into_a_band(open_page: Opener, simulated: Path):
    page = open_page(simulated, "curves")
    page.selectbox(key="fold").set_value("seeds").run()
    page.text_input(key="curve_where").set_value("role = 'seed' OR (n_params = 71680 AND budget = 1e12)").run()
    assert "folded into 1 configuration" in text(page)
    assert any(trace.get("fill") == "toself" for trace in figures(page)[0]["data"])


def test_a_condition_that_no_column_has_is_a_sentence(open_page: Opener, simulated: Path):
    page = open_page(simulated, "curves")
    page.text_input(key="curve_where").set_value("no_such_column > 1").run()
    assert not page.exception
    assert "no\\_such\\_column" in page.error[0].value
