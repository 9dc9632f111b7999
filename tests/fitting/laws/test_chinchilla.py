"""Chinchilla's law and its tied form."""

import numpy as np
import pytest

from tests.fitting.laws import checks
from tests.fitting.laws.checks import Case
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.powers import exponentials

N, D = (values.ravel() for values in np.meshgrid(np.geomspace(1e6, 1e9, 5), np.geomspace(1e8, 1e11, 5)))
CASES = [
    Case(
        LAWS["chinchilla"], {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28}, {"n": N, "d": D},
        lambda n, d: 1.7 + 400 / n**0.34 + 410 / d**0.28, ("n", "d"),
    ),
    Case(
        LAWS["chinchilla-tied"], {"E": 1.87, "A": 521.0, "B": 1488.0, "alpha": 0.353}, {"n": N, "d": D},
        lambda n, d: 1.87 + 521 / n**0.353 + 1488 / d**0.353, ("n", "d"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.law.name)
@pytest.mark.parametrize("check", [*checks.EACH, checks.amplitudes_are_linear_given_the_rest])
def test_a_law_of_size_and_data(check, case):
    check(case)


def test_exponentials_of_close_exponents_are_exact():
    rng = np.random.default_rng(0)
    level, exponent, x = rng.normal(size=200), 0.35 + 0.08 * rng.random(200), rng.normal(scale=3, size=50)
    direct = np.exp(level[:, None] - exponent[:, None] * x)
    assert exponentials(level, exponent, x) == pytest.approx(direct, rel=3e-15)
    # Too far apart for a series, or too few to be worth one.
    far = rng.uniform(0.1, 2.0, 200)
    assert exponentials(level, far, x) == pytest.approx(np.exp(level[:, None] - far[:, None] * x), rel=1e-14)
    assert exponentials(level[:3], exponent[:3], x) == pytest.approx(direct[:3], rel=1e-14)
    assert exponentials(level, np.full(200, 0.4), x) == pytest.approx(np.exp(level[:, None] - 0.4 * x), rel=1e-14)


def test_size_and_data_grow_alike_where_they_share_an_exponent():
    tied = LAWS["chinchilla-tied"]
    _, alpha, _, beta = tied.balance({"E": np.ones(1), "A": np.ones(1), "B": np.ones(1), "alpha": np.full(1, 0.3)})
    assert alpha == beta
