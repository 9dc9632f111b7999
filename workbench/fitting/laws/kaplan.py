"""Kaplan's laws: one resource at a time with the others unlimited, and the joint law of size and data."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from workbench.fitting.laws.base import Array, Law, Local, Parameter, Separable
from workbench.fitting.laws.powers import EXPONENTS, SumOfPowers

MOST = 700.0
"""Largest |ln| of a scale: beyond it the scale is 0 or infinite, and its logarithm no number."""


class _PurePower(SumOfPowers):
    """L(X) = (X_c / X)^α: no irreducible loss, so that ln L is a straight line in ln X."""

    theta_names = ("ln L at centre", "alpha")
    theta_bounds = ((-5.0, 5.0), (1e-4, 3.0))
    terms: ClassVar = ((0, 1, 0),)
    scale: ClassVar[str]
    exponent: ClassVar[str]

    def starts(self) -> Array:
        """The problem is convex; two starts agree."""
        return np.array([(0.0, 0.05), (0.0, 0.3)])

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """The exponent, and the scale X_c at which the law reaches one nat."""
        t_SP = self.uncentred(theta_SP, x_centre_F, y_centre)
        return {self.exponent: t_SP[:, 1], self.scale: np.exp(np.clip(t_SP[:, 0] / t_SP[:, 1], -MOST, MOST))}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        exponent = params[self.exponent]
        theta_1P = np.array([[exponent * np.log(params[self.scale]), exponent]])
        return self.centred(theta_1P, x_centre_F, y_centre)[0]

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """(X_c / X)^α."""
        return np.asarray((params[self.scale] / columns[self.columns[0]]) ** params[self.exponent])


class KaplanN(_PurePower):
    """L(N) = (N_c/N)^α_N, with data and compute unlimited."""

    name = "kaplan-n"
    formula = "L(N) = (N_c/N)^alpha_N"
    latex = r"L(N) = \left(\frac{N_c}{N}\right)^{\alpha_N}"
    citation = "Kaplan et al. 2020 (arXiv 2001.08361), eq. 1.1"
    columns = ("n",)
    scale, exponent = "N_c", "alpha_N"
    parameters = (
        Parameter("alpha_N", "exponent of model size", "1", 1e-4, 3.0, theta=(1,)),
        Parameter("N_c", "size at which the law reaches one nat", "parameters", theta=(0, 1)),
    )


class KaplanD(_PurePower):
    """L(D) = (D_c/D)^α_D, for large models stopped early."""

    name = "kaplan-d"
    formula = "L(D) = (D_c/D)^alpha_D"
    latex = r"L(D) = \left(\frac{D_c}{D}\right)^{\alpha_D}"
    citation = "Kaplan et al. 2020 (arXiv 2001.08361), eq. 1.2"
    columns = ("d",)
    scale, exponent = "D_c", "alpha_D"
    parameters = (
        Parameter("alpha_D", "exponent of data", "1", 1e-4, 3.0, theta=(1,)),
        Parameter("D_c", "tokens at which the law reaches one nat", "tokens", theta=(0, 1)),
    )


class KaplanC(_PurePower):
    """L(C) = (C_c/C)^α_C along the compute-optimal frontier."""

    name = "kaplan-c"
    formula = "L(C) = (C_c/C)^alpha_C"
    latex = r"L(C) = \left(\frac{C_c}{C}\right)^{\alpha_C}"
    citation = "Kaplan et al. 2020 (arXiv 2001.08361), eq. 1.3"
    columns = ("c",)
    scale, exponent = "C_c", "alpha_C"
    parameters = (
        Parameter("alpha_C", "exponent of compute", "1", 1e-4, 3.0, theta=(1,)),
        Parameter("C_c", "compute at which the law reaches one nat", "FLOPs", theta=(0, 1)),
    )


class KaplanND(Law):
    """L(N, D) = [(N_c/N)^(α_N/α_D) + D_c/D]^α_D.

    Theta is (u, v, α_N, α_D) with u = α_N ln N_c and v = α_D ln D_c, the logarithms of the two limits' losses at the
    centre of the data, so that ln L = α_D · ln(exp((u − α_N x)/α_D) + exp((v − α_D y)/α_D)).
    """

    name = "kaplan-nd"
    formula = "L(N, D) = ((N_c/N)^(alpha_N/alpha_D) + D_c/D)^alpha_D"
    latex = r"L(N, D) = \left[\left(\frac{N_c}{N}\right)^{\alpha_N/\alpha_D} + \frac{D_c}{D}\right]^{\alpha_D}"
    citation = "Kaplan et al. 2020 (arXiv 2001.08361), eq. 1.5"
    columns = ("n", "d")
    parameters = (
        Parameter("alpha_N", "exponent of model size", "1", 1e-3, 3.0, theta=(2,)),
        Parameter("alpha_D", "exponent of data", "1", 1e-3, 3.0, theta=(3,)),
        Parameter("N_c", "size at which the law of unlimited data reaches one nat", "parameters", theta=(0, 2)),
        Parameter("D_c", "tokens at which the law of unlimited size reaches one nat", "tokens", theta=(1, 3)),
    )
    theta_names = ("alpha_N ln N_c", "alpha_D ln D_c", "alpha_N", "alpha_D")
    theta_bounds = ((-5.0, 3.0), (-5.0, 3.0), (1e-3, 3.0), (1e-3, 3.0))
    nonlinear = (2, 3)

    def starts(self) -> Array:
        """Exponents × the share of size in the bracket: 4 × 4 × 3 = 48 starts."""
        return np.array(
            [
                (alpha_d * np.log(share), alpha_d * np.log(1 - share), alpha_n, alpha_d)
                for alpha_n in (0.05, 0.1, 0.25, 0.5)
                for alpha_d in (0.05, 0.1, 0.25, 0.5)
                for share in (0.2, 0.5, 0.8)
            ]
        )

    def axes(self) -> tuple[Array, Array]:
        """Values of both exponents."""
        return EXPONENTS, EXPONENTS

    def separable(self, nodes_SK: Array, x_MF: Array) -> Separable:
        """L^(1/α_D) is linear in exp(u/α_D) and exp(v/α_D)."""
        alpha_n_S, alpha_d_S = nodes_SK.T
        z_SM = -(alpha_n_S / alpha_d_S)[:, None] * x_MF[:, 0]
        # Scaled to at most one, since the ratio of the exponents may be large.
        top_S = z_SM.max(axis=1)

        def join(t_SQ: Array) -> Array:
            return np.column_stack([(t_SQ[:, 0] - top_S) * alpha_d_S, t_SQ[:, 1] * alpha_d_S, nodes_SK])

        return Separable((np.exp(z_SM - top_S[:, None]), np.exp(-x_MF[:, 1])[None]), alpha_d_S, join)

    def _terms(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array, Array]:
        """Ln L, and the two terms' logits divided by α_D, as an array (2, S, M); and the first term's share."""
        u, v, alpha_n, alpha_d = (theta_SP[:, i, None] for i in range(4))
        z_size = (u - alpha_n * x_MF[:, 0]) / alpha_d
        z_data = v / alpha_d - x_MF[:, 1]
        bracket = np.logaddexp(z_size, z_data)
        return alpha_d * bracket, np.stack([z_size, z_data]), np.exp(z_size - bracket)

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """α_D times the log-sum-exp of the two terms."""
        return self._terms(theta_SP, x_MF)[0]

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """With p the share of size: ∂u = p, ∂v = 1−p, ∂α_N = −p x, ∂α_D = bracket − p z_size − (1−p) v/α_D."""
        return self._slopes(theta_SP, x_MF, *self._terms(theta_SP, x_MF))

    @staticmethod
    def _slopes(theta_SP: Array, x_MF: Array, f_SM: Array, z_2SM: Array, p_SM: Array) -> tuple[Array, Array]:
        alpha_d, v = theta_SP[:, 3, None], theta_SP[:, 1, None]
        j_SPM = np.empty((*theta_SP.shape, len(x_MF)))
        j_SPM[:, 0] = p_SM
        j_SPM[:, 1] = 1 - p_SM
        j_SPM[:, 2] = -p_SM * x_MF[:, 0]
        j_SPM[:, 3] = f_SM / alpha_d - p_SM * z_2SM[0] - (1 - p_SM) * v / alpha_d
        return f_SM, j_SPM

    def local(self, theta_SP: Array, x_MF: Array) -> Local:
        """The second derivatives are p(1−p)/α_D g gᵀ with g = (1, −1, −x, −(u − α_N x − v)/α_D): the bracket bends
        only where the two terms' shares change."""
        terms = self._terms(theta_SP, x_MF)
        f_SM, j_SPM = self._slopes(theta_SP, x_MF, *terms)
        _, z_2SM, p_SM = terms
        alpha_d = theta_SP[:, 3, None]
        g_SPM = np.empty_like(j_SPM)
        g_SPM[:, 0], g_SPM[:, 1], g_SPM[:, 2] = 1.0, -1.0, -x_MF[:, 0]
        g_SPM[:, 3] = theta_SP[:, 1, None] / alpha_d - z_2SM[0]
        bend_SM = p_SM * (1 - p_SM) / alpha_d

        def second(b_SM: Array, v_SM: Array) -> Array:
            gauss_SPP = (j_SPM * b_SM[:, None, :]) @ j_SPM.transpose(0, 2, 1)
            return np.asarray(gauss_SPP - (g_SPM * (v_SM * bend_SM)[:, None, :]) @ g_SPM.transpose(0, 2, 1))

        return Local.of(f_SM, j_SPM, second)

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """The exponents, and the two scales in the table's units."""
        u, v, alpha_n, alpha_d = theta_SP.T
        return {
            "alpha_N": alpha_n,
            "alpha_D": alpha_d,
            "N_c": np.exp(np.clip((u + y_centre) / alpha_n + x_centre_F[0], -MOST, MOST)),
            "D_c": np.exp(np.clip((v + y_centre) / alpha_d + x_centre_F[1], -MOST, MOST)),
        }

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        alpha_n, alpha_d = params["alpha_N"], params["alpha_D"]
        u = alpha_n * (np.log(params["N_c"]) - x_centre_F[0]) - y_centre
        v = alpha_d * (np.log(params["D_c"]) - x_centre_F[1]) - y_centre
        return np.array([u, v, alpha_n, alpha_d])

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The loss at `n` parameters and `d` tokens."""
        ratio = params["alpha_N"] / params["alpha_D"]
        # In logarithms, since a poorly determined D_c may lie near the largest number there is.
        size = ratio * (np.log(params["N_c"]) - np.log(columns["n"]))
        bracket = np.logaddexp(size, np.log(params["D_c"]) - np.log(columns["d"]))
        return np.asarray(np.exp(params["alpha_D"] * bracket))

    def balance(self, params: Mapping[str, Array]) -> tuple[Array, Array, Array, Array]:
        """The two terms inside the bracket, whose power is monotone."""
        ratio = params["alpha_N"] / params["alpha_D"]
        return ratio * np.log(params["N_c"]), ratio, np.log(params["D_c"]), np.ones_like(ratio)

    def derived(self, params: Mapping[str, Array]) -> dict[str, Array]:
        """At fixed C ∝ N·D the optimum balances both terms: N_opt ∝ C^(α_D/(α_N+α_D)) (their eq. B.2 differs: it
        charges training to convergence)."""
        total = params["alpha_N"] + params["alpha_D"]
        return {"a": params["alpha_D"] / total, "b": params["alpha_N"] / total}
