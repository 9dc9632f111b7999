"""What a fit gives back: predictions, intervals at other levels, JSON."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.fitting.designs import isoflop, loss_of
from workbench.errors import BadInput
from workbench.fitting import Fit, fit, prediction_interval


@pytest.fixture(scope="module")
def simple() -> Fit:
    return fit(isoflop(0.01, seed=2), resamples=100, intervals="residuals")


def test_the_prediction_comes_back_with_an_interval():
    found = fit(isoflop(0.005), resamples=100)
    n, d = np.array([1e5, 1e6]), np.array([1e7, 1e8])
    low, high = found.predict_interval(n=n, d=d)
    assert (low < found.predict(n=n, d=d)).all() and (found.predict(n=n, d=d) < high).all()
    assert found.predict(n=n, d=d) == pytest.approx(loss_of(n, d), rel=0.02)
    with pytest.raises(BadInput, match="d is missing"):
        found.predict(n=1e5)


def test_the_record_survives_json():
    found = fit(isoflop(0.005), resamples=50)
    again = Fit.from_dict(json.loads(found.to_json()))
    assert again.params == found.params and again.intervals == found.intervals and again.notes == found.notes
    assert "alpha" in found.summary() and "alpha" in found._repr_html_()


def test_a_fit_predicts_from_columns_that_runs_can_have_and_from_nothing_else(simple):
    refused: dict[str, dict[str, Any]] = {
        "'levl' is no column": {"n": 1e6, "d": 1e8, "levl": 0.5},
        "'new_run' is no column": {"n": 1e6, "d": 1e8, "new_run": True},
        "n is -1; a number of parameters must be positive": {"n": -1.0, "d": 1e8},
        "n is 'big'; a number of parameters must be positive": {"n": "big", "d": 1e8},
        "d is missing": {"n": 1e6, "d": None},
    }
    for said, columns in refused.items():
        for ask in (simple.predict, simple.predict_interval):
            with pytest.raises(BadInput, match=said):
                ask(**columns)
    for ask in (simple.predict, simple.predict_interval):
        with pytest.raises(BadInput, match="by name; write n=…, d=…"):
            ask(1e6, 1e8)
    with pytest.raises(BadInput, match="'level' is no column"):
        prediction_interval(simple, n=1e6, d=1e8, level=0.8)
    with pytest.raises(BadInput, match="'level' is no column"):
        simple.predict(n=1e6, d=1e8, level=0.8)
    assert simple.predict(n=np.inf, d=np.inf) == pytest.approx(simple.value("E"))


def test_an_interval_at_another_level_is_that_of_a_fit_at_that_level(simple):
    wide, narrow = (simple.predict_interval(n=1e6, d=1e8, level=level) for level in (0.95, 0.5))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert wide == simple.predict_interval(n=1e6, d=1e8)
    again = fit(isoflop(0.01, seed=2), resamples=100, level=0.5, intervals="residuals")
    assert np.array(again.predict_interval(n=1e6, d=1e8)) == pytest.approx(np.array(narrow), rel=1e-6)
    with pytest.raises(BadInput, match="level is 2; it must lie between 0 and 1"):
        simple.predict_interval(n=1e6, d=1e8, level=2)
    edges = fit(isoflop(0.01, seed=2), resamples=20, intervals="profile")
    with pytest.raises(BadInput, match=r"edges of a region at 0\.95; fit with level=0\.8"):
        edges.predict_interval(n=1e6, d=1e8, level=0.8)


def test_a_record_with_numbers_that_are_none_is_read_back(simple):
    from dataclasses import replace

    odd = replace(simple, params={**simple.params, "A": np.inf}, derived={**simple.derived, "a": np.nan})
    again = Fit.from_dict(json.loads(odd.to_json()))
    assert np.isnan(again.params["A"]) and np.isnan(again.derived["a"]) and "nan" in again.summary()


def test_groups_that_are_numbers_are_named_as_they_were_fitted():
    table = pd.concat([isoflop(0.002, seed).assign(group=seed) for seed in (1, 2)], ignore_index=True)
    found = fit(table, law="family", resamples=0)
    for one in (1, 1.0, "1", np.int64(1)):
        assert found.predict(n=1e6, d=1e8, group=one) == found.predict(n=1e6, d=1e8, group="1")
    assert found.predict(n=1e6, d=1e8, group=np.array([1.0, 2.0])).shape == (2,)
