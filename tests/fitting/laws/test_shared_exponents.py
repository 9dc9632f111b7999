"""Groups with shared exponents against their formula, and the compute that one needs over another's."""

import numpy as np
import pytest

from tests.fitting.laws import checks
from workbench.fitting.laws.shared_exponents import SharedExponents, SharedExponentsCorpora

GROUPS = ("adam", "lion", "muon")
SIZE = {"adam": 400.0, "lion": 330.0, "muon": 500.0}
DATA = {"adam": 410.0, "lion": 520.0, "muon": 350.0}
FLOOR = {"adam": 1.7, "lion": 1.9, "muon": 2.2}
N, D, G = (
    grid.ravel()
    for grid in np.meshgrid(np.geomspace(1e7, 1e9, 4), np.geomspace(1e8, 3e10, 4), np.array(GROUPS, dtype=object))
)
AMPLITUDES = {f"{letter}_{name}": own[name] for letter, own in (("A", SIZE), ("B", DATA)) for name in GROUPS}
SHARED = {**AMPLITUDES, "alpha": 0.34, "beta": 0.28}
COLUMNS = {"n": N, "d": D, "group": G}


def of(own, group):
    return np.array([own[name] for name in group])


def terms(n, d, group):
    return of(SIZE, group) / n**0.34 + of(DATA, group) / d**0.28


ONE = checks.Case(
    SharedExponents(GROUPS), {"E": 1.7, **SHARED}, COLUMNS, lambda n, d, group: 1.7 + terms(n, d, group), ("n", "d")
)
CORPORA = checks.Case(
    SharedExponentsCorpora(GROUPS),
    {**{f"E_{name}": floor for name, floor in FLOOR.items()}, **SHARED},
    COLUMNS,
    lambda n, d, group: of(FLOOR, group) + terms(n, d, group),
    ("n", "d"),
)
CASES = {"one limit": ONE, "a limit each": CORPORA}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("check", [*checks.EACH, checks.amplitudes_are_linear_given_the_rest], ids=lambda c: c.__name__)
def test_the_law(check, case):
    check(case)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_curvature_is_exact_at_the_truth(case):
    checks.the_curvature_is_exact_at_the_truth(case)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_units_and_the_order_of_rows_do_not_matter(case):
    checks.units_do_not_matter(case, 1e3)
    checks.the_order_of_rows_does_not_matter(case, 0)


def test_the_compute_over_the_references_is_the_same_at_every_loss():
    def frontier(compute: float, group: str) -> float:
        n = np.geomspace(1e6, 1e12, 200_001)
        return float(ONE.law.predict(ONE.params, n=n, d=compute / 6 / n, group=np.full(len(n), group)).min())

    ratio = (SIZE["lion"] / SIZE["adam"]) ** (1 / 0.34) * (DATA["lion"] / DATA["adam"]) ** (1 / 0.28)
    for compute in (1e19, 1e22):
        assert frontier(compute, "adam") == pytest.approx(frontier(ratio * compute, "lion"), rel=1e-6)


def test_every_law_of_groups_takes_them_from_the_table():
    assert SharedExponents().configured(groups=list(GROUPS)).theta_names[:4] == (
        "ln E",
        "ln A_adam",
        "ln A_lion",
        "ln A_muon",
    )
    assert len(SharedExponentsCorpora(GROUPS).theta_names) == 3 * len(GROUPS) + 2
