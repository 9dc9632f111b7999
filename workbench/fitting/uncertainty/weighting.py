"""Noise that differs from run to run: weights that are its inverse variance, from a column or from the residuals.

equal        every run has one variance (times 1/weight, where the table has weights)
column       var ln L = (loss_se/L)² + τ², τ² so large that Σ r²/var = M − P (Paule and Mandel 1982): what the
             evaluation's own standard error does not explain is the same for all runs
by-compute   ln var = g₀ + g₁ ln C, fitted to the squared residuals (gamma regression; Davidian and Carroll 1987)

Weights and law are fitted in turn until the weights stand still, three to five rounds as a rule.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.laws.base import Array
from workbench.fitting.prepared import Prepared
from workbench.fitting.record import NotIdentifiable
from workbench.fitting.solving.certify import certify
from workbench.fitting.solving.solver import minimise
from workbench.fitting.uncertainty.fitted import Fitted

NOISES = ("equal", "column", "by-compute")
"""What may be said of the noise."""

ROUNDS = 12
"""At most so many turns of weights and law."""

STILL = 1e-3
"""Weights that move by less than this share stand still."""

MOST = 1e4
"""The largest ratio of two variances: beyond it a single run would decide."""

REJECT = 0.05
"""Level of the test against a constant variance."""

FEWEST = 10
"""With fewer residuals than this a variance that changes cannot be told."""


def checked_noise(noise: str) -> None:
    """Refuse a noise that does not exist."""
    if noise not in NOISES:
        raise BadInput(f"noise is '{noise}'; it must be one of {', '.join(NOISES)}.")


def weighed(prepared: Prepared, noise: str) -> tuple[Prepared, tuple[str, ...]]:
    """The problem with weights for such noise, and what to say of them."""
    checked_noise(noise)
    if noise == "equal":
        return prepared, ()
    if noise == "column" and ("loss_se" not in prepared.table or prepared.table["loss_se"].isna().any()):
        raise NotIdentifiable("noise is 'column', but not every run has a loss_se; add it, or use by-compute.")
    if noise == "column" and (prepared.law.response != "loss" or not prepared.law.log_response):
        raise BadInput(f"noise is 'column', but loss_se is of the loss and {prepared.law.name} is no law of its log.")
    given, weight_M = prepared, np.asarray(prepared.problem.w_SM[0])
    theta_P = certify(prepared.problem, prepared.held, prepared.start_P).basins_BP[0]
    said = ""
    for _ in range(ROUNDS):
        fitted = Fitted(given, theta_P, theta_P[None])
        variance_M, said = _by_column(fitted) if noise == "column" else variance_by_compute(fitted, always=True)
        new_M = 1 / np.clip(variance_M, variance_M.max() / MOST, None)
        new_M /= new_M.mean()
        moved = float(np.abs(new_M / weight_M - 1).max())
        weight_M = new_M
        prepared = replace(given, problem=replace(given.problem, w_SM=weight_M[None]))
        theta_P = minimise(prepared.problem, theta_P[None], held=prepared.held).theta_SP[0]
        if moved < STILL:
            break
    return prepared, (f"Runs weighed by the inverse variance: {said}.",)


def _by_column(fitted: Fitted) -> tuple[Array, str]:
    """The evaluation's variance plus what it does not explain."""
    from scipy.optimize import brentq

    table = fitted.prepared.table
    own_M = (table["loss_se"] / table["loss"]).to_numpy(dtype=np.float64) ** 2
    square_M = fitted.residual_M**2 * fitted.weight_M
    free = max(fitted.free, 1)

    def excess(extra: float) -> float:
        return float((square_M / (own_M + extra)).sum() - free)

    floor, top = 1e-6 * float(square_M.mean()) + 1e-18, float(square_M.sum()) / free + 1e-18
    extra = brentq(excess, floor, top) if excess(floor) > 0 and excess(top) < 0 else floor
    words = f"loss_se ({100 * np.sqrt(own_M).mean():.2g}% on average) and {100 * np.sqrt(extra):.2g}% that all share"
    return (own_M + extra) / fitted.weight_M, words


def compute_of(fitted: Fitted) -> Array | None:
    """ln C of each run, N·D standing in for it; None where neither is known."""
    table, columns = fitted.prepared.table, fitted.prepared.columns
    if "c" in table and table["c"].notna().all():
        return np.log(table["c"].to_numpy(dtype=np.float64))
    if "n" in columns and "d" in columns:
        return np.log(columns["n"].astype(np.float64) * columns["d"].astype(np.float64))
    return None


def variance_by_compute(fitted: Fitted, always: bool = False) -> tuple[Array, str]:
    """Variance of each run: constant unless residuals show, or `always` supposes, that it goes with compute."""
    weight_M = fitted.weight_M
    square_M = fitted.miss_M**2 * weight_M
    level = float(square_M.sum()) / max(fitted.free, 1)
    ln_c_M = compute_of(fitted)
    if ln_c_M is None or np.ptp(ln_c_M) == 0 or len(square_M) < FEWEST or level <= 0:
        return level / weight_M, "of one variance"
    x_M = ln_c_M - ln_c_M.mean()
    if not always and trend_of_variance(square_M, x_M) >= REJECT:
        return level / weight_M, "of one variance"
    slope = gamma_slope(square_M, x_M, level)
    shape_M = np.exp(slope * x_M)
    shape_M *= float((square_M / shape_M).sum()) / max(fitted.free, 1)
    return shape_M / weight_M, f"with a variance that goes as C^{slope:.2f}"


def trend_of_variance(square_M: Array, x_M: Array) -> float:
    """p of Breusch and Pagan's test (1979) in Koenker's form (1981): squared residuals regressed on ln C."""
    from scipy.special import chdtrc

    r = np.corrcoef(square_M, x_M)[0, 1]
    return float(chdtrc(1, len(square_M) * r * r))


def gamma_slope(square_M: Array, x_M: Array, level: float) -> float:
    """g₁ of ln var = g₀ + g₁ x by a gamma regression of the squares, each lifted to what a 1%-quantile would be."""
    import statsmodels.api as sm

    lifted_M = np.maximum(square_M, 1.6e-4 * level)
    design = sm.add_constant(pd.Series(x_M, name="ln_c"))
    found = sm.GLM(lifted_M, design, family=sm.families.Gamma(sm.families.links.Log())).fit()
    return float(found.params["ln_c"])
