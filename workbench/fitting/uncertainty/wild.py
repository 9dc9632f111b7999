"""Bootstraps that keep each run's own noise: wild (its residual with a random sign) and parametric (a fitted variance).

A residual r of a robust fit is the error less what the fit followed it: r ≈ e − h ψ(r)/E ψ′, with leverage h, so that
h ψ(r)/E ψ′ is added back (Feng, He and Hu 2011, "Wild bootstrap for quantile regression", section 2.3, for δ → 0; for
squared errors r/√(1 − h)), and the whole scaled to the variance Σ w r²/(M − P). Each is then divided by √(1 − h), which
makes it HC3's r/(1 − h): with HC2's errors the intervals of small sweeps covered 89 to 93%. Signs are Rademacher's,
which keep a median at zero as Huber's objective needs; with few clusters Webb's six values (Webb 2023, "Reworking wild
bootstrap-based inference for clustered errors"). Mammen's two are for squared errors only: their median is not zero.
"""

import numpy as np

from workbench.fitting.laws.base import Array
from workbench.fitting.solving.objectives import psi
from workbench.fitting.uncertainty.bootstrap import Resampled, clusters
from workbench.fitting.uncertainty.fitted import Fitted
from workbench.fitting.uncertainty.scores import moments
from workbench.fitting.uncertainty.weighting import variance_by_compute

WEBB = np.array([-np.sqrt(1.5), -1.0, -np.sqrt(0.5), np.sqrt(0.5), 1.0, np.sqrt(1.5)])
"""Webb's six equally likely weights, of mean 0 and variance 1."""

FEW = 12
"""With fewer clusters than this there are too few patterns of two signs."""

FULL = 0.98
"""Leverages beyond this are taken as this."""


def errors(fitted: Fitted) -> Array:
    """Residuals as the errors they stem from: their leverage given back."""
    found = moments(fitted)
    scale_M = np.sqrt(fitted.weight_M * found.slope_M)
    q_MQ, _ = np.linalg.qr(fitted.gradient_MQ * scale_M[:, None])
    leverage_M = np.minimum((q_MQ**2).sum(axis=1), FULL)
    miss_M = fitted.miss_M
    if np.isfinite(fitted.objective.delta):
        error_M = miss_M + leverage_M * psi(miss_M, fitted.objective.delta) / found.slope_M
    else:
        error_M = miss_M / np.sqrt(1 - leverage_M)
    size = float((fitted.weight_M * error_M**2).mean())
    scale = np.sqrt(found.variance / size) if size > 0 else 1.0
    return np.asarray(error_M * scale / np.sqrt(1 - leverage_M))


def rademacher(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Signs."""
    return np.asarray(rng.integers(0, 2, size=shape) * 2.0 - 1.0, dtype=np.float64)


def webb(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Webb's weights."""
    return WEBB[rng.integers(0, 6, size=shape)]


def mammen(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Mammen's (1993) two points, of mean 0, variance 1 and third moment 1."""
    root = np.sqrt(5)
    return np.where(rng.random(shape) < (root + 1) / (2 * root), (1 - root) / 2, (1 + root) / 2)


KINDS = {"rademacher": rademacher, "webb": webb, "mammen": mammen}
"""Distributions of the wild bootstrap's weights."""


def wild_resamples(
    fitted: Fitted,
    resamples: int,
    rng: np.random.Generator,
    kind: str | None = None,
    code_M: np.ndarray | None = None,
) -> Resampled:
    """The law plus each run's own error with a random weight; runs of one cluster share it."""
    given_M = clusters(fitted.prepared.table) if code_M is None else code_M
    _, cluster_M = np.unique(given_M, return_inverse=True)
    many = int(cluster_M.max()) + 1
    kind = kind or ("webb" if many < FEW else "rademacher")
    drawn_SM = errors(fitted) * KINDS[kind]((resamples, many), rng)[:, cluster_M]
    said = "" if many == len(cluster_M) else " by configuration"
    free = fitted.free if many == len(cluster_M) else min(fitted.free, many - 1)
    return Resampled(
        responses(fitted, drawn_SM),
        np.ones((1, len(cluster_M))),
        f"wild bootstrap{said} ({kind.capitalize()}), tails as Student's",
        free,
    )


def parametric_resamples(fitted: Fitted, resamples: int, rng: np.random.Generator) -> Resampled:
    """The law plus normal noise whose variance is constant, or a power of compute where the residuals show that."""
    variance_M, said = variance_by_compute(fitted)
    drawn_SM = np.sqrt(variance_M) * rng.standard_normal((resamples, len(variance_M)))
    method = f"parametric bootstrap, normal noise {said}, tails as Student's"
    return Resampled(responses(fitted, drawn_SM), np.ones((1, len(variance_M))), method, fitted.free)


def responses(fitted: Fitted, drawn_SM: Array) -> Array:
    """Responses in the solver's terms: the law plus errors, which are of the raw response where the objective is."""
    if not fitted.prepared.problem.exponentiated:
        return np.asarray(fitted.fitted_M + drawn_SM)
    level_M = np.exp(fitted.fitted_M)
    return np.asarray(np.log(np.maximum(level_M + drawn_SM, 1e-6 * level_M)))
