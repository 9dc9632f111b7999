"""The page that compares: its numbers are the library's, its choices change them, what cannot be compared is said."""

from pathlib import Path

from tests.app.conftest import Opener
from tests.app.test_pages import figures, tables, text
from workbench.analyses import compare_words as words
from workbench.analyses.compare import compare
from workbench.analyses.compare_groups import by_key, by_sweeps
from workbench.store import Store


def test_two_sweeps_are_compared_as_the_library_does(open_page: Opener, twins: Path):
    page = open_page(twins, "compare")
    assert not page.exception and len(figures(page)) == 2
    store = Store(twins)
    expected = compare(by_sweeps(store.runs(), store.sweeps(), ["simulated", "twin"]), resamples=50)
    assert words.answer(expected, "twin") in text(page)
    assert words.shared(expected) in text(page)
    assert "shared α and β; own E, A and B" in tables(page) and "model.activation" in tables(page)


def test_the_reference_is_the_group_named_first(open_page: Opener, twins: Path):
    page = open_page(twins, "compare")
    page.multiselect(key="compare_sweeps").set_value(["twin", "simulated"]).run()
    assert "simulated reaches the losses of twin with 1.2" in text(page)
    page.multiselect(key="compare_sweeps").set_value(["twin"]).run()
    assert not page.exception and not figures(page)
    assert "Choose two groups or more" in text(page)


def test_axis_and_irreducible_loss_are_choices(open_page: Opener, twins: Path):
    page = open_page(twins, "compare")
    page.selectbox(key="compare_x").set_value("flops").run()
    assert figures(page)[1]["layout"]["xaxis"]["title"]["text"] == "compute of simulated [FLOPs]"
    page.toggle(key="compare_e").set_value(True).run()
    assert "one number at every loss" in text(page) and "the middle of the losses" not in text(page)


def test_runs_are_grouped_by_a_key_where_the_sweep_has_two_values(open_page: Opener, twins: Path):
    page = open_page(twins, "compare")
    page.selectbox(key="sweep").set_value("all runs").run()
    page.segmented_control(key="compare_way").set_value("key").run()
    assert page.selectbox(key="compare_by").options == ["model.activation"]
    expected = compare(by_key(Store(twins).runs(), "model.activation"), resamples=50)
    assert words.answer(expected, "swiglu") in text(page)


def test_conditions_form_groups_and_a_wrong_one_is_a_sentence(open_page: Opener, twins: Path):
    page = open_page(twins, "compare")
    page.selectbox(key="sweep").set_value("all runs").run()
    page.segmented_control(key="compare_way").set_value("where").run()
    page.text_area(key="compare_where").set_value("sweep = 'simulated'\nsweep = 'twin'").run()
    assert "“sweep = 'twin'” reaches the losses of “sweep = 'simulated'” with 0.8" in text(page).replace(
        "&#x27;", "'"
    ).replace("&#39;", "'")
    page.text_area(key="compare_where").set_value("sweep = \nloss > 0").run()
    assert not page.exception and "syntax error" in text(page)
    page.text_area(key="compare_where").set_value("loss > 0\nloss > 3.5").run()
    assert "so that there is nothing to compare" in text(page)


def test_a_store_with_nothing_to_compare_says_what_would_be(open_page: Opener, simulated: Path, empty: Path):
    page = open_page(simulated, "compare")
    assert not page.exception and not figures(page)
    assert "There is nothing to compare here yet" in text(page)
    assert "no finished run" in text(open_page(empty, "compare"))
