"""What the solver is given: a law, an objective and the data of a batch, with residuals and their derivatives."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from workbench.fitting.laws.base import Array, Law
from workbench.fitting.solving.objectives import Objective, curvature, psi, rho


@dataclass(frozen=True)
class Penalty:
    """stiffness/2 · (g(theta) − target)², one target a row: what a profile adds to walk along g.

    `g` takes theta_SP and which function each row wants, and gives (S,) values and (S, P) gradients.
    """

    g: Callable[[Array, np.ndarray], tuple[Array, Array]]
    which_S: np.ndarray
    target_S: Array
    stiffness_S: Array

    def rows(self, index: np.ndarray) -> "Penalty":
        """The penalty of some rows only."""
        return replace(
            self, which_S=self.which_S[index], target_S=self.target_S[index], stiffness_S=self.stiffness_S[index]
        )


@dataclass(frozen=True)
class Problem:
    """The data of a batch: features x_MF, responses y and weights w, each (1, M) when shared or (S, M) when not.

    Weights of many rows may be small integers, which `rows` turns into floats a block at a time.

    `y` is the logarithm of the response where the law's `log_response` says so, centred; else the response.
    """

    law: Law
    objective: Objective
    x_MF: Array
    y_SM: Array
    w_SM: Array
    penalty: Penalty | None = None

    def rows(self, index: np.ndarray) -> "Problem":
        """The problem of some rows only."""
        y_SM = self.y_SM if len(self.y_SM) == 1 else self.y_SM[index]
        w_SM = self.w_SM if len(self.w_SM) == 1 else self.w_SM[index].astype(np.float64, copy=False)
        penalty = None if self.penalty is None else self.penalty.rows(index)
        return Problem(self.law, self.objective, self.x_MF, y_SM, w_SM, penalty)

    @property
    def exponentiated(self) -> bool:
        """Whether residuals are of the response where the law speaks of its logarithm."""
        return self.objective.on_raw_loss and self.law.log_response

    def residuals(self, theta_SP: Array) -> Array:
        """Response minus prediction, in the objective's terms."""
        f_SM = self.law.evaluate(theta_SP, self.x_MF)
        if self.exponentiated:
            return np.exp(self.y_SM) - np.exp(f_SM)
        return self.y_SM - f_SM

    def value(self, theta_SP: Array, delta: float) -> Array:
        """The sum of ρ_δ alone, the penalty left out."""
        r_SM = self.residuals(theta_SP)
        return np.einsum("sm,sm->s", self._weights(r_SM), rho(r_SM, delta))

    def expand(self, theta_SP: Array, delta: float) -> tuple[Array, Array, Array]:
        """The sum of ρ_δ, which the steps descend, with its gradient (S, P) and second derivatives (S, P, P)."""
        near = self.law.local(theta_SP, self.x_MF)
        r_SM, level_SM = self._misses(near.f_SM)
        value_S = np.einsum("sm,sm->s", self._weights(r_SM), rho(r_SM, delta))
        pull_SM = self.w_SM * psi(r_SM, delta)
        bend_SM = self.w_SM * curvature(r_SM, delta)
        if level_SM is not None:
            bend_SM = bend_SM * level_SM**2 - pull_SM * level_SM
            pull_SM = pull_SM * level_SM
        g_SP = -near.gradient(pull_SM)
        return self._penalised(theta_SP, value_S, g_SP, near.second(bend_SM, pull_SM))

    def gauss(self, theta_SP: Array, delta: float) -> Array:
        """The Gauss–Newton matrix (S, P, P), positive semidefinite, for rows where Newton's is not."""
        f_SM, j_SPM = self.law.jacobian(theta_SP, self.x_MF)
        r_SM, level_SM = self._misses(f_SM)
        bend_SM = self.w_SM * curvature(r_SM, delta)
        if level_SM is not None:
            bend_SM = bend_SM * level_SM**2
        gauss_SPP = (j_SPM * bend_SM[:, None, :]) @ j_SPM.transpose(0, 2, 1)
        nothing_S = np.zeros(len(theta_SP))
        return self._penalised(theta_SP, nothing_S, np.zeros_like(theta_SP), gauss_SPP)[2]

    def _misses(self, f_SM: Array) -> tuple[Array, Array | None]:
        """Residuals, and exp(f) where they are of the response itself."""
        if not self.exponentiated:
            return self.y_SM - f_SM, None
        level_SM = np.exp(f_SM)
        return np.exp(self.y_SM) - level_SM, level_SM

    def _weights(self, r_SM: Array) -> Array:
        return np.broadcast_to(self.w_SM, r_SM.shape)

    def _penalised(self, theta_SP: Array, value_S: Array, g_SP: Array, h_SPP: Array) -> tuple[Array, Array, Array]:
        """With the penalty's share, its own curvature left out."""
        if self.penalty is None:
            return value_S, g_SP, h_SPP
        level_S, slope_SP = self.penalty.g(theta_SP, self.penalty.which_S)
        off_S, stiff_S = level_S - self.penalty.target_S, self.penalty.stiffness_S
        return (
            value_S + 0.5 * stiff_S * off_S**2,
            g_SP + (stiff_S * off_S)[:, None] * slope_SP,
            h_SPP + stiff_S[:, None, None] * slope_SP[:, :, None] * slope_SP[:, None, :],
        )
