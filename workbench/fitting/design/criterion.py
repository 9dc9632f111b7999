"""The criterion of a design, and the two searches that lower it: a certified continuous one, and one of whole runs.

Runs k_i ≥ 0 of candidate i add information to what the fit has, and the criterion is the mean over draws of theta of
the logarithm of the target's variance (Chaloner & Larntz 1989: a design must not trust one theta):

    M_s(k) = M0_s + Σ_i k_i J_si J_siᵀ / σ_i²,    Φ(k) = mean_s ln v_s,   v_s = Σ_t c_stᵀ M_s⁻¹ c_st

1/v is concave in M (Pukelsheim 2006, "Optimal Design of Experiments", chapter 3), so Φ is convex in k: for any k

    Φ(k) − Φ* ≤ max_{w} Σ_i g_i w_i − Σ_i g_i k_i,      g_i = −∂Φ/∂k_i = mean_s Σ_t (J_siᵀ M_s⁻¹ c_st)² / (σ_i² v_s)

over all w that the budget allows, which is the general equivalence theorem (Whittle 1973) with costs. The continuous
search is column generation on that bound: its linear program prices candidates in, SLSQP spends the budget on the ones
so far, and the gap that is left is the certificate. The whole runs are then rounded, filled up and exchanged.

    S  draws of theta    M  candidates    T  numbers of the target    P  entries of theta
"""

from dataclasses import dataclass

import numpy as np

from workbench.fitting.laws.base import Array

GAP = 1e-4
"""The continuous search ends when no design can lower the variance by more than this share."""

ROUNDS = 60
"""Columns are priced in this often at most; 5 to 15 times is usual."""


@dataclass(frozen=True)
class Criterion:
    """Φ and its derivatives. `j_SMP` are rows of the jacobian over σ: one run of the candidate adds j jᵀ."""

    m0_SPP: Array
    j_SMP: Array
    c_STP: Array

    def information(self, runs_M: Array) -> Array:
        """M_s of a design."""
        used = np.flatnonzero(runs_M)
        part = self.j_SMP[:, used]
        return np.asarray(self.m0_SPP + np.einsum("smp,m,smq->spq", part, runs_M[used], part))

    def variances(self, runs_M: Array) -> Array:
        """v_S."""
        m_SPP = self.information(runs_M)
        return np.asarray(np.einsum("stp,spt->s", self.c_STP, _solve(m_SPP, np.swapaxes(self.c_STP, 1, 2))))

    def value(self, runs_M: Array) -> float:
        """Φ."""
        return float(np.log(self.variances(runs_M)).mean())

    def derivative(self, runs_M: Array) -> tuple[float, Array]:
        """Φ and g_M."""
        x_SPT = _solve(self.information(runs_M), np.swapaxes(self.c_STP, 1, 2))
        v_S = np.einsum("stp,spt->s", self.c_STP, x_SPT)
        pull_SM = ((self.j_SMP @ x_SPT) ** 2).sum(axis=2)
        return float(np.log(v_S).mean()), np.asarray((pull_SM / v_S[:, None]).mean(axis=0))

    def gains(self, runs_M: Array) -> Array:
        """By how much one run more of each candidate lowers Φ: exact, by the update of an inverse of rank one."""
        m_SPP = self.information(runs_M)
        x_SPT = _solve(m_SPP, np.swapaxes(self.c_STP, 1, 2))
        v_S = np.einsum("stp,spt->s", self.c_STP, x_SPT)
        pull_SM = ((self.j_SMP @ x_SPT) ** 2).sum(axis=2)
        own_SM = np.einsum("smp,spm->sm", self.j_SMP, _solve(m_SPP, np.swapaxes(self.j_SMP, 1, 2)))
        left_SM = 1 - pull_SM / (1 + own_SM) / v_S[:, None]
        return np.asarray(-np.log(np.maximum(left_SM, 1e-300)).mean(axis=0))

    def part(self, columns: np.ndarray) -> "Criterion":
        """The same of some candidates only."""
        return Criterion(self.m0_SPP, self.j_SMP[:, columns], self.c_STP)


def _solve(m_SPP: Array, right_SPT: Array) -> Array:
    """M⁻¹ right, scaled to a unit diagonal so that entries of theta may be of any size."""
    root_SP = 1 / np.sqrt(np.maximum(np.einsum("spp->sp", m_SPP), 1e-300))
    scaled = m_SPP * root_SP[:, :, None] * root_SP[:, None, :] + 1e-13 * np.eye(m_SPP.shape[1])
    return np.asarray(np.linalg.solve(scaled, right_SPT * root_SP[:, :, None]) * root_SP[:, :, None])


@dataclass(frozen=True)
class Limits:
    """What a design may use: FLOPs in all and a number of runs, at `cost_M` FLOPs a run."""

    cost_M: Array
    flops: float
    runs: int

    @property
    def use_2M(self) -> Array:
        """The share of each limit that one run takes."""
        return np.stack([self.cost_M / self.flops, np.full(len(self.cost_M), 1 / self.runs)])

    def room(self, runs_M: Array) -> np.ndarray:
        """Which candidates still fit, once each, beside `runs_M`."""
        left_2 = 1 - self.use_2M @ runs_M
        return np.asarray((self.use_2M <= left_2[:, None] * (1 + 1e-9) + 1e-12).all(axis=0))


def continuous(criterion: Criterion, limits: Limits) -> tuple[Array, float, Array]:
    """The best design of fractions of runs, a lower bound of Φ for any design, and the prices of the two limits."""
    use_2M = limits.use_2M
    runs_M = np.zeros(use_2M.shape[1])
    columns: list[int] = []
    bound = -np.inf
    prices_2 = np.ones(2)
    for _ in range(ROUNDS):
        value, g_M = criterion.derivative(runs_M)
        best_M, prices_2 = _most(g_M, use_2M)
        gap = float(g_M @ (best_M - runs_M))
        bound = max(bound, value - gap)
        if value - bound < GAP:
            break
        fresh = [int(i) for i in np.flatnonzero(best_M) if i not in columns]
        columns = [i for i in columns if runs_M[i] > 0] + fresh
        runs_M = _spend(criterion, use_2M, columns, runs_M, best_M)
    return runs_M, bound, prices_2


def _most(g_M: Array, use_2M: Array) -> tuple[Array, Array]:
    """The linear program max g·w under use·w ≤ 1, w ≥ 0: its solution and the prices of its limits."""
    from scipy.optimize import linprog

    found = linprog(-g_M / g_M.max(), A_ub=use_2M, b_ub=np.ones(2), bounds=(0, None), method="highs")
    return np.asarray(found.x), -np.asarray(found.ineqlin.marginals) * g_M.max()


def _spend(criterion: Criterion, use_2M: Array, columns: list[int], runs_M: Array, toward_M: Array) -> Array:
    """The best design over `columns` alone, in units of the run that exhausts a limit."""
    from scipy.optimize import Bounds, LinearConstraint, minimize

    unit = 1 / use_2M[:, columns].max(axis=0)
    part = criterion.part(np.array(columns))
    share_2K = use_2M[:, columns] * unit

    def objective(w_K: Array) -> tuple[float, Array]:
        value, g_K = part.derivative(np.maximum(w_K, 0) * unit)
        return value, -g_K * unit

    found = minimize(
        objective,
        # Halfway to the linear program's answer every column has something to lose.
        0.5 * (runs_M + toward_M)[columns] / unit,
        jac=True,
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(share_2K, ub=1),
        method="SLSQP",
        options={"ftol": 1e-9, "maxiter": 200},
    )
    w_K = np.where(found.x < 1e-7, 0.0, found.x)
    w_K = w_K / max(1.0, float((share_2K @ w_K).max()))
    out = np.zeros(len(runs_M))
    out[columns] = w_K * unit
    return out


def whole(criterion: Criterion, limits: Limits, ideal_M: Array, prices_2: Array) -> Array:
    """Whole runs: from the ideal rounded down, and from nothing; each filled up and exchanged; the better one."""
    price_M = np.maximum(prices_2 @ limits.use_2M, 1e-12 * prices_2.max())
    found = [
        _exchanged(criterion, limits, _filled(criterion, limits, start, price_M), price_M)
        for start in (np.floor(ideal_M + 1e-6), np.zeros_like(ideal_M))
    ]
    return min(found, key=criterion.value)


def _filled(criterion: Criterion, limits: Limits, runs_M: Array, price_M: Array) -> Array:
    """Add the run with the largest gain for its price until none fits."""
    runs_M = runs_M.copy()
    while (fits := limits.room(runs_M)).any():
        gain_M = np.where(fits, criterion.gains(runs_M) / price_M, -np.inf)
        runs_M[int(np.argmax(gain_M))] += 1
    return runs_M


def _exchanged(criterion: Criterion, limits: Limits, runs_M: Array, price_M: Array) -> Array:
    """Take one run out and the best that fits in, while that lowers Φ."""
    value = criterion.value(runs_M)
    for _ in range(100):
        trials = []
        for out in np.flatnonzero(runs_M):
            fewer_M = runs_M.copy()
            fewer_M[out] -= 1
            gain_M = np.where(limits.room(fewer_M), criterion.gains(fewer_M), -np.inf)
            fewer_M[int(np.argmax(gain_M))] += 1
            trials.append(_filled(criterion, limits, fewer_M, price_M))
        if not trials:
            break
        best = min(trials, key=criterion.value)
        if criterion.value(best) > value - 1e-7:
            break
        runs_M, value = best, criterion.value(best)
    return runs_M
