"""The main study, against the law that the simulated sweep was drawn from."""

import json
import shlex
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.factories import ALPHA, BETA, make_runs
from workbench.analyses.scaling import analyse, quoted, study
from workbench.analyses.scaling_methods import certified
from workbench.analyses.scaling_report import report, summary
from workbench.analyses.scaling_tables import parameters
from workbench.analyses.scaling_words import headline_forecasts, summary_lines
from workbench.errors import BadInput
from workbench.fitting import FitSet, allocate
from workbench.fitting.tables.canonical import canonical
from workbench.reporting.render_html import render_html
from workbench.reporting.render_markdown import render_markdown

TITLES = [
    "What was run",
    "Is the sweep sound?",
    "How the fits were made",
    "The losses and the laws",
    "Does the law hold?",
    "How compute divides",
    "Forecasts",
    "Back-test",
    "Which law forecasts best?",
    "How often such intervals hold the truth",
    "Tasks",
    "Conventions side by side",
    "What is not identified",
    "Which runs would settle it",
    "How to reproduce",
]


@pytest.fixture(scope="module")
def tables():
    return make_runs(0)


@pytest.fixture(scope="module")
def result(tables):
    return study(*tables, name="simulated", resamples=100)


@pytest.fixture(scope="module")
def document(result):
    return json.loads(report(result).to_json())


def figures(document):
    return {b["name"]: b for s in document["sections"] for b in s["blocks"] if b["kind"] == "figure"}


def tables_of(document):
    return {b["name"]: b for s in document["sections"] for b in s["blocks"] if b["kind"] == "table"}


def test_the_headline_covers_the_true_exponents(result):
    low, high = result.headline.interval("a")
    assert result.headline.law == "chinchilla"
    assert low < BETA / (ALPHA + BETA) < high


def test_forecasts_are_at_ten_and_a_hundred_times_the_largest_budget(result):
    frame = headline_forecasts(result)
    assert frame["multiple"].tolist() == [10.0, 100.0]
    assert frame["flops"].tolist() == pytest.approx([1e14, 1e15])
    for name in ("n", "d", "loss"):
        assert (frame[f"{name}_low"] < frame[name]).all()
        assert (frame[name] < frame[f"{name}_high"]).all()


def test_rate_checks_and_midway_points_are_not_fitted(result, tables):
    assert len(result.table) == len(tables[0]) - 8
    assert result.headline.n_points == len(result.table)


def test_a_sound_sweep_has_no_failed_check(result):
    assert [fact.name for fact in result.checks.facts if not fact.met] == []


def test_the_terminal_and_the_report_say_the_same_numbers(result):
    text = " ".join(summary(result))
    lines = summary_lines(result)
    assert [line.split(" ")[0] for line in lines] == ["Compute-optimal", "At", "At", "Back-test", "Another"]
    low, high = result.headline.interval("a")
    for number in (f"{result.headline.value('a'):.3f}", f"{low:.3f} to {high:.3f}"):
        assert number in text
        assert number in lines[0]
    error = f"{100 * result.backtest.relative_error:+.2f}%"
    assert error in text
    assert error in lines[3]


def test_the_report_has_every_section(document):
    assert [section["title"] for section in document["sections"]] == TITLES


def test_the_report_draws_every_figure(document):
    assert set(figures(document)) == {
        "learning-curves",
        "rate-check",
        "loss-against-compute",
        "isoflop",
        "surface",
        "residuals",
        "optimum",
        "backtest",
        "backtest-errors",
        "task-addition",
    }
    assert all(figure["data"] and figure["caption"] for figure in figures(document).values())


def test_captions_count_the_runs(document):
    for name, figure in figures(document).items():
        assert any(character.isdigit() for character in figure["caption"]), name


def test_exponents_stand_beside_the_published_ones(document):
    rows = tables_of(document)["exponents"]["rows"]
    sources = {row["source"] for row in rows}
    assert sources == {"this fit", "Kaplan et al. 2020", "Hoffmann et al. 2022", "Besiroglu et al. 2024"} | {
        "Hoffmann et al. 2022, as printed"
    }
    mine = {(row["approach"], row["convention"]) for row in rows if row["source"] == "this fit"}
    assert {("2, isoFLOP", "total"), ("2, isoFLOP", "non-embedding"), ("3, parametric", "total")} <= mine


def test_every_run_is_listed(document, tables):
    rows = tables_of(document)["runs"]["rows"]
    assert {row["run_id"] for row in rows} == set(tables[0]["run_id"])


def test_the_same_tables_give_the_same_bytes(result):
    first, second = report(result).to_json(), report(study(*make_runs(0), name="simulated", resamples=100)).to_json()
    assert first == second
    assert render_markdown(json.loads(first)) == render_markdown(json.loads(second))


def test_forecasts_carry_the_interval_of_one_run_and_whether_they_are_determined(document, result):
    rows = [row for row in tables_of(document)["forecasts"]["rows"] if row["approach"] == "3, parametric"]
    assert len(rows) == 4
    for row in rows:
        assert row["run_interval"][0] < row["loss_interval"][0] < row["loss_interval"][1] < row["run_interval"][1]
        assert "determined" not in row  # all are, so that no column says so
    frame = headline_forecasts(result)
    expected = allocate(result.headline, float(frame["flops"].iloc[0])).intervals["run"]
    assert (frame["run_low"].iloc[0], frame["run_high"].iloc[0]) == pytest.approx(expected)


def test_every_fit_says_how_its_optimum_is_known(document, result):
    section = next(s for s in document["sections"] if s["title"] == "How the fits were made")
    said = {item.split("`")[1]: item for item in section["blocks"][1]["items"]}
    assert "One optimum found on a grid of 24 × 24 values of alpha × beta" in said["chinchilla"]
    assert result.headline.interval_method in said["chinchilla"]
    assert "(a prediction interval) adds the noise of a single training" in section["blocks"][2]["text"]


def test_an_optimum_without_a_grid_is_not_called_certified():
    record = {"dense": False, "agree": 0.92, "searched": "72 starts", "basins": 2, "runner_up": 0.4, "nodes": 72}
    assert certified(record).startswith("Not certified: 92% of 72 starts")
    dense = record | {"dense": True, "searched": "a grid of 24 values of alpha"}
    assert "2 optima" in certified(dense) and "40% higher" in certified(dense)


def test_the_page_is_small_enough_to_mail(document):
    assert len(render_html(document).encode()) < 6_000_000


def test_an_empty_store_has_a_report_that_says_so(tables):
    empty = [table.iloc[:0] for table in tables]
    document = json.loads(analyse(*empty, name="nothing").to_json())
    assert "no finished runs" in document["summary"][1]
    assert document["sections"][0]["blocks"][0]["note"]
    assert "does not answer" in document["summary"][1] or "do not answer" in document["summary"][1]
    assert "<h1>Scaling laws of nothing</h1>" in render_html(document)


@pytest.mark.parametrize("rows", [1, 4])
def test_too_few_runs_have_a_report_that_says_why(tables, rows):
    runs = tables[0].head(rows)
    result = study(runs, tables[1], tables[2], name="few", resamples=10)
    document = json.loads(report(result).to_json())
    unknown = next(s for s in document["sections"] if s["title"] == "What is not identified")
    assert result.problems
    assert unknown["blocks"][0]["items"]
    assert result.backtest is None
    render_html(document)


def test_runs_that_all_failed_are_reported(tables):
    runs = tables[0].assign(status="diverged", loss=np.nan, error="the loss is not finite at step 3")
    document = json.loads(analyse(runs, tables[1], tables[2], name="failed").to_json())
    assert "do not answer" in document["summary"][1]
    assert "40 runs, of which 0 finished" in document["sections"][0]["blocks"][0]["text"]


def test_a_law_that_is_not_determined_says_so_first(tables):
    # One budget fixes D by N, so that the two terms of the law cannot be told apart.
    narrow = tables[0][(tables[0]["role"] == "grid") & (tables[0]["budget"] == 1e12)]
    result = study(narrow, tables[1], tables[2], name="narrow", resamples=10)
    assert result.headline is not None
    assert not result.headline.identified
    assert summary(result)[1].startswith("These runs do not determine the law")
    assert summary_lines(result)[0].startswith("These runs do not determine the law")
    assert "N_opt and D_opt not determined" in summary_lines(result)[2]
    assert summary(result)[2].startswith("How 10× the largest budget (10¹³ FLOPs) is best spent is not determined")
    document = json.loads(report(result).to_json())
    rows = [row for row in tables_of(document)["forecasts"]["rows"] if row["approach"] == "3, parametric"]
    assert {row["determined"] for row in rows} == {"not determined"}
    assert all(row["n"] is None and row["n_interval"] == [None, None] for row in rows)
    forecasts = next(s for s in document["sections"] if s["title"] == "Forecasts")
    assert "Not determined: these runs do not fix the law" in forecasts["blocks"][1]["text"]
    assert result.problems[0].startswith("Fitted, but not identified (N total): chinchilla")


def test_a_table_alone_has_fewer_sections(tables):
    runs = tables[0]
    grid = runs[runs["role"] == "grid"]
    table = canonical(pd.DataFrame({"n": grid["n_params"], "d": grid["tokens"], "loss": grid["loss"]}))
    document = json.loads(analyse(name="table.csv", table=table, resamples=10).to_json())
    titles = [section["title"] for section in document["sections"]]
    assert "Is the sweep sound?" not in titles
    assert "Tasks" not in titles
    assert {"loss-against-compute", "surface", "residuals"} <= set(figures(document))
    assert "C is 6ND" in document["sections"][1]["blocks"][0]["text"]


def test_one_source_is_needed():
    with pytest.raises(BadInput, match="give one of them"):
        study(name="neither")


def test_a_factor_whose_interval_spans_two_decades_is_left_blank(result):
    (found,) = [one for one in result.fits if (one.law, one.convention) == ("isoflop", "n")]
    wide = replace(found, intervals={**found.intervals, "k_N": (0.1, 2000.0), "k_D": (0.5, 2.0)})
    rows = parameters(FitSet((wide,))).set_index("name")
    assert rows["value"].isna()["k_N"] and np.isnan(rows["interval"].to_dict()["k_N"]).all()
    assert rows.loc["k_N", "identified"] is None
    assert rows.loc["k_D", "value"] == found.params["k_D"] and rows.loc["a", "value"] == found.params["a"]


def test_commands_can_be_pasted():
    assert quoted("sweep = 'quickstart'") == "\"sweep = 'quickstart'\""
    for text in ("n > 1e6", "name = '$HOME'", "a = 'b' AND \"c\" > 1", "plain"):
        assert shlex.split(quoted(text)) == [text]
