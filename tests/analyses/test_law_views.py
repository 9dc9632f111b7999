"""The views of the Laws page: what they draw is the fit's own, and what they cannot draw is a sentence."""

import numpy as np
import pytest

from tests.factories import make_narrow, make_store
from workbench.analyses import law_fits, views
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.published import PUBLISHED
from workbench.analyses.selection import Selection
from workbench.fitting import Fit, allocate, backtest
from workbench.reporting import formats
from workbench.reporting.document import Block, Figure, Table, Text

LAW_VIEWS = ("law-points", "law", "isoflop", "contour", "frontier", "law-residuals", "profile", "cloud", "law-backtest")
OF_ALL = ("conventions", "diagnostics", "laws-compared")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    return Selection(make_store(tmp_path_factory.mktemp("laws") / "simulated"), resamples=60)


@pytest.fixture(scope="module")
def narrow(simulated: Selection, tmp_path_factory: pytest.TempPathFactory) -> Selection:
    return Selection(make_narrow(simulated.folder, tmp_path_factory.mktemp("laws") / "narrow"), resamples=60)


def draw(selection: Selection, name: str, *settings: str) -> list[Block]:
    return views.view(name).draw(selection, views.asked(name, settings))


def figure_of(blocks: list[Block]) -> Figure:
    return next(block for block in blocks if isinstance(block, Figure))


def words(blocks: list[Block]) -> str:
    return " ".join(block.text for block in blocks if isinstance(block, Text))


def test_the_map_has_the_laws_loss_at_every_pair_and_the_frontier_of_its_allocation(simulated: Selection):
    fit = law_fits.fitted(simulated, LawAsk())
    assert isinstance(fit, Fit)
    figure = figure_of(draw(simulated, "contour"))
    assert len(figure.data) == fit.n_points
    ground = figure.figure.data[0]
    n, d = np.meshgrid(ground.x, ground.y)
    assert np.allclose(np.exp(np.array(ground.z, dtype=float)), fit.predict(n=n, d=d))
    line = next(trace for trace in figure.figure.data if trace.name == "compute-optimal frontier")
    for size, tokens in list(zip(line.x, line.y, strict=True))[::5]:
        assert allocate(fit, fit.cost.flops(size, tokens)).n == pytest.approx(size)


def test_the_cloud_is_of_the_draws_and_names_their_method(simulated: Selection):
    figure = figure_of(draw(simulated, "cloud", "intervals=cases"))
    fit = law_fits.fitted(simulated, LawAsk(intervals="cases"))
    assert isinstance(fit, Fit)
    assert figure.data["alpha"].tolist() == fit.draws()["alpha"].tolist()
    assert f"Resampled as for the intervals: {fit.interval_method}" in figure.caption


def test_where_intervals_come_from_no_sample_residuals_are_resampled_and_that_is_said(simulated: Selection):
    figure = figure_of(draw(simulated, "cloud", "intervals=profile"))
    other = law_fits.fitted(simulated, LawAsk(intervals="residuals"))
    assert isinstance(other, Fit)
    assert figure.data["beta"].tolist() == other.draws()["beta"].tolist()
    assert "by another method (profile" in figure.caption
    assert "percentile bootstrap of residuals" in figure.caption


def test_the_back_test_is_that_of_the_law_as_asked(simulated: Selection):
    blocks = draw(simulated, "law-backtest", "law=kaplan-nd", "objective=lad")
    expected = backtest(law_fits.table(simulated), "kaplan-nd", objective="lad", resamples=simulated.resamples)
    assert figure_of(blocks).data["predicted"].tolist() == expected.points["predicted"].tolist()
    assert f"forecast as {expected.predicted:.3f} and was {expected.observed:.3f}" in words(blocks)
    assert "Kaplan L(N, D) was fitted anew" in words(blocks)


def test_all_approaches_stand_side_by_side_with_the_published(simulated: Selection):
    figure = figure_of(draw(simulated, "conventions"))
    ours = figure.data[figure.data["ours"]]
    assert len(figure.data) == len(ours) + len(PUBLISHED)
    parametric = law_fits.fitted(simulated, LawAsk(convention="n_non_embedding"))
    assert isinstance(parametric, Fit)
    row = ours[ours["label"] == "3, parametric (N non-embedding)"].iloc[0]
    assert (row["a"], row["low"], row["high"]) == (parametric.value("a"), *parametric.interval("a"))


@pytest.mark.parametrize("name", [*LAW_VIEWS, *OF_ALL])
def test_runs_that_determine_no_law_are_drawn_with_words_in_place_of_numbers(narrow: Selection, name: str):
    blocks = draw(narrow, name)
    assert any(isinstance(block, Figure | Table | Text) for block in blocks)
    for table in (block for block in blocks if isinstance(block, Table) and block.name in ("one-law", "parameters")):
        for row in table.rows:
            assert not isinstance(row["value"], float) or abs(row["value"]) < 1e6
    if name == "frontier":
        assert words(blocks).startswith("No frontier is drawn: these runs do not determine")
    if name == "contour":
        assert "No frontier is drawn" in words(blocks)
        assert all(trace.name != "compute-optimal frontier" for trace in figure_of(blocks).figure.data)
    if name == "conventions":
        assert "do not identify left out" in figure_of(blocks).caption
        exponents = next(block for block in blocks if isinstance(block, Table) and block.name == "exponents")
        unknown = [row for row in exponents.rows if row["identified"] == "not determined"]
        assert unknown and all(formats.show(row["a"], "number") == formats.MISSING for row in unknown)


@pytest.mark.parametrize("name", [*LAW_VIEWS, *OF_ALL])
def test_a_store_without_runs_is_a_sentence_in_every_view(tmp_path, name: str):
    from workbench.store import Store

    blocks = draw(Selection(Store.create(tmp_path / "empty").folder), name)
    assert words(blocks) == law_fits.NO_RUNS


@pytest.mark.parametrize("law", ["envelope", "isoflop", "kaplan-c"])
@pytest.mark.parametrize("name", ["contour", "profile", "cloud", "law-residuals", "law-backtest"])
def test_procedures_and_laws_of_compute_draw_or_say_why_not(simulated: Selection, name: str, law: str):
    blocks = draw(simulated, name, f"law={law}")
    assert any(isinstance(block, Figure) for block in blocks) or words(blocks)
