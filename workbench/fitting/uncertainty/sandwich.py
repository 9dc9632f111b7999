"""Sandwich covariance of a robust fit: what the scores of clusters say of theta, corrected for leverage.

θ̂ − θ ≈ A⁻¹ Σ_m w_m ψ(r_m) J_m with A = Σ w E[ψ′] J Jᵀ (Huber 1967; for M-estimators of regression Huber and Ronchetti
2009, section 7.6). The scores of one cluster are summed before they are squared, so that seeds of a configuration may
miss together; each cluster's are multiplied by (I − H)^(−1/2) first, as CR2 does (Bell and McCaffrey 2002).
"""

import numpy as np

from workbench.fitting.laws.base import Array
from workbench.fitting.solving.objectives import psi
from workbench.fitting.uncertainty.fitted import Fitted, Spread, nothing
from workbench.fitting.uncertainty.groups import clusters
from workbench.fitting.uncertainty.scores import moments

FULL = 0.999
"""Leverages beyond this are taken as this: such a point determines a parameter alone and shows no residual."""


def covariance(fitted: Fitted, code_M: np.ndarray) -> tuple[Array, int]:
    """Covariance of the estimated entries of theta, and its degrees of freedom."""
    found = moments(fitted)
    weight_M, j_MQ = fitted.weight_M, fitted.gradient_MQ
    bread_QQ = (j_MQ * (weight_M * found.slope_M)[:, None]).T @ j_MQ
    inverse_QQ = _inverse(bread_QQ)
    score_M = psi(fitted.miss_M, fitted.objective.delta)
    scale_M = np.sqrt(weight_M * found.slope_M)
    x_MQ = j_MQ * scale_M[:, None]
    _, cluster_M = np.unique(code_M, return_inverse=True)
    many = int(cluster_M.max()) + 1
    sums_GQ = np.zeros((many, j_MQ.shape[1]))
    if many == len(cluster_M):
        leverage_M = np.minimum(np.einsum("mp,pq,mq->m", x_MQ, inverse_QQ, x_MQ), FULL)
        sums_GQ = j_MQ * (weight_M * score_M / np.sqrt(1 - leverage_M))[:, None]
    else:
        for g in range(many):
            rows = np.flatnonzero(cluster_M == g)
            hat = x_MQ[rows] @ inverse_QQ @ x_MQ[rows].T
            values, vectors = np.linalg.eigh(np.eye(len(rows)) - hat)
            root = (vectors / np.sqrt(np.maximum(values, 1 - FULL))) @ vectors.T
            # In the scale where errors have one variance, where CR2's working model holds.
            whitened = root @ (weight_M[rows] * score_M[rows] / scale_M[rows])
            sums_GQ[g] = x_MQ[rows].T @ whitened
    covariance_QQ = inverse_QQ @ (sums_GQ.T @ sums_GQ) @ inverse_QQ
    free = fitted.free if many == len(cluster_M) else min(fitted.free, many - 1)
    return covariance_QQ, free


def sandwich(fitted: Fitted, resamples: int, rng: np.random.Generator) -> Spread:
    """Normal draws of theta with the sandwich covariance; Student's tails."""
    cluster_M = clusters(fitted.prepared.table)
    many = len(np.unique(cluster_M))
    if fitted.free < 1 or many < 3:
        return nothing(fitted, "no residuals are left for a sandwich")
    covariance_QQ, free = covariance(fitted, cluster_M)
    unit = "run" if many == len(cluster_M) else "configuration"
    method = f"sandwich covariance by {unit}, corrected for leverage, {resamples} normal draws, tails as Student's"
    return Spread(normal_draws(fitted, covariance_QQ, resamples, rng), method, free)


def normal_draws(fitted: Fitted, covariance_QQ: Array, resamples: int, rng: np.random.Generator) -> Array:
    """Draws of theta around the estimate, within bounds."""
    values, vectors = np.linalg.eigh(covariance_QQ)
    root_QQ = vectors * np.sqrt(np.maximum(values, 0))
    draws_SP = np.repeat(fitted.best_P[None], resamples, axis=0)
    draws_SP[:, fitted.estimated] += rng.standard_normal((resamples, len(root_QQ))) @ root_QQ.T
    return fitted.bounded(draws_SP)


def _inverse(a_QQ: Array) -> Array:
    """The inverse of a matrix of curvature, scaled first; directions that it does not feel keep a large variance."""
    size_Q = np.sqrt(np.maximum(np.diag(a_QQ), 1e-300))
    return np.asarray(np.linalg.pinv(a_QQ / np.outer(size_Q, size_Q), rcond=1e-13, hermitian=True)) / np.outer(
        size_Q, size_Q
    )
