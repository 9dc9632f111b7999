"""The curves a reader asks for: which runs, in which groups, and a caption that says what was thinned or folded."""

import pytest

from tests.factories import make_store
from workbench.analyses import curve_view, views
from workbench.analyses.curve_view import CurvesAsk, X, Y
from workbench.analyses.selection import Selection
from workbench.errors import BadInput
from workbench.reporting.document import Figure


@pytest.fixture(scope="module")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    return Selection(make_store(tmp_path_factory.mktemp("curves") / "store"))


def drawn(selection: Selection, *settings: str) -> Figure:
    (figure,) = views.view("curves").draw(selection, views.asked("curves", settings))
    assert isinstance(figure, Figure)
    return figure


@pytest.mark.parametrize("x", X)
@pytest.mark.parametrize("y", Y)
def test_any_quantity_against_any_other(selection: Selection, x: str, y: str):
    figure = drawn(selection, f"x={x}", f"y={y}")
    if y == "noise_scale":
        assert "recorded no gradient noise scale" in figure.figure.layout.annotations[0].text
    else:
        assert figure.data["run_id"].nunique() == 40


def test_all_runs_are_lines_and_every_point_is_there(selection: Selection):
    assert drawn(selection).caption.endswith("coloured by parameters N: 40 runs; all 960 recorded points.")


def test_what_is_thinned_is_said(selection: Selection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(curve_view, "POINTS", 10)
    monkeypatch.setattr(curve_view, "FEWEST_OF_A_RUN", 6)
    monkeypatch.setattr(curve_view, "MOST", 30)
    caption = drawn(selection, "fold=runs").caption
    assert "at most 6 evenly spaced points of each are drawn (180 of 720)" in caption
    assert "the first 30 of 40 runs in the order of their ids" in caption


def test_many_runs_are_folded_by_themselves_and_it_is_said(selection: Selection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(curve_view, "MOST", 39)
    figure = drawn(selection)
    assert "40 runs folded into 38 configurations" in figure.caption
    assert "bands reach from the lowest to the highest run" in figure.caption
    assert sorted(set(figure.data["runs"])) == [1, 3]


def test_budgets_match_by_closeness(selection: Selection):
    every = selection.runs
    expected = set(every.loc[every["budget"] == 10**11.5, "run_id"])
    assert set(drawn(selection, "budgets=[3.16e11]").data["run_id"]) == expected
    assert drawn(selection, "budgets=[2e11]").data.empty


def test_a_condition_and_ids_choose_runs(selection: Selection):
    expected = set(selection.store.runs("n_params < 50000")["run_id"])
    assert set(drawn(selection, "where=n_params < 50000").data["run_id"]) == expected
    assert set(drawn(selection, 'runs=["r-00000003"]').data["run_id"]) == {"r-00000003"}


def test_several_keys_color_and_dash_and_keys_of_the_configuration_are_among_them(selection: Selection):
    assert "model.d_model" in curve_view.groups(selection)
    figure = drawn(selection, 'group=["role", "model.d_model"]', "fold=groups")
    pairs = selection.configs["model.d_model"].groupby(
        [selection.runs["role"].to_numpy(), selection.configs["model.d_model"]]
    )
    assert figure.data["group"].nunique() == pairs.ngroups
    assert "coloured by role, dashed by model.d_model" in figure.caption
    assert len({trace.line.dash for trace in figure.figure.data}) > 1


def test_an_unknown_key_is_a_sentence(selection: Selection):
    with pytest.raises(BadInput, match="group = no_such_key: it is no column"):
        drawn(selection, "group=no_such_key")


def test_one_key_may_be_given_plainly():
    assert views.asked("curves", ["group=role"]) == CurvesAsk(group=("role",))


def test_smoothing_is_stated(selection: Selection):
    assert "mean of span 20 recorded points" in drawn(selection, "span=20").caption
