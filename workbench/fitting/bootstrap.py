"""Intervals by the bootstrap: which data a resample sees, and how an interval is read off the resamples."""

from dataclasses import dataclass

import numpy as np

from workbench.fitting.laws.base import Array

CASE_FROM = 100
"""From this many clusters on, whole clusters are resampled; below it, residuals are."""


@dataclass(frozen=True)
class Resampled:
    """The data of a batch of resamples: responses and weights, (1, M) when shared by all."""

    y_SM: Array
    w_SM: Array
    method: str


def case_resamples(y_M: Array, cluster_M: np.ndarray, n_resamples: int, rng: np.random.Generator) -> Resampled:
    """Clusters drawn with replacement, as weights: a point counts as often as its cluster was drawn (Efron 1979)."""
    _, code_M = np.unique(cluster_M, return_inverse=True)
    n_clusters = int(code_M.max()) + 1
    counts_SG = rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=n_resamples)
    said = "runs" if n_clusters == len(y_M) else "configurations (all seeds of one together)"
    return Resampled(y_M[None], counts_SG[:, code_M].astype(np.float64), f"percentile bootstrap, resampling {said}")


def residual_resamples(
    fitted_M: Array, residual_M: Array, n_params: int, n_resamples: int, rng: np.random.Generator
) -> Resampled:
    """Fitted values plus residuals drawn with replacement, widened by √(M/(M−P)) for the degrees of freedom spent."""
    n_points = len(fitted_M)
    widened_M = (residual_M - residual_M.mean()) * np.sqrt(n_points / max(n_points - n_params, 1))
    drawn_SM = widened_M[rng.integers(0, n_points, size=(n_resamples, n_points))]
    return Resampled(fitted_M[None] + drawn_SM, np.ones((1, n_points)), "percentile bootstrap of residuals")


def percentile(draws_S: Array, level: float) -> tuple[float, float]:
    """The central interval of the draws."""
    finite = draws_S[np.isfinite(draws_S)]
    if len(finite) < 20:
        return (float("nan"), float("nan"))
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
