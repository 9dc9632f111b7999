"""One fit looked at closely: its blocks carry the fit's own numbers, under either count of N."""

from typing import Any

import pytest

from tests.factories import make_narrow, make_store
from workbench.analyses import law_fits, one_law
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.selection import Selection
from workbench.fitting import LAW_NAMES, Fit, allocate
from workbench.fitting.isoflop.estimator import DEFAULT_SHAPE
from workbench.reporting.document import Figure, Table, Text


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    return Selection(make_store(tmp_path_factory.mktemp("laws") / "simulated"), resamples=30)


@pytest.fixture(scope="module")
def narrow(simulated: Selection, tmp_path_factory: pytest.TempPathFactory) -> Selection:
    return Selection(make_narrow(simulated.folder, tmp_path_factory.mktemp("laws") / "narrow"), resamples=30)


def fit_of(simulated: Selection, law: str, convention: str = "n", **asked: Any) -> Fit:
    found = law_fits.fitted(simulated, LawAsk(law=law, convention=convention, **asked))
    assert isinstance(found, Fit)
    return found


FITTED = [name for name in LAW_NAMES if name not in ("kaplan-n", "kaplan-d")]


@pytest.mark.parametrize("convention", ["n", "n_non_embedding"])
@pytest.mark.parametrize("law", FITTED)
def test_the_table_holds_every_parameter_with_its_interval(simulated: Selection, law: str, convention: str):
    fit = fit_of(simulated, law, convention)
    table = next(block for block in one_law.numbers(fit) if isinstance(block, Table))
    assert {row["name"]: row["value"] for row in table.rows} == {**fit.params, **fit.derived}
    assert {row["name"]: tuple(row["interval"]) for row in table.rows} == {**fit.intervals, **fit.derived_intervals}
    assert all(row["meaning"] for row in table.rows)


@pytest.mark.parametrize("convention", ["n", "n_non_embedding"])
@pytest.mark.parametrize("law", FITTED)
def test_every_law_but_the_envelope_is_drawn_over_its_own_points(simulated: Selection, law: str, convention: str):
    fit = fit_of(simulated, law, convention)
    figures = one_law.picture(fit, law_fits.points(simulated)) + one_law.residuals(fit)
    if law == "envelope":
        (said,) = figures
        assert isinstance(said, Text)
        return
    picture, residuals = figures
    assert isinstance(picture, Figure)
    assert isinstance(residuals, Figure)
    assert len(residuals.data) == fit.n_points
    assert residuals.data["residual"].tolist() == fit.residuals["residual"].tolist()
    if law != "isoflop":
        assert len(picture.data) == fit.n_points


def frontier_of(simulated: Selection, fit: Fit) -> list[object]:
    minima = fit_of(simulated, "isoflop", fit.convention, shape=fit.diagnostics.get("shape", DEFAULT_SHAPE)).extra[
        "minima"
    ]
    return list(one_law.frontier(fit, law_fits.points(simulated), law_fits.largest(simulated), minima))


def test_the_frontier_is_the_allocation_and_a_law_without_one_says_so(simulated: Selection):
    fit = fit_of(simulated, "chinchilla", "n_non_embedding")
    (figure,) = frontier_of(simulated, fit)
    assert isinstance(figure, Figure)
    row = figure.data.iloc[-1]
    assert row["flops"] == pytest.approx(100 * law_fits.largest(simulated))
    assert row["n"] == pytest.approx(allocate(fit, float(row["flops"])).n)
    (said,) = frontier_of(simulated, fit_of(simulated, "kaplan-c"))
    assert isinstance(said, Text)
    assert "does not say how compute divides" in said.text


def test_isoflop_curves_follow_the_count_of_n(simulated: Selection):
    points = law_fits.points(simulated)
    (figure,) = one_law.isoflop(points, "n_non_embedding", fit_of(simulated, "isoflop", "n_non_embedding"))
    assert isinstance(figure, Figure)
    assert sorted(figure.data["n"]) == sorted(points["n_non_embedding"])
    (bare,) = one_law.isoflop(points, "n", None)
    assert isinstance(bare, Figure)
    assert "star" not in bare.caption


def test_a_law_that_is_not_identified_has_words_where_its_loose_numbers_would_stand(narrow: Selection):
    fit = fit_of(narrow, "chinchilla")
    assert not fit.identified
    blocks = one_law.numbers(fit)
    table = next(block for block in blocks if isinstance(block, Table))
    said = {row["name"]: row for row in table.rows}
    assert said["B"]["value"] == "not determined" and said["B"]["interval"] is None
    assert any(isinstance(block, Text) and block.note and block.text == one_law.OPEN for block in blocks)
    assert {name for name, row in said.items() if row["value"] == "not determined"} == set(fit.undetermined)


@pytest.mark.parametrize(
    ("law", "drawn"),
    [("chinchilla-tied", "d"), ("power-c", "c"), ("kaplan-ns", "observed"), ("best-batch", "observed")],
)
def test_laws_of_other_columns_are_observed_against_predicted(simulated: Selection, law: str, drawn: str):
    found = fit_of(Selection(simulated.folder, resamples=0), law)
    picture, residuals = one_law.picture(found, law_fits.points(simulated)) + one_law.residuals(found)
    assert isinstance(picture, Figure) and isinstance(residuals, Figure)
    assert drawn in picture.data
    assert len(picture.data) == len(residuals.data) == found.n_points
    assert any(isinstance(block, Table) for block in one_law.numbers(found))


def test_the_frontier_is_drawn_for_every_law_that_allocates(simulated: Selection):
    assert len(frontier_of(simulated, fit_of(simulated, "chinchilla-tied"))) == 1


def test_the_stars_of_a_frontier_are_the_minima_of_its_own_shape(simulated: Selection):
    cubic = fit_of(simulated, "isoflop", shape="cubic")
    (figure,) = frontier_of(simulated, cubic)
    assert isinstance(figure, Figure)
    stars = next(trace for trace in figure.figure.data if trace.legendgroup == "minima")
    assert list(stars.y) == cubic.extra["minima"]["n_opt"].tolist()
