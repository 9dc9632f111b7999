"""What every law must pass, as functions of a `Case`: a law, parameters that are the truth, inputs and the formula."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from workbench.fitting.laws.base import Array, Law
from workbench.fitting.solving.certify import Certificate, certify
from workbench.fitting.solving.objectives import objective_named
from workbench.fitting.solving.problem import Problem
from workbench.fitting.solving.solver import minimise


@dataclass(frozen=True)
class Case:
    """One law on simulated data without noise."""

    law: Law
    params: Mapping[str, float]
    columns: Mapping[str, Any]
    """Name of a column → its values."""
    formula: Callable[..., Array]
    """The response from the columns by name, written out with the numbers of `params`."""
    units: tuple[str, ...] = field(default=())
    """Columns whose unit may change without the fit noticing."""

    @property
    def response(self) -> Array:
        """The law's own prediction of the truth."""
        return self.law.predict(self.params, **self.columns)

    @property
    def x_MF(self) -> Array:
        """Features, not centred."""
        return self.law.features(self.columns)

    def problem(self, objective: str = "log-mse", response: Array | None = None) -> tuple[Problem, Array, float]:
        """What `fit` gives the solver: the centred problem, and the centres."""
        y_M = self.response if response is None else response
        y_M = np.log(y_M) if self.law.log_response else y_M
        x_centre_F, y_centre = self.law.centre(self.x_MF), float(y_M.mean()) if self.law.log_response else 0.0
        goal, w_1M = objective_named(objective, 1e-3), np.ones((1, len(y_M)))
        problem = Problem(self.law, goal, self.x_MF - x_centre_F, (y_M - y_centre)[None], w_1M)
        return problem, x_centre_F, y_centre

    def taken(self, rows: np.ndarray) -> "Case":
        """The case with its rows in another order."""
        return replace(self, columns={name: np.asarray(values)[rows] for name, values in self.columns.items()})


def near_starts(case: Case, rng: np.random.Generator, many: int = 4) -> Array:
    """Some starts of the law, moved a little and kept within the bounds."""
    starts_SP = case.law.starts()
    rows = rng.choice(len(starts_SP), many, replace=len(starts_SP) < many)
    low_P, high_P = case.law.bounds_2P
    return np.clip(starts_SP[rows] + 0.05 * rng.random((many, starts_SP.shape[1])), low_P, high_P)


def the_jacobian_is_that_of_the_prediction(case: Case) -> None:
    """Against central differences; the value that comes with it is the prediction."""
    rng = np.random.default_rng(0)
    x_MF, theta_SP = case.problem()[0].x_MF, near_starts(case, rng)
    f_SM, j_SPM = case.law.jacobian(theta_SP, x_MF)
    assert f_SM == pytest.approx(case.law.evaluate(theta_SP, x_MF), rel=1e-12, abs=1e-12)
    for p in range(theta_SP.shape[1]):
        step_P = np.zeros(theta_SP.shape[1])
        step_P[p] = 1e-6
        up, down = (case.law.evaluate(theta_SP + sign * step_P, x_MF) for sign in (1, -1))
        scale = max(float(np.abs(j_SPM[:, p]).max()), 1.0)
        assert j_SPM[:, p] == pytest.approx((up - down) / 2e-6, rel=1e-6, abs=1e-7 * scale), case.law.theta_names[p]


def the_curvature_is_that_of_the_jacobian(case: Case) -> None:
    """Σ_m b ∇f ∇fᵀ − v ∇²f against differences of the jacobian."""
    rng = np.random.default_rng(1)
    x_MF, theta_SP = case.problem()[0].x_MF, near_starts(case, rng)
    b_SM, v_SM = rng.normal(size=(2, len(theta_SP), len(x_MF)))
    near = case.law.local(theta_SP, x_MF)
    f_SM, j_SPM = case.law.jacobian(theta_SP, x_MF)
    assert near.f_SM == pytest.approx(f_SM, rel=1e-12, abs=1e-12)
    assert near.gradient(v_SM) == pytest.approx(np.einsum("sm,spm->sp", v_SM, j_SPM), rel=1e-9, abs=1e-9)
    exact_SPP = near.second(b_SM, v_SM)
    gauss_SPP = np.einsum("sm,spm,sqm->spq", b_SM, j_SPM, j_SPM)
    for p in range(theta_SP.shape[1]):
        step_P = np.zeros(theta_SP.shape[1])
        step_P[p] = 1e-5
        up, down = (case.law.jacobian(theta_SP + sign * step_P, x_MF)[1] for sign in (1, -1))
        slope_SP = np.einsum("spm,sm->sp", (up - down) / 2e-5, v_SM)
        scale = max(float(np.abs(exact_SPP[:, p]).max()), 1.0)
        assert exact_SPP[:, p] == pytest.approx(gauss_SPP[:, p] - slope_SP, rel=1e-5, abs=1e-6 * scale)


def the_curvature_is_exact_at_the_truth(case: Case) -> None:
    """Against `Law.local`, which takes differences of the jacobian."""
    problem, x_centre_F, y_centre = case.problem()
    theta_P, x_MF = case.law.from_params(case.params, x_centre_F, y_centre), problem.x_MF
    rng = np.random.default_rng(0)
    b_1M, v_1M = rng.normal(size=(2, 1, len(x_MF)))
    exact_PP = case.law.local(theta_P[None], x_MF).second(b_1M, v_1M)[0]
    differences_PP = Law.local(case.law, theta_P[None], x_MF).second(b_1M, v_1M)[0]
    assert exact_PP == pytest.approx(differences_PP, rel=1e-6, abs=1e-6)


def the_prediction_is_the_formula_written_out(case: Case) -> None:
    """`predict` against the formula in the test."""
    assert case.response == pytest.approx(case.formula(**case.columns), rel=1e-12)


def solver_and_reader_see_the_same_law(case: Case) -> None:
    """`evaluate` of theta is `predict` of the parameters read from it, for several thetas at once."""
    theta_SP = near_starts(case, np.random.default_rng(2))
    problem, x_centre_F, _ = case.problem()
    level = 0.7 if case.law.log_response else 0.0
    params = case.law.to_params(theta_SP, x_centre_F, level)
    assert set(params) == {parameter.name for parameter in case.law.parameters} == set(case.params)
    f_SM = case.law.evaluate(theta_SP, problem.x_MF)
    expected = np.exp(f_SM + level) if case.law.log_response else f_SM
    predicted = case.law.predict({name: value[:, None] for name, value in params.items()}, **case.columns)
    assert predicted == pytest.approx(expected, rel=1e-9, abs=1e-12)


def parameters_survive_the_round_trip(case: Case) -> None:
    """Theta from the parameters, and the parameters back from theta."""
    _, x_centre_F, y_centre = case.problem()
    theta_P = case.law.from_params(case.params, x_centre_F, y_centre)
    low_P, high_P = case.law.bounds_2P
    assert ((theta_P >= low_P) & (theta_P <= high_P)).all(), "the truth of a case lies within the law's bounds"
    back = case.law.to_params(theta_P[None], x_centre_F, y_centre)
    assert {name: float(value[0]) for name, value in back.items()} == pytest.approx(dict(case.params), rel=1e-9)


def a_law_says_what_it_is(case: Case) -> None:
    """Texts, units, and theta's names, bounds, starts and axes all there and of one length."""
    law, starts_SP = case.law, case.law.starts()
    assert law.name and law.formula and law.latex and law.citation and law.columns and law.response
    assert len(law.theta_names) == len(law.theta_bounds) == starts_SP.shape[1]
    assert len(law.nonlinear) == len(law.axes())
    low_P, high_P = law.bounds_2P
    assert ((starts_SP >= low_P) & (starts_SP <= high_P)).all()
    again = law.configured(**json.loads(json.dumps(dict(law.setting))))
    assert again.theta_names == law.theta_names and again.theta_bounds == law.theta_bounds
    for entry, axis in zip(law.nonlinear, law.axes(), strict=True):
        assert low_P[entry] <= axis.min() and axis.max() <= high_P[entry]
    for parameter in law.parameters:
        assert parameter.meaning and parameter.unit and parameter.theta
        assert set(parameter.theta) <= set(range(len(law.theta_names)))
        assert parameter.low <= case.params[parameter.name] <= parameter.high


def amplitudes_are_linear_given_the_rest(case: Case) -> None:
    """f = κ ln Σ exp(t) φ or Σ c φ with the basis of `separable` is `evaluate` at the joined theta."""
    law, rng = case.law, np.random.default_rng(3)
    x_MF = case.problem()[0].x_MF
    nodes_SK = np.column_stack([rng.choice(axis, 5) for axis in law.axes()])
    parts = law.separable(nodes_SK, x_MF)
    assert parts is not None
    n_theta = len(law.theta_bounds)
    linear = [entry for entry in range(n_theta) if entry not in law.nonlinear]
    amplitudes_SQ = 0.2 + 0.1 * rng.random((5, len(parts.basis)))
    theta_SP = parts.join(amplitudes_SQ)
    assert theta_SP[:, list(law.nonlinear)] == pytest.approx(nodes_SK)
    assert theta_SP.shape == (5, n_theta) and len(linear) == len(parts.basis)
    weight_SQ = np.exp(amplitudes_SQ) if law.log_response else amplitudes_SQ
    total_SM = sum(weight_SQ[:, q, None] * part for q, part in enumerate(parts.basis))
    f_SM = parts.power_S[:, None] * np.log(total_SM) if law.log_response else total_SM
    expected_SM = law.evaluate(theta_SP, x_MF)
    assert np.broadcast_to(f_SM, expected_SM.shape) == pytest.approx(expected_SM, rel=1e-10, abs=1e-12)


def solved(case: Case, objective: str = "log-mse", response: Array | None = None) -> tuple[dict[str, float], Array]:
    """Parameters of the certified fit, and its prediction at the case's inputs."""
    problem, x_centre_F, y_centre = case.problem(objective, response)
    found: Certificate = certify(problem)
    params_1 = case.law.to_params(found.basins_BP[:1], x_centre_F, y_centre)
    params = {name: float(value[0]) for name, value in params_1.items()}
    return params, case.law.predict(params, **case.columns)


def the_truth_is_recovered(case: Case, rel: float = 1e-3) -> None:
    """From data without noise, the parameters."""
    params, predicted = solved(case)
    assert predicted == pytest.approx(case.response, rel=1e-6, abs=1e-9)
    assert params == pytest.approx(dict(case.params), rel=rel, abs=1e-9)


def noisy_response(case: Case, noise: float) -> Array:
    """The truth with normal noise, of its logarithm where the law speaks of that."""
    shift_M = noise * np.random.default_rng(4).standard_normal(len(case.response))
    return case.response * np.exp(shift_M) if case.law.log_response else case.response + shift_M


def prediction(case: Case, response: Array, start_P: Array) -> Array:
    """At the case's inputs, by the fit that descends from a theta, which in centred coordinates knows no units."""
    problem, x_centre_F, y_centre = case.problem(response=response)
    theta_SP = minimise(problem, start_P[None]).theta_SP
    params = {name: float(value[0]) for name, value in case.law.to_params(theta_SP, x_centre_F, y_centre).items()}
    return case.law.predict(params, **case.columns)


def units_do_not_matter(case: Case, factor: float, noise: float = 0.01) -> None:
    """The fit of noisy data predicts the same whatever the unit of a column."""
    noisy = noisy_response(case, noise)
    _, x_centre_F, y_centre = case.problem()
    start_P = case.law.from_params(case.params, x_centre_F, y_centre)
    scaled = {name: np.asarray(case.columns[name]) * factor for name in case.units}
    other = replace(case, columns={**case.columns, **scaled})
    before, after = prediction(case, noisy, start_P), prediction(other, noisy, start_P)
    assert after == pytest.approx(before, rel=1e-5, abs=1e-7)


def the_order_of_rows_does_not_matter(case: Case, seed: int) -> None:
    """Nor does the order of the rows."""
    noisy = noisy_response(case, 0.01)
    _, x_centre_F, y_centre = case.problem()
    start_P = case.law.from_params(case.params, x_centre_F, y_centre)
    rows = np.random.default_rng(seed).permutation(len(noisy))
    before, after = prediction(case, noisy, start_P), prediction(case.taken(rows), noisy[rows], start_P)
    assert after == pytest.approx(before[rows], rel=1e-5, abs=1e-7)


EACH = (
    the_jacobian_is_that_of_the_prediction,
    the_curvature_is_that_of_the_jacobian,
    the_prediction_is_the_formula_written_out,
    solver_and_reader_see_the_same_law,
    parameters_survive_the_round_trip,
    a_law_says_what_it_is,
    the_truth_is_recovered,
)
"""What every case passes."""
