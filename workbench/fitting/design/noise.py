"""How noisy ln L is, read off a fit's residuals: one variance, or one that changes with the features if they show it.

A design needs the variance of a run before it is trained. It is constant unless Breusch and Pagan's test (1979, in
Koenker's form) rejects that at 1%; then ln σ² is linear in the features (a gamma regression of the squared residuals),
and never extrapolated: a run outside the fitted points has the variance of the nearest edge of what they show.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.fitting.laws.base import Array

REJECT = 0.01
"""Level of the test against a constant variance."""

FEWEST = 12
"""With fewer residuals a variance that changes cannot be told."""


@dataclass(frozen=True)
class Noise:
    """ln σ² = level + slopes · x, within the range of the fitted points; x are centred features."""

    variance: float
    """Σr²/(M − P): the mean variance of ln L."""
    free: int
    """M − P."""
    pure: float | None = None
    """Variance between seeds of one configuration, where there are any."""
    level: float = 0.0
    slopes_F: tuple[float, ...] = ()
    """Empty where the variance is constant."""
    within: tuple[float, float] = (-np.inf, np.inf)
    """Least and most ln σ² among the fitted points."""

    def at(self, x_MF: Array) -> Array:
        """σ² of ln L at centred features."""
        if not self.slopes_F:
            return np.full(len(x_MF), self.variance)
        return np.asarray(np.exp(np.clip(self.level + x_MF @ np.array(self.slopes_F), *self.within)))

    @property
    def said(self) -> tuple[str, ...]:
        """Notes for a reader."""
        found = [f"Noise of ln L: {100 * self.variance**0.5:.2g}% (residuals, {self.free} degrees of freedom)"]
        if self.pure is not None:
            found[0] += f"; between seeds of one configuration {100 * self.pure**0.5:.2g}%"
        found[0] += "."
        if self.slopes_F:
            low, high = (100 * np.exp(end / 2) for end in self.within)
            found.append(
                f"The noise is not constant: {low:.2g}% to {high:.2g}% over the runs so far, and the design counts on "
                "a fit that weighs runs by it."
            )
        return tuple(found)


def noise_of(residuals: pd.DataFrame, x_MF: Array, n_params: int, weight_M: Array | None = None) -> Noise:
    """The noise behind a fit's residuals at centred features; with weights, that of a run of weight 1."""
    r_M = residuals["residual"].to_numpy(dtype=np.float64)
    r_M = r_M if weight_M is None else r_M * np.sqrt(weight_M)
    free = max(len(r_M) - n_params, 1)
    # Noise-free points (a simulation) would make every design perfect; the floor keeps the matrices finite.
    variance = max(float((r_M**2).sum() / free), 1e-16)
    flat = Noise(variance, free, _pure(residuals))
    if len(r_M) < FEWEST or variance <= 1e-16:
        return flat
    design = np.column_stack([np.ones(len(r_M)), x_MF])
    if not _changes(r_M**2, design) < REJECT:
        return flat
    # A robust fit meets some points exactly; their squares are lifted to what a 1%-quantile would be.
    squares = np.maximum(r_M**2, 1e-4 * variance)
    level, *slopes = (float(value) for value in _gamma_regression(squares, design))
    level += float(np.log(len(r_M) / free))
    ln_M = level + x_MF @ np.array(slopes)
    return Noise(variance, free, flat.pure, level, tuple(slopes), (float(ln_M.min()), float(ln_M.max())))


def _gamma_regression(squares_M: Array, design: Array) -> Array:
    """β of ln σ² = design·β by maximum likelihood: Σ η + r²/e^η is convex in β, so that any descent finds it."""
    from scipy.optimize import minimize

    scale_P = np.maximum(np.abs(design).max(axis=0), 1e-300)
    z_MP, typical = design / scale_P, squares_M.mean()

    def deviance(beta_P: Array) -> tuple[float, Array]:
        eta_M = z_MP @ beta_P
        ratio_M = squares_M / typical * np.exp(-np.clip(eta_M, -50, 50))
        return float((eta_M + ratio_M).sum()), z_MP.T @ (1 - ratio_M)

    found = minimize(deviance, np.zeros(design.shape[1]), jac=True, method="BFGS")
    beta_P = found.x / scale_P
    beta_P[0] += np.log(typical)
    return np.asarray(beta_P)


def _changes(squares_M: Array, design: Array) -> float:
    """p-value of M·R² in a regression of the squares, which is χ² where their mean is constant (Koenker 1981)."""
    from scipy.special import chdtrc

    off_M = squares_M - squares_M.mean()
    fitted_M = design @ np.linalg.lstsq(design, squares_M, rcond=None)[0] - squares_M.mean()
    return float(chdtrc(design.shape[1] - 1, len(off_M) * (fitted_M @ fitted_M) / (off_M @ off_M)))


def _pure(residuals: pd.DataFrame) -> float | None:
    """Pooled variance within configurations that were trained from several seeds."""
    if "cluster" not in residuals or residuals["cluster"].isna().any():
        return None
    groups = residuals.groupby("cluster")["residual"]
    free = len(residuals) - groups.ngroups
    return float(((residuals["residual"] - groups.transform("mean")) ** 2).sum() / free) if free > 0 else None
