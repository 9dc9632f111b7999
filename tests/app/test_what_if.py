"""The What if page: its choices reach the analysis, whose numbers it shows."""

import html
from pathlib import Path
from typing import Any

import pytest

from tests.app.conftest import Opener
from tests.app.test_pages import figures, tables, text
from workbench.analyses import what_if
from workbench.analyses.selection import Selection
from workbench.analyses.what_if import Answer, WhatIfAsk
from workbench.reporting import formats


def answer(simulated: Path, **asked: Any) -> Answer:
    found = what_if.answer(Selection(simulated, resamples=50), WhatIfAsk(**asked))
    assert isinstance(found, Answer)
    return found


def test_the_answer_is_the_analysis(open_page: Opener, simulated: Path):
    page = open_page(simulated, "what_if")
    page.number_input(key="amount_flops").set_value(5e14).run()
    best = answer(simulated, amount=5e14).optimum
    said = html.unescape(text(page))
    for key, value in (("n", best.n), ("d", best.d)):
        assert f"{formats.count(value)} ({formats.show(list(best.intervals[key]), 'interval-count')})" in said
    assert formats.show(list(best.intervals["run"]), "interval-loss") in said
    assert len(figures(page)) == 2


def test_each_departure_adds_its_row(open_page: Opener, simulated: Path):
    page = open_page(simulated, "what_if")
    page.number_input(key="what_ratio").set_value(100.0).run()
    page.number_input(key="unique_tokens").set_value(1e6).run()
    page.number_input(key="inference_tokens").set_value(1e9).run()
    assert not page.exception
    found = answer(simulated, ratio=100, unique_tokens=1e6, inference_tokens=1e9)
    assert found.departed and found.limited and found.served
    for n in (found.optimum.n, found.departed.n, found.limited.n.value, found.served.n.value):
        assert f">{formats.count(n)}<" in tables(page)
    assert "Muennighoff" in text(page) and "Sardana" in text(page)


def test_hours_of_a_device_and_money_are_budgets_too(open_page: Opener, simulated: Path):
    page = open_page(simulated, "what_if")
    page.selectbox(key="unit").set_value("money").run()
    page.number_input(key="amount_money").set_value(0.01).run()
    page.number_input(key="price").set_value(4.0).run()
    page.number_input(key="device_flops").set_value(100.0).run()
    found = answer(simulated, unit="money", amount=0.01, price=4.0, device_flops=1e14)
    assert found.budget.flops == 0.01 / 4 * 3600 * 1e14 * 0.4
    assert f"{formats.power(found.budget.flops)} FLOPs" in html.unescape(text(page)).replace("<sup>", "")
    page.number_input(key="amount_money").set_value(0.0).run()
    assert not page.exception


def test_the_amount_typed_is_kept_when_its_unit_changes(open_page: Opener, simulated: Path):
    page = open_page(simulated, "what_if")
    page.number_input(key="amount_flops").set_value(1e17).run()
    page.selectbox(key="unit").set_value("hours").run()
    hours = 1e17 / (989e12 * 0.4 * 3600)
    assert page.number_input(key="amount_hours").value == pytest.approx(hours)
    page.selectbox(key="unit").set_value("money").run()
    assert page.number_input(key="amount_money").value == pytest.approx(2 * hours)
    page.selectbox(key="unit").set_value("flops").run()
    assert page.number_input(key="amount_flops").value == pytest.approx(1e17)


def test_beyond_a_thousand_times_the_largest_budget_no_model_is_named(open_page: Opener, simulated: Path):
    page = open_page(simulated, "what_if")
    page.number_input(key="amount_flops").set_value(1e21).run()
    assert any("farther than anything these runs can say" in warning.value for warning in page.warning)
    assert len(figures(page)) == 1


def test_published_laws_stand_beside_ours_and_losses_with_what_they_are_worth(open_page: Opener, simulated: Path):
    page = open_page(simulated, "what_if")
    names = [trace.get("name") for trace in figures(page)[1]["data"]]
    assert {"this fit", "Kaplan et al. 2020", "Hoffmann et al. 2022", "Besiroglu et al. 2024"} <= set(names)
    assert "not comparable in level" not in text(page)
    assert "D_opt" in tables(page) or "D<sub>opt</sub>" in tables(page)
    page.segmented_control(key="compare").set_value("loss").run()
    assert "not comparable in level" in text(page)
    assert "grows as C" not in tables(page)  # the exponents are those of what is drawn


def test_runs_that_determine_no_law_name_no_model(open_page: Opener, narrow: Path):
    page = open_page(narrow, "what_if")
    assert not page.exception
    assert any("do not determine" in warning.value for warning in page.warning)
    assert len(figures(page)) == 1
