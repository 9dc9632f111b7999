"""The next runs: those that shrink one target's variance most for a budget, given the fit so far (c-optimal design).

The information of a run at (N, D) is JJᵀ/σ², J being the jacobian of ln L in theta; `criterion.py` chooses runs so
that the variance of the target, averaged over the fit's bootstrap draws of theta, is least, and certifies how near the
choice is to the best. A share of the budget goes to check points: a c-optimal design has as few different points as the
law has parameters, trusts the law's form, and would never notice that it is wrong. They are chosen to show a quadratic
departure from it (see `departures.py`) by the same criterion, with the three γ as targets and the law's own parameters
as nuisance (D_s-optimality, Atkinson & Donev 1992, "Optimum Experimental Designs", section 10.3). That the departures
are looked for is what makes the check worth its cost: `propose` tests for them, so the next proposal after the runs
are trained says whether the law still holds.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.design.candidates import Candidates
from workbench.fitting.design.criterion import Criterion, Limits, continuous, whole
from workbench.fitting.design.departures import Departures, p_values
from workbench.fitting.design.noise import Noise, noise_of
from workbench.fitting.design.proposal import Proposal
from workbench.fitting.design.targets import Target
from workbench.fitting.forecasts.prediction import of_extremes
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Array, Law
from workbench.fitting.record import Fit, Interval
from workbench.fitting.uncertainty.bootstrap import percentile

DRAWS = 32
"""Bootstrap draws the criterion is averaged over."""

RUNS = 20
"""Runs a proposal has at most, unless asked otherwise: without a limit, many repeats of the cheapest runs would win,
which counts on their noise being all that is wrong with them."""

ROBUST = 0.2
"""Share of the budget for check points."""

BLOCK = 4096
"""Fitted points whose jacobians are held at once."""

DEPARTURE = 0.1
"""Prior standard deviation of γ: 10% of the loss at the edge of the range. It only keeps the matrices regular."""

DOUBT = 0.05
"""Level of the test for departures."""


@dataclass(frozen=True)
class Known:
    """What the fit so far knows: the law at several thetas, its points, its noise."""

    law: Law
    theta_SP: Array
    x_MF: Array
    """Centred features of the fitted points."""
    x_centre_F: Array
    y_centre: float
    noise: Noise
    weight_M: Array
    """Weights of the fitted points, 1 on average: a new run counts as one of weight 1."""

    def rows(self, x_MF: Array) -> Array:
        """J/σ of points, (S, M, P)."""
        _, j_SPM = self.law.jacobian(self.theta_SP, x_MF)
        return np.swapaxes(j_SPM, 1, 2) / np.sqrt(self.noise.at(x_MF))[:, None]

    @property
    def spread_M(self) -> Array:
        """σ of the fitted points, by their weights."""
        return np.sqrt(self.noise.at(self.x_MF) / self.weight_M)

    def information(self, columns: Callable[[Array], Array]) -> Array:
        """Σ w j jᵀ of the fitted points, (S, P, P), `columns` being j of some of them; so many at a time."""
        total: Array | float = 0.0
        for first in range(0, len(self.x_MF), BLOCK):
            block = slice(first, first + BLOCK)
            rows_SMP = columns(self.x_MF[block]) * np.sqrt(self.weight_M[block])[:, None]
            total = total + np.swapaxes(rows_SMP, 1, 2) @ rows_SMP
        return np.asarray(total)

    def features(self, n: Array, d: Array) -> Array:
        """Centred features of runs."""
        return self.law.features({"n": n, "d": d}) - self.x_centre_F


def known(fit: Fit, draws: int = DRAWS, seed: int = 0) -> Known:
    """The state of a fit of a law of the loss in N and D."""
    law = LAWS.get(fit.law)
    if law is None or not designable(law):
        able = ", ".join(name for name, one in LAWS.items() if designable(one))
        raise BadInput(f"runs can be designed for a law of the loss in N and D ({able}), not for {fit.law}.")
    points = {"n": fit.residuals[fit.convention].to_numpy(np.float64), "d": fit.residuals["d"].to_numpy(np.float64)}
    x_MF = law.features(points)
    x_centre_F = law.centre(x_MF)
    y_centre = float(np.log(fit.residuals["loss"].to_numpy(dtype=np.float64)).mean())
    weight_M = np.ones(len(x_MF))
    if "weight" in fit.residuals:
        weight_M = fit.residuals["weight"].to_numpy(dtype=np.float64)
        weight_M = weight_M / weight_M.mean()
    free = fit.diagnostics.get("free_parameters", len(fit.params))
    noise = noise_of(fit.residuals, x_MF - x_centre_F, free, weight_M)
    rng = np.random.default_rng(seed)
    rows = [fit.params]
    sampled = len(fit.resample_params) > 0 and not of_extremes(fit)
    if sampled and draws > 1:
        chosen = rng.choice(len(fit.resample_params), min(draws - 1, len(fit.resample_params)), replace=False)
        rows += [dict(zip(fit.params, fit.resample_params[i], strict=True)) for i in chosen]
    theta_SP = np.stack([law.from_params(row, x_centre_F, y_centre) for row in rows])
    state = Known(law, theta_SP, x_MF - x_centre_F, x_centre_F, y_centre, noise, weight_M)
    if of_extremes(fit) and draws > 1:
        state = replace(state, theta_SP=_normal(state, draws - 1, fit, rng))
    return _inside(state)


def designable(law: Law) -> bool:
    """Whether a law says what the loss of any run of N and D is."""
    return law.response == "loss" and law.log_response and set(law.columns) == {"n", "d"}


def _normal(state: Known, draws: int, fit: Fit, rng: np.random.Generator) -> Array:
    """The point estimate and normal draws around it by the information of the fitted points.

    For a fit whose own draws are the edge of a region: a mean over these would trust none but the most extreme.
    """
    m_PP = state.information(state.rows)[0]
    estimated = [entry for entry in range(len(m_PP)) if entry not in fit.diagnostics.get("held", ())]
    m_PP = m_PP[np.ix_(estimated, estimated)]
    root_P = 1 / np.sqrt(np.maximum(np.diag(m_PP), 1e-300))
    value_P, vector_PP = np.linalg.eigh(m_PP * root_P[:, None] * root_P)
    steps_SP = rng.standard_normal((draws, len(value_P))) / np.sqrt(np.maximum(value_P, 1e-12 * value_P[-1]))
    theta_SP = np.repeat(state.theta_SP[:1], draws + 1, axis=0)
    theta_SP[1:, estimated] += (steps_SP @ vector_PP.T) * root_P
    return theta_SP


def _inside(state: Known) -> Known:
    """The same without draws at a bound."""
    low_P, high_P = state.law.bounds_2P
    theta_SP = state.theta_SP
    # A draw at a bound has a parameter that does not show in the losses, and so nothing to say on where it would.
    inside = (np.isfinite(theta_SP) & (theta_SP > low_P + 1e-9) & (theta_SP < high_P - 1e-9)).all(axis=1)
    inside[0] = True
    return replace(state, theta_SP=np.clip(theta_SP[inside], low_P, high_P))


def fewest_runs(robust: float, max_runs: int) -> tuple[int, str]:
    """The fewest runs of a design with this share of check points, and why; settings that allow none are refused."""
    if not 0 <= robust < 1:
        raise BadInput(f"robust is {robust:g}; it must be a share of the budget from 0 to below 1, such as 0.2.")
    fewest, said = (2, ", one of them a check point (robust = 0 needs none)") if robust else (1, "")
    if max_runs < fewest:
        raise BadInput(f"max_runs is {max_runs}; it must be at least {fewest}{said}.")
    return fewest, said


def propose(
    fit: Fit,
    target: Target,
    pool: Candidates,
    flops: float,
    *,
    robust: float = ROBUST,
    max_runs: int = RUNS,
    draws: int = DRAWS,
    seed: int = 0,
) -> Proposal:
    """The runs of `pool` that shrink the target's variance most for `flops`, and check points for a share `robust`."""
    fewest, said = fewest_runs(robust, max_runs)
    cheapest = float(pool.c.min())
    if flops < cheapest * fewest:
        raise BadInput(f"flops is {flops:g}; it must pay for {fewest} of the cheapest run, {cheapest:.3g}{said}.")
    state = known(fit, draws, seed)
    aim = criterion_of(state, target, pool, fit)
    # However small or large the share, at least one run is for the target and one is a check.
    checks_at_most = min(max(1, round(robust * max_runs)), max_runs - 1) if robust else 0
    reserve = min(max(robust * flops, cheapest), flops - cheapest) if robust else 0.0
    limits = Limits(pool.c, flops - reserve, max_runs - checks_at_most)
    ideal_M, bound, prices_2 = continuous(aim, limits)
    main_M = whole(aim, limits, ideal_M, prices_2)
    check_M = np.zeros_like(main_M)
    if robust:
        left = Limits(pool.c, max(reserve, flops - float(pool.c @ main_M)), checks_at_most)
        check_M = _checks(state, pool, main_M, left)
    then = aim.variances(main_M + check_M)
    narrowing = float(np.exp(0.5 * np.log(then / aim.variances(np.zeros_like(main_M))).mean()))
    free = state.noise.free
    narrowing *= _student(fit.level, free + int((main_M + check_M).sum())) / _student(fit.level, free)
    value, now, width = _present(fit, target, aim, state)
    return Proposal(
        target=target,
        law=fit.law,
        runs=_table(pool, main_M, check_M),
        budget=flops,
        value=value,
        level=fit.level,
        now=now,
        width_now=width,
        width_then=width * narrowing,
        efficiency=float(np.exp(min(0.0, bound - aim.value(main_M)))),
        notes=(*_warnings(fit, pool, main_M, robust), _departure(state, fit), *state.noise.said),
    )


def criterion_of(state: Known, target: Target, pool: Candidates, fit: Fit) -> Criterion:
    """The variance of a target over the pool. Draws at which it has no finite gradient are left out."""
    if target.name == "losses" and target.since is None and target.flops is not None:
        target = Target(target.name, target.flops, min(float(fit.residuals["c"].max()), target.flops))
    c_STP = target.gradient(state.law, state.theta_SP, state.x_centre_F, state.y_centre, fit.cost)
    kept = np.asarray(np.isfinite(c_STP).all(axis=(1, 2)))
    if not kept[0]:
        raise BadInput(f"{target.words} is not finite at the fitted {fit.law} law, so no runs can be chosen for it.")
    return Criterion(state.information(state.rows)[kept], state.rows(state.features(pool.n, pool.d))[kept], c_STP[kept])


def _checks(state: Known, pool: Candidates, main_M: Array, limits: Limits) -> Array:
    """Runs that show a departure from the law, beside the fitted points and the runs chosen for the target."""
    x_MF = state.features(pool.n, pool.d)
    departures = Departures.over(np.concatenate([state.x_MF, x_MF]))

    def extended(points_MF: Array) -> Array:
        shape_MQ = departures.shapes(points_MF) / np.sqrt(state.noise.at(points_MF))[:, None]
        rows_SMP = state.rows(points_MF)
        return np.concatenate([rows_SMP, np.broadcast_to(shape_MQ, (*rows_SMP.shape[:2], shape_MQ.shape[1]))], axis=2)

    offered = extended(x_MF)
    n_theta = state.theta_SP.shape[1]
    n_all = offered.shape[2]
    prior = np.diag(np.r_[np.zeros(n_theta), np.full(n_all - n_theta, DEPARTURE**-2)])
    m0 = state.information(extended) + prior
    m0 = m0 + np.einsum("smp,m,smq->spq", offered, main_M, offered)
    # A geometric mean over the γ: each is a target of its own, as if it were another draw.
    each = n_all - n_theta
    c_STP = np.tile(np.eye(n_all)[n_theta:, None, :], (len(m0), 1, 1))
    aim = Criterion(np.repeat(m0, each, axis=0), np.repeat(offered, each, axis=0), c_STP)
    ideal_M, _, prices_2 = continuous(aim, limits)
    return whole(aim, limits, ideal_M, prices_2)


def departure(fit: Fit) -> float:
    """p of the F test for a quadratic departure of the fitted points from their law (`departures.py`)."""
    return _departs(known(fit, draws=1), fit)


def _departs(state: Known, fit: Fit) -> float:
    _, j_1PM = state.law.jacobian(state.theta_SP[:1], state.x_MF)
    j_MP = j_1PM[0].T / state.spread_M[:, None]
    shape_MQ = Departures.over(state.x_MF).shapes(state.x_MF) / state.spread_M[:, None]
    r_M = fit.residuals["residual"].to_numpy(dtype=np.float64) / state.spread_M
    return float(p_values(j_MP, shape_MQ, r_M[None])[0])


def _departure(state: Known, fit: Fit) -> str:
    """Whether the points so far show a departure from the law, in a sentence."""
    p = _departs(state, fit)
    if p < DOUBT:
        return (
            f"The runs so far depart from the law (F test of quadratic departures, p = {p:.2g}): another law, or a "
            "larger share of check points, may be due."
        )
    return f"The runs so far show no departure from the law (F test of quadratic departures, p = {p:.2g})."


def _present(fit: Fit, target: Target, aim: Criterion, state: Known) -> tuple[float, Interval, float]:
    """The target's value, its present interval (by the fit's own draws, or else linearised), and the width."""
    point = {name: np.array([value]) for name, value in fit.params.items()}
    at = float(target.values(state.law, point, fit.cost)[0, -1])
    if len(fit.resample_params):
        low, high = percentile(target.values(state.law, fit.draws(), fit.cost)[:, -1], fit.cut)
    else:
        variance = aim.variances(np.zeros(aim.j_SMP.shape[1]))[0] / aim.c_STP.shape[1]
        half = _student(fit.level, state.noise.free) * float(np.sqrt(variance))
        low, high = at - half, at + half
    if target.is_ratio:
        return float(np.exp(at)), (float(np.exp(low)), float(np.exp(high))), high - low
    return at, (low, high), high - low


def _student(level: float, free: int) -> float:
    """Half the width of an interval of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(max(free, 1), (1 + level) / 2))


def _table(pool: Candidates, main_M: Array, check_M: Array) -> pd.DataFrame:
    rows = [
        (int(i), float(pool.n[i]), float(pool.d[i]), float(pool.c[i]), int(runs_M[i]), purpose)
        for runs_M, purpose in ((main_M, "target"), (check_M, "check"))
        for i in np.flatnonzero(runs_M)
    ]
    return pd.DataFrame(rows, columns=["candidate", "n", "d", "c", "repeats", "purpose"])


def _warnings(fit: Fit, pool: Candidates, main_M: Array, robust: float) -> tuple[str, ...]:
    """What a reader must know of the proposal."""
    found = [
        "The design is optimal if the law's form holds; "
        + (
            "the check points are there to show where it does not."
            if robust
            else "without check points nothing would show it."
        )
    ]
    far = float(pool.c[main_M > 0].max() / fit.residuals["c"].max())
    if far > 1:
        found.append(f"The largest run has {far:.3g}× the compute of the largest so far.")
    if not fit.identified:
        found.append("The fit so far is not identified, so the present width and the promised one are rough.")
    return tuple(found)
