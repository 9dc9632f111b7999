"""One fit looked at closely: its blocks carry the fit's own numbers, under either count of N."""

from dataclasses import replace

import numpy as np
import pytest

from tests.factories import make_runs
from workbench import fitting
from workbench.analyses import one_law
from workbench.analyses.one_law import Ask
from workbench.analyses.scaling import ScalingStudy, study
from workbench.fitting import LAW_NAMES, Fit, allocate
from workbench.reporting.document import Figure, Table


@pytest.fixture(scope="module")
def simulated() -> ScalingStudy:
    runs, curves, evals = make_runs(0)
    return study(runs, curves, evals, name="simulated", resamples=30)


def fit_of(simulated: ScalingStudy, law: str, convention: str) -> Fit:
    found = one_law.chosen(simulated, law, convention)
    assert isinstance(found, Fit)
    return found


FITTED = [name for name in LAW_NAMES if name not in ("kaplan-n", "kaplan-d")]


@pytest.mark.parametrize("convention", ["n", "n_non_embedding"])
@pytest.mark.parametrize("law", FITTED)
def test_the_table_holds_every_parameter_with_its_interval(simulated: ScalingStudy, law: str, convention: str):
    fit = fit_of(simulated, law, convention)
    table = next(block for block in one_law.numbers(fit) if isinstance(block, Table))
    assert {row["name"]: row["value"] for row in table.rows} == {**fit.params, **fit.derived}
    assert {row["name"]: tuple(row["interval"]) for row in table.rows} == {**fit.intervals, **fit.derived_intervals}
    assert all(row["meaning"] for row in table.rows)


@pytest.mark.parametrize("convention", ["n", "n_non_embedding"])
@pytest.mark.parametrize("law", FITTED)
def test_every_law_but_the_envelope_is_drawn_over_its_own_points(simulated: ScalingStudy, law: str, convention: str):
    fit = fit_of(simulated, law, convention)
    figures = one_law.picture(simulated, fit) + one_law.residuals(fit)
    if law == "envelope":
        assert figures == []
        return
    picture, residuals = figures
    assert isinstance(picture, Figure)
    assert isinstance(residuals, Figure)
    assert len(residuals.data) == fit.n_points
    assert residuals.data["residual"].tolist() == fit.residuals["residual"].tolist()
    if law != "isoflop":
        assert len(picture.data) == fit.n_points


def test_a_law_that_was_not_fitted_gives_its_reason(simulated: ScalingStudy):
    reason = one_law.chosen(simulated, "kaplan-n", "n")
    assert isinstance(reason, str)
    assert reason.startswith("Not fitted: ")


def test_the_frontier_is_the_allocation_and_laws_without_one_have_none(simulated: ScalingStudy):
    fit = fit_of(simulated, "chinchilla", "n_non_embedding")
    (figure,) = one_law.frontier(simulated, fit)
    assert isinstance(figure, Figure)
    row = figure.data.iloc[-1]
    assert row["flops"] == pytest.approx(100 * simulated.largest)
    assert row["n"] == pytest.approx(allocate(fit, float(row["flops"])).n)
    assert one_law.frontier(simulated, fit_of(simulated, "kaplan-c", "n")) == []


def test_isoflop_curves_follow_the_count_of_n(simulated: ScalingStudy):
    (figure,) = one_law.isoflop(simulated, fit_of(simulated, "isoflop", "n_non_embedding"))
    assert isinstance(figure, Figure)
    assert sorted(figure.data["n"]) == sorted(simulated.table["n_non_embedding"])
    (points,) = one_law.isoflop(simulated, None)
    assert isinstance(points, Figure)
    assert "star" not in points.caption


def test_laws_to_choose_are_those_whose_columns_are_there_and_vary(simulated: ScalingStudy):
    names = one_law.choices(simulated)
    assert names[: len(LAW_NAMES)] == LAW_NAMES
    assert {"chinchilla-tied", "power-d", "learning-curve"} <= set(names)
    # No token is seen twice, one vocabulary, one batch, no groups, no downstream errors.
    assert not {"data-constrained", "vocabulary", "kaplan-ns", "family", "downstream-error"} & set(names)
    batches = replace(simulated, table=simulated.table.assign(batch=2.0 ** np.arange(32)))
    assert "kaplan-ns" in one_law.choices(batches)
    repeating = replace(simulated, table=simulated.table.assign(u=simulated.table["d"] / np.arange(1, 33)))
    assert "data-constrained" in one_law.choices(repeating)


def test_what_is_asked_is_what_the_fitting_room_gives(simulated: ScalingStudy):
    found = one_law.asked(simulated, Ask("chinchilla-tied", "n_non_embedding", "huber", 1e-2, "sandwich"))
    expected = fitting.fit(
        simulated.table, "chinchilla-tied", delta=1e-2, convention="n_non_embedding", intervals="sandwich", resamples=30
    )
    assert isinstance(found, Fit)
    assert found.to_dict() == expected.to_dict()
    cubic = one_law.asked(simulated, Ask("isoflop", shape="cubic"))
    assert isinstance(cubic, Fit) and cubic.diagnostics["shape"] == "cubic"
    (frontier,) = one_law.frontier(simulated, cubic)
    assert isinstance(frontier, Figure)
    stars = next(trace for trace in frontier.figure.data if trace.legendgroup == "minima")
    assert list(stars.y) == cubic.extra["minima"]["n_opt"].tolist()


def test_the_studys_own_fit_is_not_made_twice(simulated: ScalingStudy):
    for law in ("chinchilla", "isoflop", "envelope", "kaplan-c"):
        assert one_law.asked(simulated, Ask(law)) is simulated.fits.get(law)
    assert one_law.asked(simulated, Ask("chinchilla", objective="lad")) is not simulated.fits.get("chinchilla")


def test_what_cannot_be_fitted_as_asked_is_a_sentence(simulated: ScalingStudy):
    said = one_law.asked(simulated, Ask("family"))
    assert isinstance(said, str)
    assert said.startswith("Not fitted: family needs the column group")


@pytest.mark.parametrize(
    ("law", "drawn"),
    [("chinchilla-tied", "d"), ("power-c", "c"), ("kaplan-ns", "observed"), ("best-batch", "observed")],
)
def test_laws_of_other_columns_are_observed_against_predicted(simulated: ScalingStudy, law: str, drawn: str):
    found = one_law.asked(replace(simulated, settings={**simulated.settings, "resamples": 0}), Ask(law))
    assert isinstance(found, Fit)
    picture, residuals = one_law.picture(simulated, found) + one_law.residuals(found)
    assert isinstance(picture, Figure) and isinstance(residuals, Figure)
    assert drawn in picture.data
    assert len(picture.data) == len(residuals.data) == found.n_points
    assert any(isinstance(block, Table) for block in one_law.numbers(found))


def test_the_frontier_is_drawn_for_every_law_that_allocates(simulated: ScalingStudy):
    tied = one_law.asked(simulated, Ask("chinchilla-tied"))
    assert isinstance(tied, Fit)
    assert len(one_law.frontier(simulated, tied)) == 1
