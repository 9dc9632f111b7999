"""Families of runs against their formula and against what a compute multiplier means."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fitting.laws import checks
from workbench.errors import BadInput
from workbench.fitting import NotIdentifiable
from workbench.fitting.laws.family import Family, FamilyCorpora

GROUPS = ("dense", "experts", "linear")
GAMMA = 0.34 * 0.28 / (0.34 + 0.28)
WORTH = {"dense": 1.0, "experts": 3.0, "linear": 0.6}
FLOOR = {"dense": 1.7, "experts": 1.9, "linear": 2.2}
N, D, G = (
    grid.ravel()
    for grid in np.meshgrid(np.geomspace(1e7, 1e9, 4), np.geomspace(1e8, 3e10, 4), np.array(GROUPS, dtype=object))
)
SHARED = {"A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28, "multiplier_experts": 3.0, "multiplier_linear": 0.6}


def terms(n, d, group):
    return np.array([WORTH[name] for name in group]) ** -GAMMA * (400 / n**0.34 + 410 / d**0.28)


COLUMNS = {"n": N, "d": D, "group": G}
LAW, EACH_FLOOR = Family(GROUPS), FamilyCorpora().configured(groups=list(GROUPS))
ONE = checks.Case(LAW, {"E": 1.7, **SHARED}, COLUMNS, lambda n, d, group: 1.7 + terms(n, d, group), units=("n", "d"))
CORPORA = checks.Case(
    EACH_FLOOR,
    {"E_dense": 1.7, "E_experts": 1.9, "E_linear": 2.2, **SHARED},
    COLUMNS,
    lambda n, d, group: np.array([FLOOR[name] for name in group]) + terms(n, d, group),
    units=("n", "d"),
)
CASES = {"one limit": ONE, "a limit each": CORPORA}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", [*checks.EACH, checks.amplitudes_are_linear_given_the_rest], ids=lambda c: c.__name__)
def test_the_law(check, case):
    check(case)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_curvature_is_exact_where_multipliers_are_not_one(case):
    checks.the_curvature_is_exact_at_the_truth(case)


def test_a_group_reaches_at_c_what_the_reference_reaches_at_kappa_c():
    def frontier(compute: float, group: str) -> float:
        n = np.geomspace(1e6, 1e12, 200_001)
        return float(LAW.predict(ONE.params, n=n, d=compute / 6 / n, group=group).min())

    for group, kappa in WORTH.items():
        assert frontier(1e20, group) == pytest.approx(frontier(kappa * 1e20, "dense"), rel=1e-9)


def test_the_reference_has_most_rows_and_ties_go_by_name():
    table = pd.DataFrame({"group": ["z", "b", "a", "z", "a", "b", "z"]})
    assert Family.setting_of(table) == {"groups": ["z", "a", "b"]}


@pytest.mark.parametrize("many", [2, 3, 6])
def test_nonlinear_parameters_are_two_and_one_a_group(many):
    assert len(Family([f"g{i}" for i in range(many)]).nonlinear) == 2 + many - 1


def test_without_a_group_the_reference_is_predicted():
    lone = EACH_FLOOR.predict(CORPORA.params, n=1e8, d=1e9)
    assert lone == EACH_FLOOR.predict(CORPORA.params, n=1e8, d=1e9, group="dense") and np.ndim(lone) == 0


def test_draws_of_the_parameters_are_predicted_elementwise():
    draws = {name: np.full(5, value) for name, value in ONE.params.items()}
    found = LAW.predict(draws, n=np.full(5, 1e8), d=1e9, group="experts")
    assert found == pytest.approx(np.full(5, LAW.predict(ONE.params, n=1e8, d=1e9, group="experts")))


def test_the_allocation_is_the_references():
    found = ONE.law.derived({name: np.array([value]) for name, value in ONE.params.items()})
    assert found["a"] == pytest.approx(0.28 / 0.62) and found["gamma"] == pytest.approx(GAMMA)
    ln_a, alpha, ln_b, beta = LAW.balance({name: np.array(value) for name, value in ONE.params.items()})
    assert (np.exp(ln_a), alpha, np.exp(ln_b), beta) == pytest.approx((400, 0.34, 410, 0.28))


def test_an_unknown_group_is_refused():
    with pytest.raises(BadInput, match="group is 'sparse'; family was fitted to dense, experts, linear"):
        LAW.predict(ONE.params, n=N, d=D, group="sparse")


def test_one_group_is_no_family():
    with pytest.raises(NotIdentifiable, match="family compares two groups or more; the column group has 1"):
        Family().configured(**Family.setting_of(pd.DataFrame({"group": ["a", "a", None]})))


@settings(max_examples=2, deadline=None, derandomize=True)
@given(exponent=st.floats(-9, 9), seed=st.integers(0, 99))
def test_neither_units_nor_order_matter(exponent, seed):
    for case in CASES.values():
        checks.units_do_not_matter(case, 10**exponent)
        checks.the_order_of_rows_does_not_matter(case, seed)
