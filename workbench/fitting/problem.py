"""What the solver is given: a law, an objective and the data of a batch, with residuals and their derivatives."""

from dataclasses import dataclass

import numpy as np

from workbench.fitting.laws.base import Array, Law
from workbench.fitting.objectives import Objective, curvature, psi, rho


@dataclass(frozen=True)
class Problem:
    """The data of a batch: features x_MF, responses y and weights w, each (1, M) when shared or (S, M) when not."""

    law: Law
    objective: Objective
    x_MF: Array
    y_SM: Array
    w_SM: Array

    def rows(self, index: np.ndarray) -> "Problem":
        """The problem of some rows only."""
        y_SM = self.y_SM if len(self.y_SM) == 1 else self.y_SM[index]
        w_SM = self.w_SM if len(self.w_SM) == 1 else self.w_SM[index]
        return Problem(self.law, self.objective, self.x_MF, y_SM, w_SM)

    def residuals(self, theta_SP: Array) -> Array:
        """Response minus prediction; on the raw loss where the objective wants it (y is then the centred ln L)."""
        f_SM = self.law.evaluate(theta_SP, self.x_MF)
        if self.objective.on_raw_loss:
            return np.exp(self.y_SM) - np.exp(f_SM)
        return self.y_SM - f_SM

    def value(self, theta_SP: Array, delta: float) -> Array:
        """The sum of ρ_δ, which the steps descend."""
        return np.asarray((self.w_SM * rho(self.residuals(theta_SP), delta)).sum(axis=1))

    def derivatives(self, theta_SP: Array, delta: float) -> tuple[Array, Array, Array]:
        """Gradient (S, P), the Newton matrix, and the positive definite Gauss–Newton matrix that damps it."""
        f_SM, j_SPM = self.law.jacobian(theta_SP, self.x_MF)
        if self.objective.on_raw_loss:
            level_SM = np.exp(f_SM)
            r_SM = np.exp(self.y_SM) - level_SM
        else:
            r_SM = self.y_SM - f_SM
        pull_SM = self.w_SM * psi(r_SM, delta)
        bend_SM = self.w_SM * curvature(r_SM, delta)
        if self.objective.on_raw_loss:
            bend_SM = bend_SM * level_SM**2 - pull_SM * level_SM
            pull_SM = pull_SM * level_SM
        g_SP = -np.einsum("spm,sm->sp", j_SPM, pull_SM)
        gauss_SPP = (j_SPM * np.maximum(bend_SM, 0.0)[:, None, :]) @ j_SPM.transpose(0, 2, 1)
        second_SPP = self.law.curvature(theta_SP, self.x_MF, pull_SM)
        return g_SP, gauss_SPP if second_SPP is None else gauss_SPP - second_SPP, gauss_SPP
