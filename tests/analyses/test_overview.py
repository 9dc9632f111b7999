"""The sweep at a glance says what the whole study says, from one law's fit; and no number that the runs do not fix."""

import re
from pathlib import Path

import pytest

from tests.factories import make_store
from workbench.analyses import overview, overview_words, scaling
from workbench.analyses.overview import LossesAsk
from workbench.analyses.selection import Selection
from workbench.fitting import Fit
from workbench.reporting import formats
from workbench.reporting.document import Bullets, Figure, Table, Text
from workbench.store import Store

RESAMPLES = 50


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    return Selection(make_store(tmp_path_factory.mktemp("overview") / "whole"), None, RESAMPLES)


@pytest.fixture
def small(whole: Selection, tmp_path: Path) -> Selection:
    """Eight runs at two budgets close to each other: no law is fixed by them."""
    store = Store.create(tmp_path / "small")
    runs = whole.runs[(whole.runs["role"] == "grid") & (whole.runs["budget"] < 5e11)]
    for row in [*runs[runs["budget"] == 1e11].head(4).to_dict("records"), *runs.tail(4).to_dict("records")]:
        run = {str(key): value for key, value in row.items()}
        store.write_run(run, whole.store.curves(str(run["run_id"])))
    return Selection(store.folder, None, RESAMPLES)


def text(blocks: list) -> str:
    parts = [block.text for block in blocks if isinstance(block, Text)]
    return " ".join([*parts, *(item for block in blocks if isinstance(block, Bullets) for item in block.items)])


def test_one_law_answers_as_the_whole_study_does(whole: Selection) -> None:
    study = scaling.study(whole.runs, whole.store.curves(), whole.evals, name="whole", resamples=RESAMPLES)
    fit, _ = overview.answers(whole)
    assert isinstance(fit, Fit) and isinstance(study.headline, Fit)
    assert (fit.law, fit.params, fit.derived_intervals) == (
        study.headline.law, study.headline.params, study.headline.derived_intervals
    )  # fmt: skip
    facts, tested = overview_words.judged(whole)
    assert study.checks is not None and facts == study.checks.facts
    assert study.backtest is not None
    errors = study.backtest.points["relative_error"].abs()
    assert formats.percent(float(errors.max())) in tested
    said = text(overview_words.answer(whole))
    for row in study.forecasts[study.forecasts["law"] == fit.law].head(2).to_dict("records"):
        assert formats.count(row["n"]) in said and formats.show(row["loss"], "loss") in said


def test_runs_that_fix_no_law_get_reasons_and_no_numbers_of_it(small: Selection) -> None:
    fit, _ = overview.answers(small)
    assert fit is None or not fit.identified
    blocks = overview_words.answer(small)
    assert "not determined by these runs" in text(blocks) and "The page Next" in text(blocks)
    assert any(isinstance(block, Bullets) and block.items for block in blocks)
    assert not re.search(r"e-\d\d|10⁻|chinchilla", text([*blocks, *overview_words.weak(small)]))
    (figure,) = overview.losses(small, LossesAsk())
    assert isinstance(figure, Figure) and "no line is drawn" in figure.caption
    assert [trace.name for trace in figure.figure.data if trace.mode == "lines"] == []


def test_what_is_weak_stands_in_a_table_with_why_it_matters(small: Selection) -> None:
    facts, _ = overview_words.judged(small)
    (table,) = [block for block in overview_words.weak(small) if isinstance(block, Table)]
    assert [row["check"] for row in table.rows] == [fact.name for fact in facts if not fact.met]
    assert all(row["why"] for row in table.rows)


def test_every_check_says_why_it_matters(whole: Selection, small: Selection) -> None:
    for selection in (whole, small):
        assert {fact.name for fact in overview_words.judged(selection)[0]} <= set(overview_words.WHY)


def test_the_losses_are_drawn_before_any_fit(whole: Selection, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Selection(whole.folder, None, RESAMPLES)
    monkeypatch.setattr(overview, "answers", lambda selection: pytest.fail("a fit was asked for"))
    (figure,) = overview.losses(fresh, LossesAsk(law=False))
    assert isinstance(figure, Figure) and len(figure.data) == 32
    assert "32 runs" in figure.caption and "8 learning-rate checks left out" in figure.caption


def test_the_cost_is_that_of_the_table(whole: Selection) -> None:
    shown = {label: value for label, value, _ in overview.cost(whole)}
    assert shown["FLOPs spent"] == formats.power(whole.runs["flops_spent"].sum())
    assert shown["Training time"] == formats.seconds(whole.runs["seconds"].sum())
    store = whole.store
    part = store.manifest("simulated")
    assert overview.cost(Selection(whole.folder, "simulated", RESAMPLES))[0][1] == str(len(part["runs"]))
