"""Laws that are linear in theta: f = Σ_p theta_p φ_p(x), so that any convex objective has one basin."""

from abc import abstractmethod

import numpy as np

from workbench.fitting.laws.base import Array, Law, Local

WIDE = 1e9
"""A bound that stands for none, in units of the response or its logarithm; finite, for shares of it are taken."""


class Linear(Law):
    """f = Σ_p theta_p φ_p(x)."""

    @abstractmethod
    def design(self, x_MF: Array) -> Array:
        """The columns φ_MP of the linear model."""

    def starts(self) -> Array:
        """The problem is convex: nothing, and one of each column, agree."""
        n_theta = len(self.theta_bounds)
        low_P, high_P = self.bounds_2P
        return np.clip(np.stack([np.zeros(n_theta), np.full(n_theta, 0.5)]), low_P, high_P)

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """theta · φ."""
        return np.asarray(theta_SP @ self.design(x_MF).T)

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """∂f/∂theta_p = φ_p whatever theta is."""
        phi_MP = self.design(x_MF)
        return theta_SP @ phi_MP.T, np.repeat(phi_MP.T[None], len(theta_SP), axis=0)

    def local(self, theta_SP: Array, x_MF: Array) -> Local:
        """A linear law has no curvature: only b φ φᵀ remains of Newton's matrix."""
        phi_MP = self.design(x_MF)
        n_theta = phi_MP.shape[1]
        pairs_MQ = (phi_MP[:, :, None] * phi_MP[:, None, :]).reshape(len(x_MF), n_theta * n_theta)

        def second(b_SM: Array, v_SM: Array) -> Array:  # noqa: ARG001
            return np.asarray((b_SM @ pairs_MQ).reshape(-1, n_theta, n_theta))

        return Local(theta_SP @ phi_MP.T, lambda v_SM: v_SM @ phi_MP, second)


class LogLinear(Linear):
    """ln y = theta_0 + Σ theta_i x_i: a product of powers, or of exponentials of features that are no logarithms."""

    def design(self, x_MF: Array) -> Array:
        """A constant and the features."""
        return np.column_stack([np.ones(len(x_MF)), x_MF])

    def level(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> Array:
        """The constant in the table's units, its logarithm."""
        return np.asarray(theta_SP[:, 0] + y_centre - theta_SP[:, 1:] @ x_centre_F)

    def centred_level(self, level: float, slopes: Array, x_centre_F: Array, y_centre: float) -> float:
        """The inverse of `level`."""
        return float(level - y_centre + slopes @ x_centre_F)
