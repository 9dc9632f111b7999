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

from workbench.fitting.isoflop_budgets import Sections
from workbench.fitting.laws.base import Array

BOUNDS = (0.02, 3.0)
"""Least and largest α and β. Published ones lie between 0.07 and 0.6, those of tiny models go up to 2."""

GRID = np.geomspace(0.05, 2.0, 9)
"""Starts of α and of β."""

CHUNK = 4_000_000
"""Entries of the largest array made at once."""

STEPS = 60
"""Most Gauss–Newton steps; a well-determined row takes 5 to 8."""


@dataclass(frozen=True)
class TwoPowers:
    """L = E + p e^(−α z) + q e^(β z). A curve is the numbers E, p, q, α, β."""

    words: str
    shared_floor: bool = True
    """Whether E is one number for all budgets, as in L(N, D), or each budget's own."""
    window: float = np.inf
    """The section is exact at any distance from the minimum."""

    def count(self, sections: Sections) -> int:
        """α, β, the floors, and p and q of each budget."""
        many = len(sections.centre_B)
        return 2 + 2 * many + (1 if self.shared_floor else many)

    def solve(self, sections: Sections, y_SM: Array) -> Array:
        """Least squares of L/L̄ − L̂/L̄, which is ln L − ln L̂ to first order; L̄ is the rows' mean of each point."""
        centre_M = y_SM.mean(axis=0)
        problem = _Problem(sections, np.exp(-centre_M), self.shared_floor)
        step = max(1, CHUNK // (12 * len(centre_M)))
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
        """The exponents, and the floor where it is shared."""
        names = ("E", "alpha", "beta") if self.shared_floor else ("alpha", "beta")
        return dict(zip(names, curve_K[[0, 3, 4] if self.shared_floor else [3, 4]].tolist(), strict=True))


@dataclass(frozen=True)
class _Projected:
    """Responses less their best linear part."""

    rest_SM: Array
    floor_SB: Array
    p_SB: Array
    q_SB: Array
    slopes: tuple[Array, Array] | None = None
    """The derivatives of `rest_SM` by ln α and ln β, after Kaufman, where asked for."""


@dataclass(frozen=True)
class _Problem:
    """Sections with the weight of each point."""

    sections: Sections
    weight_M: Array
    shared_floor: bool

    def columns(self, theta_S2: Array) -> tuple[Array, Array]:
        """w e^(−α z) and w e^(β z)."""
        alpha_S1, beta_S1 = np.exp(theta_S2[:, :1]), np.exp(theta_S2[:, 1:])
        z_M = self.sections.z_M
        return self.weight_M * np.exp(-alpha_S1 * z_M), self.weight_M * np.exp(beta_S1 * z_M)

    def project(self, theta_S2: Array, r_SM: Array, floor: bool = True, slopes: bool = False) -> _Projected:
        """The best E, p and q at given exponents. A shared floor is no less than zero: the loss is an entropy."""
        member_MB, budget_M, w_M = self.sections.member_MB, self.sections.budget_M, self.weight_M
        a_SM, b_SM = self.columns(theta_S2)
        own = floor and not self.shared_floor
        ww_B = (w_M**2) @ member_MB
        raw = (a_SM, b_SM)

        def level(v_SM: Array) -> Array:
            """The multiple of w in each budget of v."""
            return (w_M * v_SM) @ member_MB / ww_B

        if own:
            a_SM, b_SM = (v_SM - w_M * level(v_SM)[:, budget_M] for v_SM in raw)
        aa_SB, ab_SB, bb_SB = ((u * v) @ member_MB for u, v in ((a_SM, a_SM), (a_SM, b_SM), (b_SM, b_SM)))
        det_SB = aa_SB * bb_SB - ab_SB**2

        def parts(v_SM: Array) -> tuple[Array, Array, Array]:
            """p, q and what they leave of v."""
            av_SB, bv_SB = (a_SM * v_SM) @ member_MB, (b_SM * v_SM) @ member_MB
            p_SB = (bb_SB * av_SB - ab_SB * bv_SB) / det_SB
            q_SB = (aa_SB * bv_SB - ab_SB * av_SB) / det_SB
            left_SM = v_SM - (w_M * level(v_SM)[:, budget_M] if own else 0)
            return p_SB, q_SB, left_SM - a_SM * p_SB[:, budget_M] - b_SM * q_SB[:, budget_M]

        p_SB, q_SB, rest_SM = parts(r_SM)
        floor_SB = np.zeros_like(p_SB)
        one_SM, size_S = w_M, np.ones(len(r_SM))
        if own:
            floor_SB = level(r_SM - raw[0] * p_SB[:, budget_M] - raw[1] * q_SB[:, budget_M])
        elif floor:
            p1_SB, q1_SB, one_SM = parts(np.broadcast_to(w_M, a_SM.shape))
            size_S = (one_SM**2).sum(axis=1)
            e_S = np.maximum((one_SM * rest_SM).sum(axis=1) / size_S, 0)
            floor_SB = floor_SB + e_S[:, None]
            p_SB, q_SB = p_SB - e_S[:, None] * p1_SB, q_SB - e_S[:, None] * q1_SB
            rest_SM = rest_SM - e_S[:, None] * one_SM
        if not slopes:
            return _Projected(rest_SM, floor_SB, p_SB, q_SB)
        found = []
        for sign, column_SM, c_SB, k in ((1, raw[0], p_SB, 0), (-1, raw[1], q_SB, 1)):
            pull_SM = sign * np.exp(theta_S2[:, k : k + 1]) * self.sections.z_M * column_SM * c_SB[:, budget_M]
            left_SM = parts(pull_SM)[2]
            if floor and not own:
                held_S = np.where(floor_SB[:, 0] > 0, (one_SM * left_SM).sum(axis=1) / size_S, 0)
                left_SM = left_SM - held_S[:, None] * one_SM
            found.append(left_SM)
        return _Projected(rest_SM, floor_SB, p_SB, q_SB, (found[0], found[1]))

    def starts(self, r_SM: Array) -> Array:
        """ln α and ln β of the grid's lowest sum of squares, for each row."""
        grid_G2 = np.log(np.stack(np.meshgrid(GRID, GRID, indexing="ij"), axis=-1).reshape(-1, 2))
        a_GM, b_GM = self.columns(grid_G2)
        member_MB = self.sections.member_MB
        floor_MF = self.weight_M[:, None] * (np.ones((len(r_SM[0]), 1)) if self.shared_floor else member_MB)
        caught_SG = np.empty((len(r_SM), len(grid_G2)))
        for g, (a_M, b_M) in enumerate(zip(a_GM, b_GM, strict=True)):
            basis_MP, _ = np.linalg.qr(np.hstack([a_M[:, None] * member_MB, b_M[:, None] * member_MB, floor_MF]))
            caught_SG[:, g] = ((r_SM @ basis_MP) ** 2).sum(axis=1)
        return grid_G2[caught_SG.argmax(axis=1)]

    def solve(self, r_SM: Array) -> Array:
        """The curves of each row, (S, B, 5)."""
        theta_S2 = self.descend(self.starts(r_SM), r_SM)
        part = self.project(theta_S2, r_SM)
        exponents = np.broadcast_to(np.exp(theta_S2)[:, None, :], (*part.p_SB.shape, 2))
        return np.concatenate([np.stack([part.floor_SB, part.p_SB, part.q_SB], axis=-1), exponents], axis=-1)

    def descend(self, theta_S2: Array, r_SM: Array) -> Array:
        """Damped Gauss–Newton from each row's start; rows leave the batch as they arrive."""
        low, high = np.log(BOUNDS[0]), np.log(BOUNDS[1])
        theta_S2 = theta_S2.copy()
        damping_S = np.full(len(theta_S2), 1e-3)
        active = np.arange(len(theta_S2))
        part = self.project(theta_S2, r_SM, slopes=True)
        for _ in range(STEPS):
            here_S2, rest_SM = theta_S2[active], part.rest_SM
            assert part.slopes is not None
            j0_SM, j1_SM = part.slopes
            g0, g1 = (j0_SM * rest_SM).sum(axis=1), (j1_SM * rest_SM).sum(axis=1)
            h00, h01, h11 = ((u * v).sum(axis=1) for u, v in ((j0_SM, j0_SM), (j0_SM, j1_SM), (j1_SM, j1_SM)))
            # At a bound with a pull outwards, that exponent stays.
            stay0, stay1 = (
                ((here_S2[:, k] <= low) & (g > 0)) | ((here_S2[:, k] >= high) & (g < 0)) for k, g in ((0, g0), (1, g1))
            )
            g0, g1, h01 = np.where(stay0, 0, g0), np.where(stay1, 0, g1), np.where(stay0 | stay1, 0, h01)
            d0, d1 = (h * (1 + damping_S[active]) + 1e-300 for h in (h00, h11))
            det = d0 * d1 - h01**2
            step_S2 = -np.column_stack([(d1 * g0 - h01 * g1) / det, (d0 * g1 - h01 * g0) / det])
            tried_S2 = np.clip(here_S2 + np.clip(step_S2, -1.5, 1.5), low, high)
            trial = self.project(tried_S2, r_SM[active], slopes=True)
            before, after = (rest_SM**2).sum(axis=1), (trial.rest_SM**2).sum(axis=1)
            better = after <= before
            theta_S2[active[better]] = tried_S2[better]
            damping_S[active] = np.where(better, damping_S[active] / 5, damping_S[active] * 8)
            moved = np.abs(tried_S2 - here_S2).max(axis=1)
            going = (moved > 1e-8) & (damping_S[active] < 1e8)
            if not going.any():
                break
            part = _chosen(trial, part, better, going)
            active = active[going]
        return theta_S2


def _chosen(new: _Projected, old: _Projected, better: np.ndarray, going: np.ndarray) -> _Projected:
    """For each row that goes on, the better of two projections."""

    def pick(one: Array, other: Array) -> Array:
        return np.where(better[going, None], one[going], other[going])

    assert new.slopes is not None and old.slopes is not None
    return _Projected(
        pick(new.rest_SM, old.rest_SM),
        pick(new.floor_SB, old.floor_SB),
        pick(new.p_SB, old.p_SB),
        pick(new.q_SB, old.q_SB),
        (pick(new.slopes[0], old.slopes[0]), pick(new.slopes[1], old.slopes[1])),
    )
