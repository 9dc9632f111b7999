"""Each page on the simulated sweep: its numbers are those of the library, its widgets change what it shows."""

import html
import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import MAIN, Opener
from workbench.analyses import scaling
from workbench.reporting import formats
from workbench.store import Store, reference_store

PAGES = sorted(path.stem for path in (MAIN.parent / "views").glob("[!_]*.py"))


TITLES = {"live": "Live sweep", "what_if": "What if"}
"""Page → its title, where that is not its name."""


def figures(page: AppTest) -> list[dict[str, Any]]:
    """The plotly figures of a page."""
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def drawn(figure: dict[str, Any]) -> int:
    """Points with both coordinates."""
    return sum(x is not None for trace in figure["data"] for x in trace.get("x", ()) if "customdata" in trace)


def text(page: AppTest) -> str:
    """Everything written on a page."""
    return " ".join(str(part.value) for part in [*page.markdown, *page.caption, *page.warning, *page.error, *page.info])


def tables(page: AppTest) -> str:
    return " ".join(part.proto.body for part in page.get("html"))


def test_there_is_a_page_for_each_part():
    assert PAGES == [
        "compare", "curves", "emergence", "laws", "live", "models", "next", "overview", "runs", "what_if",
    ]  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_every_page_shows_figures_with_captions_and_no_error(
    open_page: Opener, simulated: Path, twins: Path, name: str
):
    page = open_page(twins if name == "compare" else simulated, name)
    assert not page.exception
    assert not page.error
    assert [title.value for title in page.title] == [TITLES.get(name, name.capitalize())]
    assert figures(page)
    assert "runs" in text(page)


def test_the_overview_says_what_the_study_says(open_page: Opener, simulated: Path):
    store = Store(simulated)
    study = scaling.study(store.runs(), store.curves(), store.evals(), name="simulated", resamples=0)
    assert study.headline is not None
    page = open_page(simulated, "overview")
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Runs done"] == "40"
    assert shown["Best loss"] == f"{store.runs()['loss'].min():.3f}"
    assert f"a = {formats.number(study.headline.value('a'))} (95% interval " in html.unescape(text(page))
    assert f"fitted to {study.headline.n_points} runs" in text(page)
    assert study.checks is not None
    assert all(fact.met for fact in study.checks.facts)
    assert f"passes all {len(study.checks.facts)} checks" in text(page)


def test_the_overview_follows_the_sweep(open_page: Opener, two_sweeps: Path):
    page = open_page(two_sweeps, "overview")
    assert page.metric[0].value == "40"
    page.selectbox(key="sweep").set_value("smallest").run()
    assert not page.exception
    assert page.metric[0].value == "6"
    assert page.metric[1].delta == "up to 10¹¹ a run"
    assert "not determined by these runs" in text(page)


def test_the_live_page_shows_how_a_sweep_ended(open_page: Opener, simulated: Path):
    page = open_page(simulated, "live")
    assert "is complete. Of 40 runs: 40 done." in text(page).replace("&#58;", ":")
    assert {metric.label: metric.value for metric in page.metric}["Runs ended"] == "40"
    tiles, curves = figures(page)
    assert sum(cell is not None for line in tiles["data"][0]["z"] for cell in line) == 40
    assert {trace["name"] for trace in curves["data"] if trace.get("name")} == {"ended"}
    assert "40 done" in text(page)
    page.selectbox(key="live_x").set_value("step").run()
    assert figures(page)[1]["layout"]["xaxis"]["title"]["text"] == "step"


def test_tasks_can_be_seen_against_compute(open_page: Opener, simulated: Path):
    page = open_page(simulated, "emergence")
    assert "threshold N<sub>c</sub>" in tables(page)
    assert "the leap does not survive" in text(page)
    page.segmented_control(key="task_x").set_value("c").run()
    axis = figures(page)[0]["layout"]["xaxis"]
    assert axis["title"]["text"] == "compute C [FLOPs]"
    assert "threshold C<sub>c</sub>" in tables(page)
    assert not [box for box in page.selectbox if box.key == "task"]


def test_the_metric_beside_exact_match_may_be_another(open_page: Opener, simulated: Path):
    page = open_page(simulated, "emergence")
    page.selectbox(key="task_beside").set_value("token_accuracy").run()
    assert not page.exception
    titles = [note["text"] for note in figures(page)[0]["layout"]["annotations"]]
    assert titles == ["exact match"]


def test_a_model_is_counted_as_chosen_and_changed(open_page: Opener, simulated: Path):
    page = open_page(simulated, "models")
    assert "124,439,808" in tables(page)
    page.selectbox(key="preset").set_value("gpt2-xl").run()
    assert "1,557,611,200" in tables(page)
    page.number_input(key="n_layer").set_value(24).run()
    assert "changed by hand" in text(page)
    page.number_input(key="n_head").set_value(24).run()
    assert not page.exception
    assert "is not divisible by" in page.error[0].value
    assert not figures(page)


def test_the_next_runs_follow_the_target_and_the_budget(open_page: Opener, simulated: Path):
    page = open_page(simulated, "next")
    assert "the exponent a of" in text(page)
    page.selectbox(key="target").set_value("n-opt").run()
    page.number_input(key="at").set_value(1e15).run()
    page.number_input(key="budget_flops").set_value(1e12).run()
    assert not page.exception
    assert "the compute-optimal N at C = 1e+15" in text(page)
    page.number_input(key="budget_flops").set_value(5.0).run()
    assert "buys none" in page.error[0].value


def test_a_proposal_is_a_definition_to_download(open_page: Opener):
    page = open_page(Path(str(reference_store())), "next")
    shown = [code.value for code in page.code]
    assert any("workbench sweep run next.toml" in code for code in shown)
    (button,) = [button for button in page.get("download_button") if button.proto.label == "Download next.toml"]
    assert button.proto.id
    assert any(code.startswith("# The exponent a") and "[design]" in code for code in shown)


def test_the_sidebar_chooses_the_sweep(open_page: Opener, two_sweeps: Path):
    page = open_page(two_sweeps, "runs")
    assert len(page.dataframe[0].value) == 40
    page.selectbox(key="sweep").set_value("smallest").run()
    assert page.dataframe[0].value["budget"].unique().tolist() == [1e11]
    page.selectbox(key="sweep").set_value("all runs").run()
    assert len(page.dataframe[0].value) == 40
