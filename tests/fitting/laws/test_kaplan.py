"""Kaplan's laws of one resource, and of both."""

import numpy as np
import pytest

from tests.fitting.laws import checks
from tests.fitting.laws.checks import Case
from workbench.fitting.laws import LAWS

N, D = (values.ravel() for values in np.meshgrid(np.geomspace(1e6, 1e9, 5), np.geomspace(1e8, 1e11, 5)))
C = np.geomspace(1e16, 1e21, 12)
CASES = [
    Case(LAWS["kaplan-n"], {"alpha_N": 0.076, "N_c": 8.8e13}, {"n": N[:5]}, lambda n: (8.8e13 / n) ** 0.076, ("n",)),
    Case(LAWS["kaplan-d"], {"alpha_D": 0.095, "D_c": 5.4e13}, {"d": D[::5]}, lambda d: (5.4e13 / d) ** 0.095, ("d",)),
    Case(LAWS["kaplan-c"], {"alpha_C": 0.05, "C_c": 3e27}, {"c": C}, lambda c: (3e27 / c) ** 0.05, ("c",)),
    Case(
        LAWS["kaplan-nd"], {"alpha_N": 0.076, "alpha_D": 0.103, "N_c": 6.4e13, "D_c": 1.8e13}, {"n": N, "d": D},
        lambda n, d: ((6.4e13 / n) ** (0.076 / 0.103) + 1.8e13 / d) ** 0.103, ("n", "d"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.law.name)
@pytest.mark.parametrize("check", [*checks.EACH, checks.amplitudes_are_linear_given_the_rest])
def test_a_law_of_kaplan(check, case):
    check(case)


def test_scales_beyond_the_largest_and_least_numbers_leave_a_law_that_predicts():
    """A fit of noise puts both limits at their bounds; warnings are errors here."""
    for u in (-5.0, 3.0):
        law = LAWS["kaplan-nd"]
        params = {
            name: value[0]
            for name, value in law.to_params(np.array([[u, u, 1e-3, 1e-3]]), np.log([1e6, 1e8]), 0.0).items()
        }
        assert np.isfinite(law.predict(params, n=np.array([1e6]), d=np.array([1e8]))).all()
        assert all(np.isfinite(one).all() for one in law.balance(params))
