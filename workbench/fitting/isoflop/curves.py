"""The shapes a curve of loss against size may take at one budget of compute, and where each has its minimum.

    parabola    ln L = q0 + q1 z + q2 z²,  z = ln N − centre             Hoffmann et al. 2022 (2203.15556), section 3.2
    cubic       ln L = q0 + q1 z + q2 z² + q3 z³                         Czech et al. 2026 (2603.22339)
    two-powers  L = E + p e^(−α z) + q e^(β z), E, α, β shared           the section of L(N, D) at fixed C, see
                                                                         `isoflop_powers`

A shape solves all budgets of many rows of responses at once. Legend: S rows of responses, B budgets, M points of all
budgets one after another, K numbers of one curve.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workbench.fitting.isoflop.budgets import Sections
from workbench.fitting.isoflop.powers import TwoPowers
from workbench.fitting.laws.base import Array


class Shape(Protocol):
    """One shape of the curves: a new one is a class with these, and its name in `SHAPES`."""

    @property
    def words(self) -> str:
        """What the curves are, in the plural."""

    @property
    def window(self) -> float:
        """Sizes further than this factor from the best are left out where four remain."""

    def count(self, sections: Sections) -> int:
        """How many numbers the curves have in all."""

    def solve(self, sections: Sections, y_SM: Array) -> Array:
        """The curves of each row of responses y = ln L, (S, B, K)."""

    def ln_loss(self, curve_XK: Array, z_X: Array) -> Array:
        """ln L on curves at z."""

    def lowest(self, curve_XK: Array) -> tuple[Array, Array]:
        """z of each curve's minimum and the curvature d²ln L/dz² there; NaN where it has none."""

    def shared(self, curve_K: Array) -> dict[str, float]:
        """What all budgets share."""


@dataclass(frozen=True)
class Polynomial:
    """ln L as a polynomial in ln N, each budget for itself."""

    degree: int
    words: str
    window: float = 8.0
    """A polynomial is a local picture."""

    def _design(self, z_M: Array, sizes: int) -> Array:
        """Columns 1, z, z² and so on, no more than there are sizes."""
        return z_M[:, None] ** np.arange(min(self.degree + 1, sizes))

    def count(self, sections: Sections) -> int:
        """The coefficients of every budget."""
        return int(np.minimum(self.degree + 1, sections.sizes_B).sum())

    def solve(self, sections: Sections, y_SM: Array) -> Array:
        """Least squares."""
        curve_SBK = np.zeros((len(y_SM), len(sections.centre_B), self.degree + 1))
        for b, sizes in enumerate(sections.sizes_B):
            here = sections.budget_M == b
            design_MK = self._design(sections.z_M[here], int(sizes))
            curve_SBK[:, b, : design_MK.shape[1]] = y_SM[:, here] @ np.linalg.pinv(design_MK).T
        return curve_SBK

    def ln_loss(self, curve_XK: Array, z_X: Array) -> Array:
        """q0 + q1 z + q2 z² + …, by Horner's rule."""
        total = curve_XK[..., -1]
        for k in range(self.degree - 1, -1, -1):
            total = total * z_X + curve_XK[..., k]
        return total

    def lowest(self, curve_XK: Array) -> tuple[Array, Array]:
        """The root of the derivative where it rises: −q1/(q2 + √(q2² − 3 q1 q3)), which is −q1/(2 q2) for q3 = 0."""
        q1, q2 = curve_XK[..., 1], curve_XK[..., 2]
        q3 = curve_XK[..., 3] if self.degree > 2 else np.zeros_like(q2)
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.where(q3 == 0, q2, np.sqrt(q2**2 - 3 * q1 * q3))
            z = np.where(root > 0, -q1 / (q2 + root), np.nan)
        return z, 2 * root

    def shared(self, curve_K: Array) -> dict[str, float]:  # noqa: ARG002  (budgets share nothing)
        """Nothing."""
        return {}


SHAPES: dict[str, Shape] = {
    "two-powers": TwoPowers("sums of two powers of N whose exponents and floor all budgets share"),
    "parabola": Polynomial(2, "parabolas of ln L in ln N"),
    "cubic": Polynomial(3, "cubics of ln L in ln N"),
}
"""Every shape, by name."""
