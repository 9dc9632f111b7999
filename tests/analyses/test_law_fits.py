"""The fit behind the Laws page is the fitting room's, made once, and the same as the report's."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.factories import make_store
from workbench import fitting
from workbench.analyses import law_fits, views
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.selection import Selection
from workbench.errors import BadInput
from workbench.fitting import LAW_NAMES, Fit


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    return Selection(make_store(tmp_path_factory.mktemp("laws") / "simulated"), resamples=30)


def test_laws_to_choose_are_those_whose_columns_are_there_and_vary(simulated: Selection):
    points = law_fits.points(simulated)
    names = law_fits.choices(points)
    assert names[: len(LAW_NAMES)] == LAW_NAMES
    assert {"chinchilla-tied", "power-d", "learning-curve"} <= set(names)
    # No token is seen twice, one vocabulary, one batch, no groups, no downstream errors.
    assert not {"data-constrained", "vocabulary", "kaplan-ns", "family", "downstream-error"} & set(names)
    many = np.arange(1, len(points) + 1)
    assert "kaplan-ns" in law_fits.choices(points.assign(batch=2.0**many))
    assert "data-constrained" in law_fits.choices(points.assign(u=points["d"] / many))


def test_what_is_asked_is_what_the_fitting_room_gives(simulated: Selection):
    ask = LawAsk(law="chinchilla-tied", convention="n_non_embedding", delta=1e-2, intervals="sandwich")
    expected = fitting.fit(
        fitting.from_runs(simulated.runs), "chinchilla-tied", delta=1e-2, convention="n_non_embedding",
        intervals="sandwich", resamples=30,
    )  # fmt: skip
    found = law_fits.fitted(simulated, ask)
    assert isinstance(found, Fit)
    assert found.to_dict() == expected.to_dict()
    cubic = law_fits.fitted(simulated, LawAsk(law="isoflop", shape="cubic"))
    assert isinstance(cubic, Fit) and cubic.diagnostics["shape"] == "cubic"


def test_a_fit_is_made_once_whatever_the_law_does_not_take(simulated: Selection):
    one = law_fits.fitted(simulated, LawAsk(law="isoflop"))
    assert law_fits.known(simulated, LawAsk(law="isoflop", objective="lad", intervals="sandwich"))
    assert law_fits.fitted(simulated, LawAsk(law="isoflop", objective="lad")) is one
    assert not law_fits.known(simulated, LawAsk(law="isoflop", shape="parabola"))


def test_every_number_is_the_reports(simulated: Selection):
    fresh = replace(simulated)
    for fit in (
        *law_fits.every(fresh),
        law_fits.fitted(fresh, LawAsk()),
        law_fits.fitted(fresh, LawAsk(law="envelope")),
    ):
        assert isinstance(fit, Fit)
        own = simulated.study.fits.get(fit.law, fit.convention)
        assert own is not None
        assert (fit.params, fit.intervals, fit.derived) == (own.params, own.intervals, own.derived)
    assert law_fits.every(simulated) is simulated.study.fits


def test_what_cannot_be_fitted_as_asked_is_a_sentence(simulated: Selection):
    for law, said in (("family", "Not fitted: family needs the column group"), ("kaplan-n", "Not fitted: kaplan-n")):
        found = law_fits.fitted(simulated, LawAsk(law=law))
        assert isinstance(found, str)
        assert found.startswith(said)


def test_a_store_without_runs_has_no_table_and_says_so(tmp_path):
    from workbench.store import Store

    empty = Selection(Store.create(tmp_path / "empty").folder)
    assert isinstance(law_fits.points(empty), pd.DataFrame) and law_fits.points(empty).empty
    assert law_fits.fitted(empty, LawAsk()) == law_fits.NO_RUNS


@pytest.mark.parametrize(
    ("setting", "said"), [("law=chinchila", "it is one of"), ("delta=0", "greater than 0"), ("colour=1", "takes KEY")]
)
def test_a_wrong_setting_is_named(setting: str, said: str):
    with pytest.raises(BadInput, match=said):
        views.asked("law", [setting])
