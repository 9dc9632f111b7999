"""The moments of Huber's score that asymptotic variances need: E ψ′ and E ψ², from residuals few of which are small.

The published corner, δ = 1e-3, is far below the noise of most sweeps, so that E ψ′ = P(|r| < δ) is in effect a density
at zero, and P of the residuals are zero because the fit passes through those points. The P smallest are left out, the
rest scaled to the variance Σr²/(M − P), and smoothed by a normal kernel that leaves that variance as it is (Silverman
1986, section 6.4.1); squared errors need no smoothing: E ψ′ = 1 and E ψ² is the variance.
"""

from dataclasses import dataclass

import numpy as np

from workbench.fitting.laws.base import Array
from workbench.fitting.uncertainty.fitted import Fitted

SAMPLE = 2000
"""Of more residuals than this, evenly spaced quantiles stand for all."""

CORNERS = 48
"""Corners at which moments are computed where weights differ; those between are interpolated."""


@dataclass(frozen=True)
class Moments:
    """At each point, E ψ′ and E ψ² of an error whose variance is the noise's over the point's weight."""

    slope_M: Array
    square_M: Array
    variance: float
    """Σ w r²/(M − P): the variance of an error of weight 1."""


def standardised(fitted: Fitted) -> Array:
    """Residuals times the square root of their weights, the P smallest left out, of variance Σ w r²/(M − P)."""
    u_M = fitted.miss_M * np.sqrt(fitted.weight_M)
    kept = u_M[np.argsort(np.abs(u_M), kind="stable")[len(fitted.estimated) :]]
    variance = float((u_M**2).sum() / max(fitted.free, 1))
    size = float((kept**2).mean()) if len(kept) else 0.0
    return kept * np.sqrt(variance / size) if size > 0 else kept


def moments(fitted: Fitted) -> Moments:
    """E ψ′ and E ψ² at each point."""
    u_K = standardised(fitted)
    variance = float((u_K**2).mean()) if len(u_K) else 0.0
    weight_M = fitted.weight_M
    delta = fitted.objective.delta
    if not np.isfinite(delta) or variance <= 0:
        return Moments(np.ones_like(weight_M), variance / weight_M, variance)
    if len(u_K) > SAMPLE:
        u_K = np.quantile(u_K, (np.arange(SAMPLE) + 0.5) / SAMPLE)
    corner_M = delta * np.sqrt(weight_M)
    if np.ptp(corner_M) <= 1e-12 * corner_M[0]:
        slope, square = _smoothed(u_K, corner_M[:1])
        return Moments(np.full_like(weight_M, slope[0]), square[0] / weight_M, variance)
    corner_C = np.geomspace(corner_M.min(), corner_M.max(), CORNERS)
    slope_C, square_C = _smoothed(u_K, corner_C)
    at_M = np.log(corner_M)
    slope_M, square_M = (np.exp(np.interp(at_M, np.log(corner_C), np.log(each))) for each in (slope_C, square_C))
    return Moments(slope_M, square_M / weight_M, variance)


def _smoothed(u_K: Array, corner_C: Array) -> tuple[Array, Array]:
    """P(|u| < c) and E min(|u|, c)² under the smoothed residuals, taken to be symmetric."""
    from scipy.special import ndtr

    deviation = float(np.sqrt((u_K**2).mean()))
    spread = min(deviation, float(np.median(np.abs(u_K))) / 0.6745) or deviation
    width = 1.06 * spread * len(u_K) ** -0.2
    shrink = 1 / np.sqrt(1 + (width / deviation) ** 2)
    centre_K, width = u_K * shrink, width * shrink
    low_CK, high_CK = (-corner_C[:, None] - centre_K) / width, (corner_C[:, None] - centre_K) / width
    inside_CK = ndtr(high_CK) - ndtr(low_CK)
    density_low, density_high = (np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) for z in (low_CK, high_CK))
    # E u² over the part inside, u = centre + width·z with z between low and high.
    within_CK = (
        centre_K**2 * inside_CK
        + 2 * centre_K * width * (density_low - density_high)
        + width**2 * (inside_CK + low_CK * density_low - high_CK * density_high)
    )
    square_CK = within_CK + corner_C[:, None] ** 2 * (1 - inside_CK)
    return inside_CK.mean(axis=1), square_CK.mean(axis=1)
