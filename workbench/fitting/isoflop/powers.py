"""The exact section of a Chinchilla surface at one budget, its exponents and its floor shared by all budgets.

Putting D = C/(k N) into L = E + A/N^α + B/D^β (Hoffmann et al. 2022, 2203.15556, eq. 10) gives at each C

    L = E + p e^(−α z) + q e^(β z),  z = ln N − centre;  z_opt = ln(α p / β q)/(α + β)

with p and q of the budget's own, so that nothing is said of how the minima move with C: that is for the power laws
through them to find. Where C = k N^(1+κ) D the section is the same, with β(1+κ) in place of β. Given α and β all else
is linear, so the sum of squares is a function of two variables (variable projection, Golub & Pereyra 1973): a grid
finds its basin for every row of responses, Gauss–Newton with Kaufman's derivative and Levenberg's damping the bottom.
"""

from dataclasses import dataclass

import numpy as np

from workbench.fitting.isoflop.budgets import Sections
from workbench.fitting.laws.base import Array

BOUNDS = (0.02, 3.0)
"""Least and largest α and β. Published ones lie between 0.07 and 0.6, those of tiny models go up to 2."""

GRID = np.geomspace(0.05, 2.0, 9)
"""Starts of α and of β."""

CHUNK = 200_000
"""Entries of the arrays of one batch of rows: what a processor keeps near."""

ARRIVED = 1e-6
"""A step of ln α and ln β below this ends the descent."""

STEPS = 60
"""Most Gauss–Newton steps; a well-determined row takes 5 to 10."""


@dataclass(frozen=True)
class TwoPowers:
    """L = E + p e^(−α z) + q e^(β z). A curve is the numbers E, p, q, α, β."""

    words: str
    window: float = np.inf
    """The section is exact at any distance from the minimum."""

    def count(self, sections: Sections) -> int:
        """E, α and β, and p and q of each budget."""
        return 3 + 2 * len(sections.centre_B)

    def solve(self, sections: Sections, y_SM: Array) -> Array:
        """Least squares of L/L̄ − L̂/L̄, which is ln L − ln L̂ to first order; L̄ is the rows' mean of each point."""
        centre_M = y_SM.mean(axis=0)
        problem = _Problem(sections, np.exp(-centre_M))
        step = max(1, CHUNK // len(centre_M))
        chunks = [problem.solve(np.exp(y_SM[i : i + step] - centre_M)) for i in range(0, len(y_SM), step)]
        return np.concatenate(chunks)

    def ln_loss(self, curve_XK: Array, z_X: Array) -> Array:
        """ln of the sum; NaN where it is not positive."""
        floor, p, q, alpha, beta = np.moveaxis(curve_XK, -1, 0)
        total = floor + p * np.exp(-alpha * z_X) + q * np.exp(beta * z_X)
        return np.log(np.where(total > 0, total, np.nan))

    def lowest(self, curve_XK: Array) -> tuple[Array, Array]:
        """Where α p e^(−α z) = β q e^(β z): a minimum where p and q are positive."""
        _, p, q, alpha, beta = np.moveaxis(curve_XK, -1, 0)
        bowl = (p > 0) & (q > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(bowl, np.log((alpha * p) / (beta * q)) / (alpha + beta), np.nan)
        bend = alpha * (alpha + beta) * p * np.exp(-alpha * z)
        return z, bend / np.exp(self.ln_loss(curve_XK, z))

    def shared(self, curve_K: Array) -> dict[str, float]:
        """The floor and the exponents."""
        return dict(zip(("E", "alpha", "beta"), curve_K[[0, 3, 4]].tolist(), strict=True))


@dataclass(frozen=True)
class _Part:
    """Responses at given exponents: the best E, p and q, what they leave, and how that moves with ln α and ln β."""

    e_S: Array
    p_SB: Array
    q_SB: Array
    rest_SM: Array
    slope_2SM: Array


@dataclass(frozen=True)
class _Problem:
    """L/L̄ = w (E + p e^(−α z) + q e^(β z)) with w = 1/L̄, for many rows of L/L̄."""

    sections: Sections
    weight_M: Array

    def columns(self, theta_S2: Array) -> tuple[Array, Array]:
        """w e^(−α z) and w e^(β z)."""
        alpha_S1, beta_S1 = np.exp(theta_S2[:, :1]), np.exp(theta_S2[:, 1:])
        z_M = self.sections.z_M
        return self.weight_M * np.exp(-alpha_S1 * z_M), self.weight_M * np.exp(beta_S1 * z_M)

    def project(self, theta_S2: Array, r_SM: Array) -> _Part:
        """The linear part. E is no less than zero, being an entropy."""
        member_MB, budget_M, w_M = self.sections.member_MB, self.sections.budget_M, self.weight_M
        a_SM, b_SM = self.columns(theta_S2)
        aa_SB, ab_SB, bb_SB = (a_SM**2) @ member_MB, (a_SM * b_SM) @ member_MB, (b_SM**2) @ member_MB
        det_SB = aa_SB * bb_SB - ab_SB**2

        def split(v_SM: Array) -> tuple[Array, Array, Array]:
            """p, q and what they leave of v, budget by budget."""
            av_SB, bv_SB = (a_SM * v_SM) @ member_MB, (b_SM * v_SM) @ member_MB
            p_SB = (bb_SB * av_SB - ab_SB * bv_SB) / det_SB
            q_SB = (aa_SB * bv_SB - ab_SB * av_SB) / det_SB
            return p_SB, q_SB, v_SM - a_SM * p_SB[:, budget_M] - b_SM * q_SB[:, budget_M]

        p1_SB, q1_SB, one_SM = split(np.broadcast_to(w_M, a_SM.shape))
        size_S = (one_SM**2).sum(axis=1)
        p_SB, q_SB, rest_SM = split(r_SM)
        e_S = np.maximum((one_SM * rest_SM).sum(axis=1) / size_S, 0)
        p_SB, q_SB = p_SB - e_S[:, None] * p1_SB, q_SB - e_S[:, None] * q1_SB
        # Kaufman's derivative: how the columns move, less what E, p and q make up for.
        held_S = (e_S > 0) / size_S
        slopes = []
        for k, moved_SM in ((0, a_SM * p_SB[:, budget_M]), (1, -b_SM * q_SB[:, budget_M])):
            left_SM = split(np.exp(theta_S2[:, k : k + 1]) * self.sections.z_M * moved_SM)[2]
            slopes.append(left_SM - ((one_SM * left_SM).sum(axis=1) * held_S)[:, None] * one_SM)
        return _Part(e_S, p_SB, q_SB, rest_SM - e_S[:, None] * one_SM, np.stack(slopes))

    def starts(self, r_SM: Array) -> Array:
        """ln α and ln β of the grid's lowest sum of squares, for each row."""
        grid_G2 = np.log(np.stack(np.meshgrid(GRID, GRID, indexing="ij"), axis=-1).reshape(-1, 2))
        member_MB = self.sections.member_MB
        caught_SG = np.empty((len(r_SM), len(grid_G2)))
        for g, (a_M, b_M) in enumerate(zip(*self.columns(grid_G2), strict=True)):
            design_MP = np.column_stack([a_M[:, None] * member_MB, b_M[:, None] * member_MB, self.weight_M])
            caught_SG[:, g] = ((r_SM @ np.linalg.qr(design_MP)[0]) ** 2).sum(axis=1)
        return grid_G2[caught_SG.argmax(axis=1)]

    def solve(self, r_SM: Array) -> Array:
        """The curves of each row, (S, B, 5)."""
        theta_S2 = self.descend(self.starts(r_SM), r_SM)
        part = self.project(theta_S2, r_SM)
        shared = (np.broadcast_to(x_S[:, None], part.p_SB.shape) for x_S in (part.e_S, *np.exp(theta_S2).T))
        floor_SB, alpha_SB, beta_SB = shared
        return np.stack([floor_SB, part.p_SB, part.q_SB, alpha_SB, beta_SB], axis=-1)

    def descend(self, theta_S2: Array, r_SM: Array) -> Array:
        """Damped Gauss–Newton from each row's start; rows leave the batch as they arrive."""
        low, high = np.log(BOUNDS)
        theta_S2, active, damping_A = theta_S2.copy(), np.arange(len(theta_S2)), np.full(len(theta_S2), 1e-3)
        part = self.project(theta_S2, r_SM)
        rest_AM, slope_2AM = part.rest_SM, part.slope_2SM
        for _ in range(STEPS):
            here_A2 = theta_S2[active]
            tried_A2 = np.clip(here_A2 + _step(rest_AM, slope_2AM, damping_A, here_A2), low, high)
            trial = self.project(tried_A2, r_SM[active])
            better_A = (trial.rest_SM**2).sum(axis=1) <= (rest_AM**2).sum(axis=1)
            theta_S2[active[better_A]] = tried_A2[better_A]
            damping_A = np.where(better_A, damping_A / 5, damping_A * 8)
            going = (np.abs(tried_A2 - here_A2).max(axis=1) > ARRIVED) & (damping_A < 1e8)
            if not going.any():
                break
            rest_AM = np.where(better_A[:, None], trial.rest_SM, rest_AM)[going]
            slope_2AM = np.where(better_A[:, None], trial.slope_2SM, slope_2AM)[:, going]
            active, damping_A = active[going], damping_A[going]
        return theta_S2


def _step(rest_AM: Array, slope_2AM: Array, damping_A: Array, here_A2: Array) -> Array:
    """Levenberg's step in ln α and ln β; an exponent at a bound with a pull outwards stays."""
    low, high = np.log(BOUNDS)
    g_2A = (slope_2AM * rest_AM).sum(axis=2)
    stay_2A = ((low >= here_A2.T) & (g_2A > 0)) | ((high <= here_A2.T) & (g_2A < 0))
    g0, g1 = np.where(stay_2A, 0, g_2A)
    h01 = np.where(stay_2A.any(axis=0), 0, (slope_2AM[0] * slope_2AM[1]).sum(axis=1))
    h00, h11 = (slope_2AM**2).sum(axis=2) * (1 + damping_A) + 1e-300
    det = h00 * h11 - h01**2
    step_A2 = -np.column_stack([(h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det])
    return np.clip(step_A2, -1.5, 1.5)
