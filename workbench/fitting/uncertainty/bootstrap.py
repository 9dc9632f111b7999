"""Intervals by the bootstrap: which data a resample sees, and how an interval is read off the resamples.

How often each holds the truth is in docs/coverage.md, and which a fit takes in `methods.automatic`. Tried on 4 × 5
isoFLOP designs with 0.5% noise (120 to 150 sweeps) and not kept: residuals with only √(M/(M − P)), 85 to 92% at 95%;
wild with the HC2 and HC3 of a plain regression, 71 to 79 and 77 to 85; Dirichlet weights, 94 to 98 under huber but 84
to 88 under log-mse.
"""

from dataclasses import dataclass

import numpy as np

from workbench.fitting.laws.base import Array
from workbench.fitting.uncertainty.groups import clusters

__all__ = ["Resampled", "case_resamples", "clusters", "many", "percentile", "replicated", "residual_resamples", "tail"]

CASE_FROM = 100
"""From this many clusters on, whole clusters are resampled: that covers noise which is uneven."""

MANY = 5
"""With fewer residuals than this, their signs are taken as equally likely rather than their mean as zero."""


@dataclass(frozen=True)
class Resampled:
    """The data of a batch of resamples: responses and weights, (1, M) when shared by all."""

    y_SM: Array
    w_SM: Array
    method: str
    free: int | None = None
    """Degrees of freedom behind the residuals, where residuals are resampled."""
    n_units: int = 1_000_000
    """What is drawn from: runs, clusters or groups."""


def many(cluster_M: np.ndarray) -> bool:
    """Whether there are clusters enough to resample."""
    return len(np.unique(cluster_M)) >= CASE_FROM


def replicated(cluster_M: np.ndarray) -> bool:
    """Whether most clusters have more than one run."""
    _, sizes = np.unique(cluster_M, return_counts=True)
    return float(np.mean(sizes > 1)) > 0.5


def case_resamples(
    y_M: Array, cluster_M: np.ndarray, n_resamples: int, rng: np.random.Generator, words: str = "runs"
) -> Resampled:
    """Clusters drawn with replacement, as weights: a point counts as often as its cluster was drawn (Efron 1979)."""
    _, code_M = np.unique(cluster_M, return_inverse=True)
    n_clusters = int(code_M.max()) + 1
    w_SM = np.empty((n_resamples, len(code_M)), dtype=np.int8 if n_clusters < 128 else np.int16)
    for s in range(n_resamples):  # a row at a time: of 100,000 runs all the draws together would take a gigabyte
        w_SM[s] = np.bincount(rng.integers(n_clusters, size=n_clusters), minlength=n_clusters)[code_M]
    return Resampled(y_M[None], w_SM, f"percentile bootstrap, resampling {words}", n_units=n_clusters)


def residual_resamples(
    fitted_M: Array,
    residual_M: Array,
    n_params: int,
    n_resamples: int,
    rng: np.random.Generator,
    weight_M: Array | None = None,
) -> Resampled:
    """Fitted values plus residuals drawn with replacement, given the variance Σr²/(M−P); weights are inverse variances.

    A robust fit meets about P points exactly. Left in, those P residuals of zero would make the noise look as if it
    had a spike at zero, which a robust fit exploits: the P smallest are left out.
    """
    n_points = len(fitted_M)
    free = n_points - n_params
    if free <= 0:
        return Resampled(
            np.full((n_resamples, n_points), np.nan), np.ones((1, n_points)), "none: no residuals are left"
        )
    spread_M = np.ones(n_points) if weight_M is None else 1 / np.sqrt(weight_M)
    residual_M = residual_M / spread_M
    scale = np.sqrt((residual_M**2).sum() / free)
    kept = residual_M[np.argsort(np.abs(residual_M))[n_params:]]
    kept = kept - kept.mean() if free >= MANY else np.concatenate([kept, -kept])
    size = np.sqrt((kept**2).mean())
    drawn_SM = rng.choice(kept * (scale / size if size > 0 else 0.0), size=(n_resamples, n_points))
    return Resampled(
        fitted_M[None] + drawn_SM * spread_M,
        np.ones((1, n_points)),
        "percentile bootstrap of residuals, tails as Student's",
        free,
    )


def tail(level: float, free: int | None = None) -> float:
    """The share of draws cut off at each end of an interval at `level`.

    Percentiles of few residuals are too narrow, as normal quantiles would be in place of Student's: with `free` degrees
    of freedom the share is Φ of Student's quantile (Hesterberg 2015, "What teachers should know about the bootstrap").
    """
    share = (1 - level) / 2
    if free is None or free < 1:
        return share
    from scipy.special import ndtr, stdtrit

    return float(ndtr(stdtrit(free, share)))


def percentile(draws_S: Array, share: float) -> tuple[float, float]:
    """The interval that leaves `share` of the draws at each end."""
    finite = draws_S[np.isfinite(draws_S)]
    if len(finite) < 20:
        return (float("nan"), float("nan"))
    low, high = np.quantile(finite, [share, 1 - share])
    return float(low), float(high)
