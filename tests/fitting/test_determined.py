"""Which numbers say something: by hand, and of fits whose data determine a law or leave it open."""

import math
from dataclasses import replace

import pytest

from tests.fitting.designs import isoflop
from workbench.fitting import allocate, fit
from workbench.fitting.determined import VAGUE, narrow, spanned

NAN = math.nan


@pytest.mark.parametrize(
    ("ends", "factor", "says"),
    [
        ((1e5, 9.9e6), 100.0, True),
        ((1e5, 1.1e7), 100.0, False),
        ((0.0, 1.0), 100.0, False),
        ((2.0, 3.9), VAGUE, True),
        ((2.0, 4.1), VAGUE, False),
        ((NAN, NAN), 100.0, True),
        ((math.inf, math.inf), 100.0, True),
    ],
)
def test_an_interval_says_something_up_to_a_factor(ends, factor, says):
    assert narrow(ends, factor) is says


def test_how_far_an_interval_reaches_is_said_in_decades():
    assert spanned((1e-3, 1e2)) == "5.0 decades"
    assert spanned((1e-20, 1e2)) == "22 decades"
    assert spanned((0.0, 1e2)) == "all magnitudes"


def test_an_identified_law_has_all_its_numbers():
    found = fit(isoflop(0.002), resamples=100)
    assert found.identified and found.undetermined == ()
    assert found.said("alpha", ".3f", ".2f")[0] == f"{found.params['alpha']:.3f}"


def test_a_law_left_open_keeps_its_numbers_and_names_them():
    found = fit(isoflop(0.1, seed=3, budgets=(3e9, 1e10), sizes=4), "kaplan-nd", resamples=100)
    assert not found.identified and {"N_c", "a", "b"} <= set(found.undetermined)
    assert found.said("N_c", ".3g", ".3g") == ("not determined", "")
    assert type(found).from_dict(found.to_dict()).params == found.params
    assert "<th>N_c</th><td>not determined</td>" in found._repr_html_()


def test_an_optimum_decades_outside_the_runs_is_none_even_without_intervals():
    """An amplitude near nothing sends N_opt where no model is; compute alone moves it by as much at most."""
    sound = fit(isoflop(), resamples=0)
    assert allocate(sound, 1e20).open == ()
    found = replace(sound, params={**sound.params, "A": 1e-60})
    answer = allocate(found, 1e13)
    assert answer.open == ("n", "d") and not answer.determined
    assert "decades outside the sizes of these runs" in answer.reason
    assert answer.to_dict()["n"] is None and answer.n < 1
