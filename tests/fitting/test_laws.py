"""Every law against finite differences of itself, and against its formula written out."""

import numpy as np
import pytest

from workbench.fitting.emergence import Threshold
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Law

ALL = [*LAWS.values(), Threshold(), Threshold(floor=0.1)]
IDS = [*LAWS, "threshold", "threshold with chance"]

PARAMS = {
    "chinchilla": {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28},
    "kaplan-n": {"alpha_N": 0.076, "N_c": 8.8e13},
    "kaplan-d": {"alpha_D": 0.095, "D_c": 5.4e13},
    "kaplan-c": {"alpha_C": 0.05, "C_c": 3e27},
    "kaplan-nd": {"alpha_N": 0.076, "alpha_D": 0.103, "N_c": 6.4e13, "D_c": 1.8e13},
}
FORMULAS = {
    "chinchilla": lambda n, d, c: 1.7 + 400 / n**0.34 + 410 / d**0.28,
    "kaplan-n": lambda n, d, c: (8.8e13 / n) ** 0.076,
    "kaplan-d": lambda n, d, c: (5.4e13 / d) ** 0.095,
    "kaplan-c": lambda n, d, c: (3e27 / c) ** 0.05,
    "kaplan-nd": lambda n, d, c: ((6.4e13 / n) ** (0.076 / 0.103) + 1.8e13 / d) ** 0.103,
}


def some(law: Law, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Three thetas near starts of the law, and seven points."""
    starts = law.starts()
    theta = starts[rng.choice(len(starts), 3, replace=len(starts) < 3)] + 0.05 * rng.random((3, starts.shape[1]))
    return theta, rng.normal(size=(7, len(law.columns)))


@pytest.mark.parametrize("law", ALL, ids=IDS)
def test_the_jacobian_is_that_of_the_prediction(law):
    theta_SP, x_MF = some(law, np.random.default_rng(0))
    f_SM, j_SPM = law.jacobian(theta_SP, x_MF)
    assert f_SM == pytest.approx(law.evaluate(theta_SP, x_MF))
    for p in range(theta_SP.shape[1]):
        step = np.zeros(theta_SP.shape[1])
        step[p] = 1e-6
        slope = (law.evaluate(theta_SP + step, x_MF) - law.evaluate(theta_SP - step, x_MF)) / 2e-6
        assert j_SPM[:, p] == pytest.approx(slope, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", ["chinchilla", "kaplan-n"])
def test_the_curvature_is_that_of_the_jacobian(name):
    law = LAWS[name]
    rng = np.random.default_rng(1)
    theta_SP, x_MF = some(law, rng)
    v_SM = rng.normal(size=(3, 7))
    exact = law.curvature(theta_SP, x_MF, v_SM)
    assert exact is not None
    for p in range(theta_SP.shape[1]):
        step = np.zeros(theta_SP.shape[1])
        step[p] = 1e-6
        up, down = (law.jacobian(theta_SP + sign * step, x_MF)[1] for sign in (1, -1))
        slope = np.einsum("spm,sm->sp", (up - down) / 2e-6, v_SM)
        assert exact[:, p] == pytest.approx(slope, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", list(LAWS))
def test_the_prediction_is_the_papers_formula(name):
    columns = {"n": np.array([1e6, 3e9]), "d": np.array([2e8, 6e10]), "c": np.array([1e16, 1e21])}
    used = {axis: columns[axis] for axis in LAWS[name].columns}
    assert LAWS[name].predict(PARAMS[name], **used) == pytest.approx(FORMULAS[name](*columns.values()))


@pytest.mark.parametrize("law", ALL, ids=IDS)
def test_solver_and_reader_see_the_same_law(law):
    rng = np.random.default_rng(2)
    theta_SP, x_MF = some(law, rng)
    centre_F, level = np.full(len(law.columns), 12.0), 0.0 if isinstance(law, Threshold) else 0.7
    params = {name: value[:, None] for name, value in law.to_params(theta_SP, centre_F, level).items()}
    inputs = {axis: np.exp(x_MF[:, i] + centre_F[i]) for i, axis in enumerate(law.columns)}
    f_SM = law.evaluate(theta_SP, x_MF)
    if isinstance(law, Threshold):
        inside = theta_SP[:, 2] + theta_SP[:, 3] <= 1
        assert law.predict(params, **inputs)[inside] == pytest.approx(f_SM[inside])
    else:
        assert law.predict(params, **inputs) == pytest.approx(np.exp(f_SM + level))


@pytest.mark.parametrize("law", ALL, ids=IDS)
def test_starts_lie_within_the_bounds(law):
    low_P, high_P = law.bounds_2P
    assert ((law.starts() >= low_P) & (law.starts() <= high_P)).all()


@pytest.mark.parametrize("law", ALL, ids=IDS)
def test_a_law_says_what_it_is(law):
    assert law.formula and law.latex and law.citation
    assert len(law.theta_names) == len(law.theta_bounds) == law.starts().shape[1]
    assert all(parameter.meaning and parameter.unit for parameter in law.parameters)


def test_the_table_of_laws_names_each_by_its_own_name():
    assert all(law.name == name for name, law in LAWS.items())
