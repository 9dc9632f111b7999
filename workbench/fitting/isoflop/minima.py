"""From curves to power laws, for many rows of responses at once: minima, the lines through them, their resamples.

Legend: S rows of responses ln L, B budgets, M points of all budgets, R resamples of each row, K numbers of a curve.
"""

from dataclasses import dataclass

import numpy as np

from workbench.fitting.isoflop.budgets import Curve, sections
from workbench.fitting.isoflop.curves import Shape
from workbench.fitting.laws.base import Array

ORDER = ("a", "b", "k_N", "k_D")
"""The parameters of the power laws."""


@dataclass(frozen=True)
class Minima:
    """The curves of each row of responses, and their minima; NaN where a budget does not count or has none inside."""

    ln_n_SB: Array
    ln_d_SB: Array
    ln_l_SB: Array
    bend_SB: Array
    """d²ln L/d(ln N)² at the minimum."""
    curve_SBK: Array
    fitted_SM: Array
    """ln L on the curves at the sizes of the runs."""

    def counting(self, good_SB: np.ndarray) -> "Minima":
        """These minima without those of budgets that do not count."""
        ln_n_SB, ln_d_SB, ln_l_SB, bend_SB = (
            np.where(good_SB, x_SB, np.nan) for x_SB in (self.ln_n_SB, self.ln_d_SB, self.ln_l_SB, self.bend_SB)
        )
        return Minima(ln_n_SB, ln_d_SB, ln_l_SB, bend_SB, self.curve_SBK, self.fitted_SM)


def minima(every: list[Curve], shape: Shape, y_SM: Array) -> Minima:
    """The curves of all budgets for each row of responses."""
    design = sections(every)
    curve_SBK = shape.solve(design, y_SM)
    z_SB, bend_SB = shape.lowest(curve_SBK)
    with np.errstate(invalid="ignore"):
        z_SB = np.where((z_SB > design.low_B) & (z_SB < design.high_B), z_SB, np.nan)
    ln_n_SB = z_SB + design.centre_B
    ln_d_SB = np.column_stack([curve.ln_data(ln_n_SB[:, b]) for b, curve in enumerate(every)])
    fitted_SM = shape.ln_loss(curve_SBK[:, design.budget_M], design.z_M)
    return Minima(ln_n_SB, ln_d_SB, shape.ln_loss(curve_SBK, z_SB), bend_SB, curve_SBK, fitted_SM)


def best_inside(every: list[Curve], y_SM: Array) -> np.ndarray:
    """For each row of responses, whether the best run of each budget has neighbours on both sides, (S, B)."""
    ends = np.cumsum([len(curve.z_M) for curve in every])[:-1]
    parts = np.split(y_SM, ends, axis=1)
    return np.column_stack([curve.best_inside(part) for curve, part in zip(every, parts, strict=True)])


def lines(ln_c_B: Array, y_SB: Array) -> tuple[Array, Array]:
    """Least-squares slope and intercept of y on ln C for each row, over the budgets that are not NaN."""
    w_SB = np.isfinite(y_SB).astype(np.float64)
    y_SB = np.nan_to_num(y_SB)
    with np.errstate(divide="ignore", invalid="ignore"):
        total_S = w_SB.sum(axis=1)
        x_S, mean_S = w_SB @ ln_c_B / total_S, (w_SB * y_SB).sum(axis=1) / total_S
        dx_SB = (ln_c_B - x_S[:, None]) * w_SB
        slope_S = (dx_SB * y_SB).sum(axis=1) / (dx_SB**2).sum(axis=1)
    slope_S = np.where(total_S >= 2, slope_S, np.nan)
    return slope_S, mean_S - slope_S * x_S


def power_laws(ln_c_B: Array, found: Minima) -> dict[str, Array]:
    """Exponents and coefficients for each row of minima, and alpha_C, minus the slope of the frontier L_opt(C)."""
    (a_S, ln_kn_S), (b_S, ln_kd_S), (slope_S, _) = (
        lines(ln_c_B, y_SB) for y_SB in (found.ln_n_SB, found.ln_d_SB, found.ln_l_SB)
    )
    return {"a": a_S, "b": b_S, "k_N": np.exp(ln_kn_S), "k_D": np.exp(ln_kd_S), "alpha_C": -slope_S}


def resampled(
    every: list[Curve],
    shape: Shape,
    y_SM: Array,
    found: Minima,
    good_SB: np.ndarray,
    resamples: int,
    rng: np.random.Generator,
) -> dict[str, Array]:
    """For each row of responses, the power laws of `resamples` others, (S, resamples); see `resampled_minima`."""
    others = resampled_minima(every, shape, y_SM, found, good_SB, resamples, rng)
    if others is None:
        return dict.fromkeys((*ORDER, "alpha_C"), np.full((len(y_SM), resamples), np.nan))
    laws = power_laws(np.array([curve.ln_c for curve in every]), others)
    return {name: values.reshape(len(y_SM), resamples) for name, values in laws.items()}


def resampled_minima(
    every: list[Curve],
    shape: Shape,
    y_SM: Array,
    found: Minima,
    good_SB: np.ndarray,
    resamples: int,
    rng: np.random.Generator,
) -> Minima | None:
    """The minima of `resamples` others for each row of responses, one after another; None without spare points.

    Each is the row's curves plus its residuals drawn with replacement, given the variance Σr²/(M − P). The budgets
    that count are those that count in the row itself.
    """
    many, points = y_SM.shape
    free = points - shape.count(sections(every))
    if free <= 0:
        return None
    pool_SM = (y_SM - found.fitted_SM) * np.sqrt(points / free)
    drawn_SRM = np.take_along_axis(pool_SM[:, None], rng.integers(points, size=(many, resamples, points)), axis=2)
    drawn_SRM += found.fitted_SM[:, None]
    return minima(every, shape, drawn_SRM.reshape(-1, points)).counting(np.repeat(good_SB, resamples, axis=0))
