"""Which runs may be proposed."""

import numpy as np
import pandas as pd
import pytest

from tests.fitting.designs import isoflop
from workbench.errors import BadInput
from workbench.fitting import fit
from workbench.fitting.design.candidates import Bounds, bounds_of, candidates


@pytest.fixture(scope="module")
def pilot():
    return fit(isoflop(0.004, budgets=(1e11, 1e12, 1e13), sizes=5), "chinchilla", resamples=100)


def test_candidates_keep_within_their_bounds():
    bounds = Bounds((1e11, 1e13), (5.0, 50.0), max_tokens=2e7)
    sizes = np.geomspace(1e4, 1e6, 9)
    found = candidates(sizes, 6 * sizes, bounds)
    assert found.c == pytest.approx(6 * found.n * found.d) and (found.n == sizes[found.size]).all()
    assert found.c.min() * (1 + 1e-9) >= 1e11 and found.c.max() <= 1e13 * (1 + 1e-9)
    assert (found.d / found.n).min() >= 5 and (found.d / found.n).max() <= 50 and found.d.max() <= 2e7


def test_the_runs_so_far_set_the_bounds_and_one_ratio_is_widened():
    points = pd.DataFrame({"n": [1e4, 1e5], "d": [2e5, 2e6], "c": [1.2e10, 1.2e12]})
    bounds = bounds_of(points, "n", 1e13)
    assert bounds.run_flops == (1.2e10, 1e13)
    assert bounds.tokens_per_param[1] / bounds.tokens_per_param[0] == pytest.approx(20)
    assert bounds.tokens_per_param[0] * bounds.tokens_per_param[1] == pytest.approx(400)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"flops": 1e9}, "flops is 1e.09, less than the smallest run so far"),
        ({"flops": float("nan")}, "flops is nan"),
        ({"flops": 1e13, "max_run": 1e9}, "max_run_flops is 1e.09, less than"),
        ({"flops": 1e13, "tokens_per_param": (50.0, 5.0)}, "tokens_per_param is 50 to 5"),
    ],
)
def test_bounds_that_allow_nothing_are_refused(options, message):
    points = pd.DataFrame({"n": [1e4, 1e5], "d": [2e5, 2e6], "c": [1.2e10, 1.2e12]})
    with pytest.raises(BadInput, match=message):
        bounds_of(points, "n", **options)


def test_sizes_that_fit_no_level_are_refused():
    with pytest.raises(BadInput, match="widen the bounds"):
        candidates([1e9], [6e9], Bounds((1e11, 1e12), (5.0, 50.0)))
