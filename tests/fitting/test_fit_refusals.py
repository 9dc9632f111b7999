"""What no fit can be made of or with, refused in a sentence that says what would be right."""

import numpy as np
import pandas as pd
import pytest

from tests.fitting.designs import isoflop
from workbench.errors import BadInput
from workbench.fitting import LAWS, NotIdentifiable, fit, fit_all


@pytest.mark.parametrize(
    ("law", "reason"),
    [("kaplan-n", "data no longer limiting"), ("kaplan-d", "size no longer limiting")],
)
def test_a_law_of_one_unlimited_resource_is_refused_where_none_is(law, reason):
    with pytest.raises(NotIdentifiable, match=reason):
        fit(isoflop(), law)
    assert law in {other.law for other in fit_all(isoflop(), resamples=0).not_fitted}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"n": [], "d": [], "loss": []}), "the table is empty"),
        (isoflop().assign(loss=lambda t: -t["loss"]), "column loss, row 1: -.* must be positive"),
        (isoflop().assign(d=0.0), "column d, row 1: 0; a number of tokens must be positive"),
        (isoflop().assign(n=np.inf), "column n, row 1: inf"),
        (isoflop().head(4), "5 parameters and the table 4 usable rows"),
        (isoflop().assign(n=1e5), "one size"),
        (isoflop().drop(columns="loss"), "no column 'loss'"),
        (isoflop()[["n", "loss"]], "needs the column d"),
        (isoflop().assign(loss=np.nan), "every row lacks a value"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(table, message):
    with pytest.raises(BadInput, match=message):
        fit(table)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"law": "cobb-douglas"}, "law is 'cobb-douglas'; it must be one of chinchilla"),
        ({"objective": "hubris"}, "objective is 'hubris'; did you mean huber. It must be one of"),
        ({"delta": -1.0}, "delta is -1"),
        ({"resamples": -1}, "resamples is -1"),
        ({"level": 95.0}, "level is 95"),
    ],
)
def test_settings_that_no_fit_can_have_are_refused(settings, message):
    with pytest.raises(BadInput, match=message):
        fit(isoflop(), **settings)


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"gamma": 1.0}, "fixed names 'gamma', which chinchilla does not have; it has E, A"),
        ({"A": 400.0}, "A can be held only together with alpha"),
        ({"alpha": 7.0}, "alpha = 7; it must lie between 0.01 and 2.5"),
        ({"E": np.nan}, "E = nan"),
    ],
)
def test_parameters_that_cannot_be_held_are_refused(fixed, message):
    with pytest.raises(BadInput, match=message):
        fit(isoflop(), fixed=fixed)


@pytest.mark.parametrize(
    ("law", "takes"),
    [
        ("broken-n", "breaks"),
        ("precision", "kinds"),
        ("family", "groups"),
        ("mixture", "domains"),
        ("threshold", "floor"),
    ],
)
def test_a_setting_that_a_law_does_not_have_is_refused(law, takes):
    with pytest.raises(BadInput, match=f"{law} has no setting 'brakes'; it takes {takes}"):
        LAWS[law].configured(brakes=2)


def test_what_was_likely_meant_comes_before_the_list():
    for options, meant in (
        ({"law": "chincila"}, "law is 'chincila'; did you mean chinchilla?"),
        ({"objective": "hubber"}, "objective is 'hubber'; did you mean huber?"),
        ({"intervals": "profiles"}, "intervals is 'profiles'; did you mean profile?"),
        ({"noise": "by_compute"}, "noise is 'by_compute'; did you mean by-compute?"),
        ({"fixed": {"alhpa": 0.3}}, "fixed names 'alhpa', which chinchilla does not have; did you mean alpha?"),
    ):
        with pytest.raises(BadInput) as caught:
            fit(isoflop(), **options)
        assert meant in str(caught.value)


def test_a_missing_column_is_named_by_what_it_means_and_how_to_give_it():
    with pytest.raises(NotIdentifiable) as caught:
        fit(isoflop(), "data-constrained")
    assert str(caught.value) == (
        "data-constrained needs the column u, a number of unique tokens, which was not found; the table has n, d, c, "
        "loss, budget (name a column of the file with --columns u=…)."
    )
    with pytest.raises(NotIdentifiable, match="family needs the column group, a group, which was not found"):
        fit(isoflop(), "family")


def test_a_law_without_a_held_parameter_says_so_and_one_that_no_law_has_is_refused():
    found = fit_all(isoflop(0.002), ("chinchilla", "kaplan-nd"), resamples=0, fixed={"alpha": 0.3})
    said = "Not held, since the law has no such parameter: alpha = 0.3."
    assert found.fits[0].params["alpha"] == pytest.approx(0.3) and said not in found.fits[0].notes
    assert said in found.fits[1].notes
    with pytest.raises(BadInput, match="fixed names 'alhpa', which no law fitted has; did you mean alpha"):
        fit_all(isoflop(), ("chinchilla", "kaplan-nd"), fixed={"alhpa": 0.3})
    with pytest.raises(BadInput, match="fixed names 'a', but isoflop holds no parameter"):
        fit(isoflop(), "isoflop", fixed={"a": 0.5})
