"""Plain SciPy on the Chinchilla law, the way it is done by hand: one theta at a time, scipy.optimize.minimize.

theta is (a, b, e, α, β) with ln L̂ = LSE(a − α ln N, b − β ln D, e), and the objective the sum over points of
w · Huber_δ(ln L − ln L̂), δ = 1e-3 (Hoffmann et al. 2022, arXiv 2203.15556, eq. 3).
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy.optimize import minimize, nnls

from workbench.fitting.laws.base import Array

DELTA = 1e-3

HOFFMANN_GRID = (np.arange(0, 30, 5), np.arange(0, 30, 5), np.arange(-1, 1.5, 0.5), np.arange(0, 2.5, 0.5))
"""Starting values of a, b, e and of each exponent: 6 × 6 × 5 × 5 × 5 = 4,500 (Hoffmann et al., section D.3)."""


HOFFMANN_ESTIMATE = np.array([6.0073404, 6.0179186, 0.5267228, 0.33917084, 0.2849083])
"""Their published (a, b, e, α, β): where a fit by hand would start."""


@dataclass(frozen=True)
class Data:
    """Logarithms of N, D and L at M points, with weights."""

    ln_n_M: Array
    ln_d_M: Array
    y_M: Array
    w_M: Array

    @staticmethod
    def of(table: pd.DataFrame) -> "Data":
        """Every point with weight 1."""
        n_M, d_M, loss_M = (table[name].to_numpy(dtype=np.float64) for name in ("n", "d", "loss"))
        return Data(np.log(n_M), np.log(d_M), np.log(loss_M), np.ones(len(table)))

    def weighted(self, w_M: Array) -> "Data":
        """The same points with other weights."""
        return Data(self.ln_n_M, self.ln_d_M, self.y_M, w_M)


def centred(data: Data, theta_5: Array) -> tuple[Data, Array]:
    """The same problem with ln N and ln D of mean zero, and theta moved with them."""
    centre_n, centre_d = data.ln_n_M.mean(), data.ln_d_M.mean()
    a, b, e, alpha, beta = theta_5
    moved = Data(data.ln_n_M - centre_n, data.ln_d_M - centre_d, data.y_M, data.w_M)
    return moved, np.array([a - alpha * centre_n, b - beta * centre_d, e, alpha, beta])


def value(theta_5: Array, data: Data) -> float:
    """The objective."""
    logits_3M = _logits(theta_5, data)
    top_M = logits_3M.max(axis=0)
    size_M = np.abs(data.y_M - top_M - np.log(np.exp(logits_3M - top_M).sum(axis=0)))
    inside_M = np.minimum(size_M, DELTA)
    return float(data.w_M @ (inside_M * (size_M - 0.5 * inside_M)))


def value_and_gradient(theta_5: Array, data: Data) -> tuple[float, Array]:
    """The objective and its analytic gradient."""
    logits_3M = _logits(theta_5, data)
    top_M = logits_3M.max(axis=0)
    share_3M = np.exp(logits_3M - top_M)
    total_M = share_3M.sum(axis=0)
    share_3M /= total_M
    r_M = data.y_M - top_M - np.log(total_M)
    pull_M = np.minimum(np.maximum(r_M, -DELTA), DELTA)
    v_3M = share_3M * (data.w_M * pull_M)
    g_a, g_b, g_e = v_3M.sum(axis=1)
    gradient_5 = np.array([-g_a, -g_b, -g_e, v_3M[0] @ data.ln_n_M, v_3M[1] @ data.ln_d_M])
    return float(data.w_M @ (pull_M * (r_M - 0.5 * pull_M))), gradient_5


def _logits(theta_5: Array, data: Data) -> Array:
    a, b, e, alpha, beta = theta_5
    return np.stack([a - alpha * data.ln_n_M, b - beta * data.ln_d_M, np.full(len(data.y_M), e)])


def values_of(params_S5: Array, data: Data, w_SM: Array | None = None) -> Array:
    """The objective at (E, A, B, α, β) in the table's units, by the formula as printed, a row at a time."""
    out_S = np.empty(len(params_S5))
    for s, (e, a, b, alpha, beta) in enumerate(params_S5):
        loss_M = e + a * np.exp(-alpha * data.ln_n_M) + b * np.exp(-beta * data.ln_d_M)
        size_M = np.abs(data.y_M - np.log(loss_M))
        rho_M = np.where(size_M <= DELTA, 0.5 * size_M**2, DELTA * (size_M - 0.5 * DELTA))
        out_S[s] = (data.w_M if w_SM is None else w_SM[s]) @ rho_M
    return out_S


def params_of(theta_5: Array) -> Array:
    """theta → (E, A, B, α, β)."""
    a, b, e, alpha, beta = theta_5
    return np.array([np.exp(e), np.exp(a), np.exp(b), alpha, beta])


def hoffmann_starts() -> Array:
    """The 4,500 starts, as (a, b, e, α, β)."""
    a, b, e, exponent = HOFFMANN_GRID
    return np.array(list(product(a, b, e, exponent, exponent)), dtype=np.float64)


def hoffmann(data: Data, starts_S5: Array) -> tuple[Array, Array]:
    """L-BFGS-B with SciPy's finite differences and default tolerances from every start: thetas and values."""
    results = [minimize(value, start_5, args=(data,), method="L-BFGS-B") for start_5 in starts_S5]
    return np.array([result.x for result in results]), np.array([result.fun for result in results])


def one_start(theta_5: Array, data: Data) -> tuple[Array, float]:
    """BFGS with the analytic gradient from one start, default tolerances."""
    result = minimize(value_and_gradient, theta_5, args=(data,), jac=True, method="BFGS")
    return np.asarray(result.x), float(result.fun)


def converged(data: Data, start_5: Array) -> float:
    """Multi-start BFGS carried to convergence: the lowest objective it finds.

    Starts: `start_5`, and a 4 × 4 grid of exponents with the amplitudes that non-negative least squares gives on L.
    Data are centred and the objective multiplied by 1/δ, without which BFGS stops early. The three lowest ends are
    restarted until a restart gains less than 1e-13 of the objective.
    """
    data, moved_5 = centred(data, start_5)
    starts = [moved_5]
    root_M, loss_M = np.sqrt(data.w_M), np.exp(data.y_M)
    for alpha, beta in product((0.15, 0.35, 0.6, 1.0), repeat=2):
        basis_M3 = np.column_stack([np.exp(-alpha * data.ln_n_M), np.exp(-beta * data.ln_d_M), np.ones(len(loss_M))])
        linear_3, _ = nnls(basis_M3 * root_M[:, None], loss_M * root_M)
        starts.append(np.array([*np.log(np.maximum(linear_3, 1e-3)), alpha, beta]))
    ends = sorted((_scaled_bfgs(start, data) for start in starts), key=lambda end: end[1])[:3]
    return min(_restarted(theta_5, lowest, data) for theta_5, lowest in ends)


def _restarted(theta_5: Array, lowest: float, data: Data) -> float:
    for _ in range(30):
        theta_5, found = _scaled_bfgs(theta_5, data)
        if found >= lowest * (1 - 1e-13):
            return min(found, lowest)
        lowest = found
    return lowest


def _scaled_bfgs(theta_5: Array, data: Data) -> tuple[Array, float]:
    def scaled(theta: Array) -> tuple[float, Array]:
        found, gradient_5 = value_and_gradient(theta, data)
        return found / DELTA, gradient_5 / DELTA

    result = minimize(scaled, theta_5, jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 1000})
    return np.asarray(result.x), float(result.fun) * DELTA
