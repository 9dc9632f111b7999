"""The Laws page: what is asked is what is fitted and shown; every part has its figures, its words or its reason."""

import html
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import Opener
from tests.app.test_pages import figures, tables, text
from workbench.analyses import views
from workbench.fitting import fit, from_runs
from workbench.reporting import formats, theme
from workbench.store import Store

PARTS = ("Fit", "Map", "Residuals", "Uncertainty", "Back-test", "All side by side")


def chosen_from(page: AppTest, key: str) -> list[str]:
    """The values a choice offers, whatever they are called on the page."""
    names = {shown: law for law, shown in theme.LAW_NAMES.items()}
    return [names.get(option, option) for option in page.selectbox(key=key).options]


def show(page: AppTest, part: str) -> AppTest:
    return page.segmented_control(key="part").set_value(part).run()


def test_the_fit_shown_is_the_librarys(open_page: Opener, simulated: Path):
    page = open_page(simulated, "laws")
    page.selectbox(key="objective").set_value("log-mse").run()
    page.selectbox(key="convention").set_value("n_non_embedding").run()
    store = Store(simulated)
    expected = fit(from_runs(store.runs()), "chinchilla", "log-mse", convention="n_non_embedding", resamples=50)
    shown = tables(page)
    for name, value in expected.params.items():
        assert f">{formats.number(value, 4)}<" in shown
        assert formats.show(list(expected.interval(name)), "interval-number4") in shown
    assert "N counts non-embedding parameters" in text(page)
    assert f"its value is {expected.objective_value:.8g}." in html.unescape(text(page))


@pytest.mark.parametrize(
    ("law", "counts"),
    [
        ("chinchilla", (2, 2, 1, 2, 2, 1)),
        ("isoflop", (1, 1, 1, 1, 0, 1)),
        ("envelope", (1, 1, 0, 1, 0, 1)),
        ("kaplan-c", (2, 0, 1, 2, 2, 1)),
        ("kaplan-n", (1, 0, 0, 0, 0, 1)),
    ],
)
def test_each_law_has_its_figures_or_its_reason_in_every_part(
    open_page: Opener, simulated: Path, law: str, counts: tuple[int, ...]
):
    page = open_page(simulated, "laws")
    page.selectbox(key="law").set_value(law).run()
    for part, count in zip(PARTS, counts, strict=True):
        show(page, part)
        assert not page.exception and not page.error
        assert len(figures(page)) == count, part
        assert count or len(text(page)) > 200
        if part == "Fit":
            assert any("Not fitted" in warning.value for warning in page.warning) == (law == "kaplan-n")


def test_any_law_the_columns_feed_is_fitted_as_chosen(open_page: Opener, simulated: Path):
    page = open_page(simulated, "laws")
    assert {"isoflop", "envelope", "chinchilla-tied", "power-d"} <= set(chosen_from(page, "law"))
    page.selectbox(key="law").set_value("chinchilla-tied").run()
    page.selectbox(key="intervals").set_value("sandwich").run()
    page.select_slider(key="delta").set_value(1e-2).run()
    assert not page.exception
    expected = fit(
        from_runs(Store(simulated).runs()), "chinchilla-tied", delta=1e-2, intervals="sandwich", resamples=50
    )
    for name, value in expected.params.items():
        low, high = (formats.number(end, 4) for end in expected.intervals[name])
        assert f">{formats.number(value, 4)}<" in tables(page)
        assert f"{low} to {high}" in tables(page)
    assert expected.interval_method in html.unescape(text(page))
    assert "Corners of the Huber loss" not in text(page)


def test_only_the_widgets_a_law_takes_are_there(open_page: Opener, simulated: Path):
    page = open_page(simulated, "laws")
    page.selectbox(key="law").set_value("isoflop").run()
    assert {box.key for box in page.selectbox} >= {"law", "convention", "shape"}
    assert not {"objective", "intervals"} & {box.key for box in page.selectbox}
    assert not page.select_slider
    page.selectbox(key="shape").set_value("parabola").run()
    expected = fit(from_runs(Store(simulated).runs()), "isoflop", shape="parabola", resamples=0)
    assert f">{formats.number(expected.params['a'], 4)}<" in tables(page)
    assert "parabolas of ln L in ln N" in text(page)
    page.selectbox(key="law").set_value("envelope").run()
    assert {box.key for box in page.selectbox} >= {"law", "convention"}
    assert not {"objective", "shape"} & {box.key for box in page.selectbox}


def test_trust_has_its_parts(open_page: Opener, simulated: Path):
    page = open_page(simulated, "laws")
    assert "most influential runs" in text(show(page, "Residuals"))
    said = text(show(page, "Back-test"))
    assert "By the log score" in said
    assert "Holding out everything above 1/" in said


def test_under_each_figure_stands_a_command_that_draws_it(open_page: Opener, simulated: Path):
    page = open_page(simulated, "laws")
    page.selectbox(key="law").set_value("kaplan-nd").run()
    show(page, "Map")
    commands = [code.value for code in page.code if code.value.startswith("workbench figure")]
    assert f"workbench figure contour {simulated} --set law=kaplan-nd" in commands
    for command in commands:
        name, settings = command.split()[2], command.split("--set ")[1:]
        assert views.asked(name, [setting.strip() for setting in settings]).changed() == {"law": "kaplan-nd"}


def test_runs_that_determine_no_law_say_so(open_page: Opener, narrow: Path):
    page = open_page(narrow, "laws")
    assert not page.exception
    assert any("do not determine this law" in warning.value for warning in page.warning)
    assert ">not determined<" in tables(page)
