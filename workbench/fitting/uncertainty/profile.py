"""Profile likelihood: the interval of g is the range of g over all theta that the data do not reject.

For squared errors theta is rejected by F = (S(θ) − Ŝ)/ŝ², for Huber by the scaled test 2(ρ(θ) − ρ̂)·E ψ′/E ψ² (the tau
test: Hampel et al. 1986, section 7.2; Schrader and Hettmansperger 1980); both are held against F with 1 and M − P
degrees of freedom. Along any smooth g(θ) the least objective at each value is found with a penalty: the minimiser of
ρ + k/2·(g − target)² is, whatever k, an exact point of the profile at the g where it ends. All functions, both ends of
each, are walked in one batch, by bisection on the signed root of the statistic, which is nearly linear in g.

The interval of a function that was not walked is its range over the points of those that were: parameters, the
optimum and its loss at up to 10,000 times the compute, and random directions of theta between them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.laws.base import Array
from workbench.fitting.solving.objectives import rho
from workbench.fitting.solving.problem import Penalty, Problem
from workbench.fitting.solving.solver import minimise
from workbench.fitting.uncertainty.fitted import Fitted, Spread, nothing
from workbench.fitting.uncertainty.scores import moments

Function = Callable[[Array], Array]
"""theta_SP → the values of one quantity, (S,)."""

MULTIPLES = (1.0, 10.0, 100.0, 1e3, 1e4)
"""Of the largest compute: where the optimum and its loss are walked."""

DIRECTIONS = 40
"""Random directions of theta, besides the named functions."""

WALKS = 7
"""Steps of each walk: the edge is then met to about 1% of its distance."""

NEAR = 0.003
"""An end is met when the root of the statistic is this near to that of the quantile, relatively."""

MISSED = 0.1
"""An end further from the edge than this share of its distance has not met it, and that is said."""

STIFF = 10.0
"""Stiffness of the penalty, in units of the profile's own curvature along g."""

DIFFERENCE = 1e-5
"""Step of the differences that stand for the gradient of g."""


@dataclass(frozen=True)
class Edge:
    """Where each walk met the edge: two rows a function, the lower end first."""

    theta_SP: Array
    root_S: Array
    """The root of the statistic there, over that of the quantile: 1, or less where a bound came first."""


def named(fitted: Fitted) -> dict[str, Function]:
    """The parameters, what is derived from them, and forecasts of the optimum where the law allocates."""
    prepared, law = fitted.prepared, fitted.prepared.law
    held = {law.theta_names[entry] for entry in prepared.settled}
    point = prepared.params(fitted.best_P[None])
    found: dict[str, Function] = {}
    for name, parameter in ((each.name, each) for each in law.parameters):
        if {law.theta_names[entry] for entry in parameter.theta[:1]} & held:
            continue
        positive = parameter.low >= 0 and point[name][0] > 0
        found[name] = _parameter(fitted, name, positive)
    for name in law.derived(point):
        found[name] = lambda theta_SP, name=name: law.derived(prepared.params(theta_SP))[name]  # type: ignore[misc]
    if (
        law.allocates
        and set(law.columns) <= {"n", "d", "u"}
        and "c" in prepared.table
        and prepared.table["c"].notna().all()
    ):
        # The law's own count of N, which need not be the table's column n.
        cost = Cost.of(prepared.table.assign(**prepared.columns), "n")
        for multiple in MULTIPLES:
            flops = float(prepared.table["c"].max()) * multiple
            found[f"N {multiple:g}"], found[f"L {multiple:g}"] = _forecasts(fitted, cost, flops)
    return found


def _parameter(fitted: Fitted, name: str, positive: bool) -> Function:
    def value(theta_SP: Array) -> Array:
        found_S = np.broadcast_to(fitted.prepared.params(theta_SP)[name], len(theta_SP))
        return np.asarray(np.log(np.maximum(found_S, 1e-300)) if positive else found_S)

    return value


def _forecasts(fitted: Fitted, cost: Cost, flops: float) -> tuple[Function, Function]:
    law = fitted.prepared.law

    def size(theta_SP: Array) -> Array:
        return np.log(cost.optimum(law, fitted.prepared.params(theta_SP), flops)[0])

    def loss(theta_SP: Array) -> Array:
        params = fitted.prepared.params(theta_SP)
        n, d = cost.optimum(law, params, flops)
        columns = {"n": n, "d": d, "u": d}  # as many unique tokens as are used
        return np.log(law.predict(params, **{name: columns[name] for name in law.columns}))

    return size, loss


@dataclass(frozen=True)
class Metric:
    """The statistic of one fit, 2(ρ − ρ̂)/unit, and a root of the covariance of its estimated entries."""

    unit: float
    root_QQ: Array
    """Covariance = rootᵀ·root."""

    @classmethod
    def of(cls, fitted: Fitted) -> "Metric":
        """From the moments of its score."""
        found, weight_M = moments(fitted), fitted.weight_M
        unit = float((weight_M**2 * found.square_M).sum() / (weight_M * found.slope_M).sum())
        scaled_MQ = fitted.gradient_MQ * np.sqrt(weight_M * found.slope_M / unit)[:, None]
        size_Q = np.maximum(np.sqrt((scaled_MQ**2).sum(axis=0)), 1e-150)
        _, singular, right_QQ = np.linalg.svd(scaled_MQ / size_Q, full_matrices=False)
        return cls(unit, right_QQ / np.maximum(singular, 1e-6 * singular[0])[:, None] / size_Q)

    @property
    def covariance_QQ(self) -> Array:
        """Of the estimated entries."""
        return np.asarray(self.root_QQ.T @ self.root_QQ)


def walk(fits: list[Fitted], functions: list[Function]) -> Edge:
    """Both ends of the profile interval of every function, for fits of one law to the same runs.

    Rows are fits × functions × 2, so that all of them share each solution.
    """
    problem, ends = fits[0].prepared.problem, 2 * len(functions)
    which_S = np.tile(np.repeat(np.arange(len(functions)), 2), len(fits))
    sign_S = np.tile([-1.0, 1.0], len(fits) * len(functions))
    metrics = [Metric.of(fitted) for fitted in fits]
    unit_S = np.repeat([metric.unit for metric in metrics], ends)
    start_S, error_S, step_SP = starts(fits, metrics, functions)
    wanted_S = np.repeat([quantile(fitted) for fitted in fits], ends)
    y_SM = np.repeat(np.concatenate([fitted.prepared.problem.y_SM for fitted in fits]), ends, axis=0)
    w_SM = np.repeat(np.concatenate([fitted.weight_M[None] for fitted in fits]), ends, axis=0)
    batch = Problem(problem.law, problem.objective, problem.x_MF, y_SM, w_SM)
    theta_SP = np.repeat(np.stack([fitted.best_P for fitted in fits]), ends, axis=0)
    least_S = total(batch, theta_SP)
    edge_SP, edge_S = theta_SP.copy(), np.zeros(len(theta_SP))
    best_SP = theta_SP
    bracket = _Bracket.around(len(theta_SP))
    length_S, last_S = wanted_S.copy(), wanted_S
    theta_SP = best_SP + (sign_S * wanted_S)[:, None] * step_SP
    for _ in range(WALKS):
        # On a quadratic profile the pull ends at STIFF/(1 + STIFF) of the way to its target.
        target_S = start_S + sign_S * length_S * error_S * (1 + STIFF) / STIFF
        penalty = Penalty(evaluator(functions), which_S, target_S, STIFF * unit_S / error_S**2)
        held = fits[0].prepared.held
        guess_SP = np.clip(best_SP + (theta_SP - best_SP) * (length_S / last_S)[:, None], *problem.law.bounds_2P)
        # An end that is met is walked no further.
        rows = np.flatnonzero(~(np.abs(edge_S / wanted_S - 1) < NEAR))
        part = replace(batch, penalty=penalty).rows(rows)
        pulled = minimise(part, guess_SP[rows], held=held, tolerance=1e-9, near=True)
        theta_SP, last_S = theta_SP.copy(), length_S
        theta_SP[rows] = pulled.theta_SP
        root_S = np.sqrt(np.maximum(2 * (total(batch, theta_SP) - least_S) / unit_S, 0.0))
        nearer_S = np.abs(root_S - wanted_S) < np.abs(edge_S - wanted_S)
        edge_SP[nearer_S], edge_S[nearer_S] = theta_SP[nearer_S], root_S[nearer_S]
        if (np.abs(edge_S / wanted_S - 1) < NEAR).all():
            break
        length_S = bracket.next(length_S, root_S, wanted_S)
    return Edge(edge_SP, edge_S / wanted_S)


def starts(fits: list[Fitted], metrics: list[Metric], functions: list[Function]) -> tuple[Array, Array, Array]:
    """For each row the function at the estimate, its standard error, and the step of theta that moves it by one."""
    best_SP = np.stack([fitted.best_P for fitted in fits])
    start_SF2, error_SF2 = (np.empty((len(fits), len(functions), 2)) for _ in range(2))
    step_SF2P = np.zeros((len(fits), len(functions), 2, best_SP.shape[1]))
    for f, g in enumerate(functions):
        start_SF2[:, f] = g(best_SP)[:, None]
        slope_SP = _gradient(g, best_SP)
        for s, (fitted, metric) in enumerate(zip(fits, metrics, strict=True)):
            along_Q = metric.covariance_QQ @ slope_SP[s, fitted.estimated]
            error = np.sqrt(max(float(slope_SP[s, fitted.estimated] @ along_Q), 1e-24))
            error_SF2[s, f] = error
            step_SF2P[s, f][:, fitted.estimated] = along_Q / error
    return start_SF2.ravel(), error_SF2.ravel(), step_SF2P.reshape(-1, best_SP.shape[1])


@dataclass
class _Bracket:
    """The longest walk that stayed inside, and the shortest that went too far."""

    low_S: Array
    root_low_S: Array
    high_S: Array
    root_high_S: Array

    @classmethod
    def around(cls, many: int) -> "_Bracket":
        """Nothing is known yet."""
        return cls(np.zeros(many), np.zeros(many), np.full(many, np.inf), np.full(many, np.inf))

    def next(self, length_S: Array, root_S: Array, wanted_S: Array) -> Array:
        """The length at which the root would be the wanted one, if it were linear between the brackets."""
        inside_S = root_S <= wanted_S
        self.low_S, self.root_low_S = (
            np.where(inside_S, new, old) for new, old in ((length_S, self.low_S), (root_S, self.root_low_S))
        )
        self.high_S, self.root_high_S = (
            np.where(inside_S, old, new) for new, old in ((length_S, self.high_S), (root_S, self.root_high_S))
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            share_S = (wanted_S - self.root_low_S) / (self.root_high_S - self.root_low_S)
            between_S = self.low_S + (self.high_S - self.low_S) * np.clip(share_S, 0.05, 0.95)
            beyond_S = self.low_S * np.clip(wanted_S / self.root_low_S, 1.02, 3.0)
        return np.where(np.isfinite(self.high_S), between_S, beyond_S)


def evaluator(functions: list[Function]) -> Callable[[Array, np.ndarray], tuple[Array, Array]]:
    """Values and gradients, each row's own function."""

    def g(theta_SP: Array, which_S: np.ndarray) -> tuple[Array, Array]:
        value_S, slope_SP = np.empty(len(theta_SP)), np.empty_like(theta_SP)
        for index in np.unique(which_S):
            rows = np.flatnonzero(which_S == index)
            value_S[rows] = functions[index](theta_SP[rows])
            slope_SP[rows] = _gradient(functions[index], theta_SP[rows])
        return value_S, slope_SP

    return g


def _gradient(g: Function, theta_SP: Array) -> Array:
    """Central differences, all of them in one call."""
    rows, n_theta = theta_SP.shape
    step = DIFFERENCE * np.eye(n_theta)
    both = np.concatenate([theta_SP[:, None] + step, theta_SP[:, None] - step], axis=1)
    value = g(both.reshape(-1, n_theta)).reshape(rows, 2, n_theta)
    return np.asarray((value[:, 0] - value[:, 1]) / (2 * DIFFERENCE))


def total(problem: Problem, theta_SP: Array) -> Array:
    """Σ w ρ, which the solver descends."""
    return np.asarray((problem.w_SM * rho(problem.residuals(theta_SP), problem.objective.delta)).sum(axis=1))


def quantile(fitted: Fitted) -> float:
    """The root of the quantile of F with 1 and M − P degrees of freedom: Student's."""
    from scipy.special import stdtrit

    return float(stdtrit(fitted.free, (1 + fitted.level) / 2))


def directions(fitted: Fitted, many: int, rng: np.random.Generator) -> list[Function]:
    """Random linear functions of theta, spread evenly where its uncertainty is a sphere."""
    estimated = fitted.estimated
    _, right_QQ = np.linalg.qr(fitted.gradient_MQ)
    found: list[Function] = []
    for row in rng.standard_normal((many, len(estimated))):
        c_Q = row @ right_QQ
        found.append(lambda theta_SP, c_Q=c_Q: theta_SP[:, estimated] @ c_Q)  # type: ignore[misc]
    return found


def moves(fitted: Fitted, g: Function) -> bool:
    """Whether a function is finite at the estimate and changes with theta there."""
    slope_P = _gradient(g, fitted.best_P[None])[0]
    return bool(np.isfinite(g(fitted.best_P[None])).all() and np.isfinite(slope_P).all() and slope_P.any())


def _said(fitted: Fitted, edge: Edge) -> str:
    """How many walks ended short of the edge, at a bound or without having found it."""
    missed_S = ~(np.abs(edge.root_S - 1) <= MISSED)
    low_P, high_P = fitted.prepared.law.bounds_2P
    slack_P = 1e-6 * (high_P - low_P)
    pressed_SP = (edge.theta_SP <= low_P + slack_P) | (edge.theta_SP >= high_P - slack_P)
    pressed_S = pressed_SP[:, fitted.estimated].any(axis=1)
    found = [
        (int((missed_S & pressed_S).sum()), "lie at a bound"),
        (int((missed_S & ~pressed_S).sum()), "are approximate"),
    ]
    return "".join(f"; {many} of {len(edge.root_S)} interval ends {what}" for many, what in found if many)


def profile(fitted: Fitted, resamples: int, rng: np.random.Generator) -> Spread:  # noqa: ARG001
    """Points on the edge of the confidence region: an interval of g is the range of g over them."""
    if fitted.free < 1:
        return nothing(fitted, "no residuals are left to scale a likelihood by")
    if float((fitted.miss_M**2).max()) < 1e-24:
        return Spread(np.repeat(fitted.best_P[None], 20, axis=0), "profile likelihood of a law met exactly", None, True)
    with np.errstate(all="ignore"):  # far out a function may overflow: its walk then ends early, which is said
        functions = [g for g in (*named(fitted).values(), *directions(fitted, DIRECTIONS, rng)) if moves(fitted, g)]
        if not functions:
            return nothing(fitted, "the law does not move with its parameters at these runs")
        edge = walk([fitted], functions)
    said = _said(fitted, edge)
    kind = "likelihood" if not np.isfinite(fitted.objective.delta) else "of the Huber objective, scaled tau test"
    points_SP = np.concatenate([fitted.best_P[None], edge.theta_SP])
    return Spread(points_SP, f"profile {kind}{said}", None, True)
