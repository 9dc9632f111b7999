"""The log score of a law on runs it has not seen: groups left out one at a time, all refits solved as one batch.

Left out is a whole group (a size, a budget, a configuration), since runs of one group err together. A row of the batch
is the fit without group g, its runs at weight 0. The held-out residuals r, linearised in theta, have the predictive
density of a regression with unknown variance: multivariate Student with ν = M − P − m degrees of freedom and scale
σ²(W⁻¹ + J_out (J_inᵀ W_in J_in)⁻¹ J_outᵀ), σ² = Σ_in w r²/ν (Gelman et al. 2013, "Bayesian Data Analysis", section
14.3). The score is its logarithm (Good 1952; Gneiting & Raftery 2007): in nats, larger is better, and intervals that
are wide are paid for.

The m × m scale is never made: its determinant and its inverse are those of P × P matrices (Woodbury). Of very many
groups several are left out together, so that a large table asks for tens of refits and not for thousands.

    G  groups    M  points    m  points left out    P  entries of theta
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.laws.base import Array
from workbench.fitting.prepared import Prepared
from workbench.fitting.record import NotIdentifiable
from workbench.fitting.solving.certify import certify
from workbench.fitting.solving.objectives import Objective
from workbench.fitting.uncertainty.fitted import Fitted
from workbench.fitting.uncertainty.groups import SAME, clusters, groups, level_codes
from workbench.fitting.uncertainty.methods import Resampled, solve

GROUPS = ("auto", "size", "budget", "configuration")
"""What may be left out as a whole; auto is by the rule of `groups.groups`."""

RIDGE = 1e-10
"""Of JᵀJ scaled to a unit diagonal: a direction that the data leave open makes a wide density, not a failure."""


CELLS = 4_000_000
"""Refits times points: of more, groups are left out several at a time …"""

FOLDS = 10
"""… down to so many parts."""


@dataclass(frozen=True)
class Scores:
    """What each left-out group scored."""

    words: str
    """What was left out, in the plural."""
    score_G: Array
    size_G: np.ndarray
    """Runs in each group."""
    error_M: Array
    """Of every run, ln L (or the response) minus what the fit without its group predicted."""
    value: float
    """The objective of the fit to all."""
    free: int
    """Parameters estimated."""

    @property
    def total(self) -> float:
        """Sum of the groups' scores, in nats."""
        return float(self.score_G.sum())


def coded(table: pd.DataFrame, by: str, convention: str) -> tuple[np.ndarray, str]:
    """The group of each run, and what the groups are."""
    if by not in GROUPS:
        raise BadInput(f"by is '{by}'; it must be one of {', '.join(GROUPS)}.")
    if by == "auto":
        return groups(table, convention)
    if by == "configuration":
        code_M = np.unique(clusters(table), return_inverse=True)[1]
        return code_M, "runs" if code_M.max() + 1 == len(table) else "configurations"
    names, words = ((convention, "n"), "model sizes") if by == "size" else (("budget", "c"), "budgets")
    name = next((name for name in names if name in table and table[name].notna().all()), None)
    if name is None:
        raise BadInput(f"by is '{by}', but not every run has a value in column {names[-1]}.")
    return level_codes(table[name].to_numpy(dtype=np.float64), SAME[words]), words


def leave_out(prepared: Prepared, code_M: np.ndarray, words: str) -> Scores:
    """Fit without each group in one batch, and score the group."""
    problem = prepared.problem
    code_M, words = folded(code_M, words)
    many = int(code_M.max()) + 1
    sizes = np.bincount(code_M)
    if many < 3 or len(code_M) - sizes.max() <= prepared.free:
        raise NotIdentifiable(
            f"{prepared.law.name} has {prepared.free} parameters, and without one of {many} {words} as few as "
            f"{len(code_M) - sizes.max()} runs are left: too few to leave one out."
        )
    certificate = certify(problem, prepared.held, prepared.start_P)
    fitted = Fitted(prepared, certificate.basins_BP[0], certificate.rivals_BP)
    inside_GM = (code_M[None] != np.arange(many)[:, None]).astype(np.float64)
    theta_GP = solve(fitted, Resampled(problem.y_SM, inside_GM, words), many)
    w_M = np.asarray(problem.w_SM[0] / problem.w_SM[0].mean())
    free = [entry for entry in range(theta_GP.shape[1]) if entry not in prepared.held]
    score_G, error_M = np.empty(many), np.empty(len(code_M))
    for g in range(many):
        f_1M, j_1PM = problem.law.jacobian(theta_GP[g : g + 1], problem.x_MF)
        r_M = problem.y_SM[0] - f_1M[0]
        score_G[g] = _log_student(r_M, j_1PM[0][free], w_M, code_M != g, prepared.free)
        error_M[code_M == g] = r_M[code_M == g]
    return Scores(words, score_G, sizes, error_M, float(certificate.values_B[0]), prepared.free)


def folded(code_M: np.ndarray, words: str) -> tuple[np.ndarray, str]:
    """The groups themselves, or where refits of all would be too many, parts of several groups drawn together."""
    many = int(code_M.max()) + 1
    most = max(FOLDS, CELLS // len(code_M))
    if many <= most:
        return code_M, words
    part_G = np.random.default_rng(0).permutation(many) % most
    return part_G[code_M], f"parts of the {many} {words}, {most} in number,"


def _log_student(r_M: Array, j_PM: Array, w_M: Array, inside: np.ndarray, n_params: int) -> float:
    """Logarithm of the multivariate Student density of the held-out residuals."""
    from scipy.special import gammaln

    in_PM, out_PM = j_PM[:, inside], j_PM[:, ~inside]
    nu = int(inside.sum()) - n_params
    # A law that meets its points exactly has no noise to speak of; the floor is far below that of any training.
    variance = max(float((w_M[inside] * r_M[inside] ** 2).sum()) / nu, 1e-16)
    gram_PP = (in_PM * w_M[inside]) @ in_PM.T
    scale_P = np.sqrt(np.maximum(np.diag(gram_PP), 1e-300))
    scaled_PP = gram_PP / scale_P[:, None] / scale_P + RIDGE * np.eye(len(gram_PP))
    out_PM = np.where(scale_P[:, None] > 1e-140, out_PM / scale_P[:, None], 0.0)
    w_out_M, r_out_M, many = w_M[~inside], r_M[~inside], int((~inside).sum())
    both_PP = scaled_PP + (out_PM * w_out_M) @ out_PM.T
    log_det = many * np.log(variance) - np.log(w_out_M).sum()
    log_det += np.linalg.slogdet(both_PP)[1] - np.linalg.slogdet(scaled_PP)[1]
    pull_P = out_PM @ (w_out_M * r_out_M)
    distance = float(w_out_M @ r_out_M**2 - pull_P @ np.linalg.solve(both_PP, pull_P)) / variance
    return float(
        gammaln((nu + many) / 2)
        - gammaln(nu / 2)
        - 0.5 * many * np.log(nu * np.pi)
        - 0.5 * log_det
        - 0.5 * (nu + many) * np.log1p(distance / nu)
    )


def aicc(value: float, points: int, free: int, goal: Objective) -> float:
    """M ln(Σr²/M) + 2K + 2K(K + 1)/(M − K − 1) with K = P + 1, the variance counted (Hurvich & Tsai 1989).

    NaN unless the objective is the mean square of ln L, minus a likelihood's logarithm.
    """
    k = free + 1
    if goal.name != "log-mse" or points <= k + 1 or value <= 0:
        return float("nan")
    return float(points * np.log(value) + 2 * k + 2 * k * (k + 1) / (points - k - 1))
