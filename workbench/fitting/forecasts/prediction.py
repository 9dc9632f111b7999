"""Where a new run will fall: the law's uncertainty and the noise of one run together.

With draws f_s of the law's ln L at the run, f by the point estimate, residual variance σ² on ν = M − P degrees of
freedom and Φ the normal distribution, an end of the interval is

    f + (t_ν(p)/z(p)) (q − f)    with    mean_s Φ((q − f_s)/σ) = p = Φ(z(p))

For normal draws of variance τ² this is f ± t_ν √(τ² + σ²), the textbook's interval of a new observation (Draper & Smith
1998, "Applied Regression Analysis", section 3.1); for skewed ones it follows the mixture. Draws that are the edge of a
region (a profile's) are no sample: of them the range alone is read, and an end is f ± √(reach² + (t_ν(p) σ)²), reach
being how far the range goes on that side, which for a linear law is the textbook's again. σ² is constant, or changes
with N and D where the residuals show it (`design.noise`); but a run outside the range of the fitted ones is never taken
to be less noisy than they are on average. On the Chinchilla table (2404.10102), with the top of its compute held out by
factors of 8 to 256, intervals at 95% so cover 71 to 94% of the runs, and 56 to 75% without that rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from workbench.fitting.design.noise import Noise, noise_of
from workbench.fitting.laws.base import Array
from workbench.fitting.record import Fit
from workbench.fitting.uncertainty.bootstrap import tail

HALVINGS = 40
"""Of an interval of some ten standard deviations: to 1e-11 of one."""


CELLS = 2_000_000
"""Draws times points that are held at once."""


@dataclass(frozen=True)
class Prediction:
    """Intervals of single runs of a fit; made once, asked often."""

    fit: Fit
    noise: Noise
    centre_F: Array
    range_2G: Array
    """Least and most of each feature, and of their sum, among the fitted points: of ln N, ln D and ln ND."""

    @classmethod
    def of(cls, fit: Fit) -> "Prediction | None":
        """None where the fit carries no residuals, or no more points than parameters."""
        free = fit.diagnostics.get("free_parameters", len(fit.params))
        if fit.residuals.empty or len(fit.residuals) <= free:
            return None
        x_MF = _features(fit, fit.residuals)
        centre_F = np.asarray(x_MF.mean(axis=0))
        sides_MG = _sides(x_MF)
        range_2G = np.stack([sides_MG.min(axis=0), sides_MG.max(axis=0)])
        return cls(fit, noise_of(fit.residuals, x_MF - centre_F, free), centre_F, range_2G)

    def sigma(self, **columns: ArrayLike) -> Array:
        """Standard deviation of a run about the law, of ln L or of what else the law's residuals are of."""
        x_MF = _features(self.fit, _rows(columns))
        variance_M = self.noise.at(x_MF - self.centre_F)
        low_MG, high_MG = self.range_2G[0] - _sides(x_MF), _sides(x_MF) - self.range_2G[1]
        outside_M = (np.maximum(low_MG, high_MG) > 1e-9).any(axis=1)
        return np.sqrt(np.where(outside_M, np.maximum(variance_M, self.noise.variance), variance_M))

    def interval(self, **columns: ArrayLike) -> tuple[Array, Array]:
        """Ends, at the fit's level, of the interval of one run at each point; NaN without draws."""
        given = _rows(columns)
        many = len(next(iter(given.values())))
        if not self.fit.resamples:
            return np.full(many, np.nan), np.full(many, np.nan)
        # Every draw at every point, so many points at a time.
        step = max(1, CELLS // len(self.fit.resample_params))
        parts = [
            self._interval({name: value[first : first + step] for name, value in given.items()})
            for first in range(0, many, step)
        ]
        low, high = zip(*parts, strict=True)
        return np.concatenate(low), np.concatenate(high)

    def about(self, values_S: Array, **columns: ArrayLike) -> tuple[Array, Array]:
        """The same about a response that is the law's for each draw, its estimate first: the least loss of a compute.

        The columns are those of the one run, which say how noisy it is.
        """
        return self._ends(values_S[:1], values_S[1:, None], self.sigma(**columns))

    def _interval(self, given: dict[str, Array]) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            f_SM = _draws(self.fit, given)
        return self._ends(self.fit.predict(**given), f_SM, self.sigma(**given))

    def _ends(self, f_M: Array, f_SM: Array, sigma_M: Array) -> tuple[Array, Array]:
        """Ends for a response f by the estimate and by each draw, with this noise."""
        log = self.fit.configured_law.log_response
        with np.errstate(all="ignore"):
            f_SM = np.log(f_SM) if log else f_SM
            f_M = np.log(f_M) if log else f_M
            share = (1 - self.fit.level) / 2
            if of_extremes(self.fit):
                ends = self._around(f_M, f_SM, sigma_M)
            else:
                ends = [f_M + self.stretch * (end_M - f_M) for end_M in _mixture_ends(f_SM, sigma_M, share)]
                # Noise moves a quantile of lumpy draws either way; a run is never surer than the law itself.
                cut = self.fit.cut
                own = np.nanquantile(np.where(np.isfinite(f_SM), f_SM, np.nan), [cut, 1 - cut], axis=0)
                ends = [np.minimum(ends[0], own[0]), np.maximum(ends[1], own[1])]
        return (np.exp(ends[0]), np.exp(ends[1])) if log else (ends[0], ends[1])

    @property
    def stretch(self) -> float:
        """t_ν(p)/z(p), or more where the fit's own intervals reach further."""
        from scipy.special import ndtri

        cut = min(self.fit.cut, tail(self.fit.level, self.noise.free))
        return float(ndtri(cut) / ndtri((1 - self.fit.level) / 2))

    def _around(self, f_M: Array, f_SM: Array, sigma_M: Array) -> list[Array]:
        """Ends of the range of the draws and the noise together, as independent errors add."""
        from scipy.special import stdtrit

        noise_M = float(stdtrit(self.noise.free, (1 + self.fit.level) / 2)) * sigma_M
        known_SM = np.isfinite(f_SM)
        down_M = np.maximum(f_M - np.where(known_SM, f_SM, np.inf).min(axis=0), 0.0)
        up_M = np.maximum(np.where(known_SM, f_SM, -np.inf).max(axis=0) - f_M, 0.0)
        ends = [f_M - np.hypot(down_M, noise_M), f_M + np.hypot(up_M, noise_M)]
        return [np.where(known_SM.any(axis=0), end_M, np.nan) for end_M in ends]


def of_extremes(fit: Fit) -> bool:
    """Whether a fit's draws are the edge of a region, whose range alone means something, and no sample."""
    return fit.cut == 0


def prediction_interval(fit: Fit, **columns: ArrayLike) -> tuple[Array, Array]:
    """The interval in which one new run at each of these points will fall, at the fit's level."""
    columns = dict(fit.inputs(columns))
    found = Prediction.of(fit)
    if found is None:
        many = len(next(iter(_rows(columns).values())))
        return np.full(many, np.nan), np.full(many, np.nan)
    return found.interval(**columns)


def _rows(columns: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Every column with a value for each point: one number stands for all."""
    given = {name: value for name, value in columns.items() if value is not None}
    rows = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value)) for value in given.values()))
    return dict(zip(given, rows, strict=True))


def _sides(x_MF: Array) -> Array:
    """The features and their sum."""
    return np.column_stack([x_MF, x_MF.sum(axis=1)])


def _features(fit: Fit, columns: Mapping[str, ArrayLike] | pd.DataFrame) -> Array:
    """The law's features at a table's points, or at columns given by their canonical names."""
    law = fit.configured_law
    frame = isinstance(columns, pd.DataFrame)
    return law.features(
        {name: _values(columns[fit.convention if name == "n" and frame else name]) for name in law.columns}
    )


def _draws(fit: Fit, columns: Mapping[str, ArrayLike]) -> Array:
    """The response of every draw at every point, (S, M)."""
    law = fit.configured_law
    draws = {name: value[:, None] for name, value in fit.draws().items()}
    return law.predict(draws, **{name: _values(columns[name]) for name in law.columns})


def _values(column: object) -> Array:
    values = np.asarray(column)
    return values if values.dtype.kind in "OUS" else values.astype(np.float64)


def _mixture_ends(f_SM: Array, sigma_M: Array, share: float) -> tuple[Array, Array]:
    """q_M with mean_s Φ((q − f_s)/σ) = share, and 1 − share; draws that are not finite are left out."""
    from scipy.special import ndtr, ndtri

    known_SM = np.isfinite(f_SM)
    f_SM = np.where(known_SM, f_SM, 0.0)
    w_SM = known_SM / np.maximum(known_SM.sum(axis=0), 1)
    # With the noise of the most extreme draw nothing lies beyond these ends.
    reach_M = sigma_M * abs(ndtri(share))
    outer_M = np.where(known_SM, f_SM, np.inf).min(axis=0) - reach_M, np.where(known_SM, f_SM, -np.inf).max(axis=0)
    ends = []
    for wanted in (share, 1 - share):
        low_M, high_M = outer_M[0], outer_M[1] + reach_M
        for _ in range(HALVINGS):
            middle_M = (low_M + high_M) / 2
            below = np.einsum("sm,sm->m", w_SM, ndtr((middle_M - f_SM) / sigma_M)) < wanted
            low_M, high_M = np.where(below, middle_M, low_M), np.where(below, high_M, middle_M)
        ends.append(np.where(known_SM.any(axis=0), (low_M + high_M) / 2, np.nan))
    return ends[0], ends[1]
