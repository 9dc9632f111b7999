"""Kaplan's laws of training time: the loss after S steps of B tokens, and the critical batch size it depends on."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from workbench.fitting.laws.base import Array, Law, Local, Parameter
from workbench.fitting.laws.powers import SumOfPowers

STEPS = 60
"""Newton steps at most for the loss at which the law agrees with itself; about eight are usual."""


class KaplanNS(Law):
    """L(N, S) = (N_c/N)^α_N + (S_c/S_min)^α_S with S_min = S/(1 + B_crit(L)/B) and B_crit(L) = B*/L^(1/α_B).

    The loss inside B_crit is the law's own, so that L is defined implicitly. With f = ln L, w = ln(B_crit/B) and

        h(f) = ln(exp(u − α_N ln N) + exp(v − α_S ln S + α_S ln(1 + exp w))),   w = κ − γ f − ln B,   γ = 1/α_B,

    f solves f = h(f). h falls and is convex: f − h(f) rises and is concave, so that the solution is unique and Newton's
    steps approach it from below without fail. Theta is (u, v, κ, α_N, α_S, γ) with u = α_N ln N_c, v = α_S ln S_c and
    κ = ln B*, at the centre of the data.
    """

    name = "kaplan-ns"
    formula = (
        "L(N, S) = (N_c/N)^alpha_N + (S_c/S_min)^alpha_S "
        + "with S_min = S/(1 + B_crit(L)/B), B_crit(L) = B_star/L^(1/alpha_B)"
    )
    latex = (
        r"L(N, S) = \left(\frac{N_c}{N}\right)^{\alpha_N} + \left(\frac{S_c}{S_\mathrm{min}}\right)^{\alpha_S},\quad "
        r"S_\mathrm{min} = \frac{S}{1 + B_\mathrm{crit}(L)/B},\quad B_\mathrm{crit}(L) = \frac{B_*}{L^{1/\alpha_B}}"
    )
    citation = "Kaplan et al. 2020 (arXiv 2001.08361), eq. 1.6 with eq. 5.4 (S_min) and eq. 1.4 (B_crit)"
    columns = ("n", "s", "batch")
    parameters = (
        Parameter("alpha_N", "exponent of model size", "1", 1e-3, 3.0, theta=(3,)),
        Parameter("alpha_S", "exponent of steps", "1", 1e-3, 5.0, theta=(4,)),
        Parameter("N_c", "size at which the loss of unlimited steps reaches one nat", "parameters", theta=(0, 3)),
        Parameter("S_c", "steps at large batch that leave one nat to learn", "steps", theta=(1, 4)),
        Parameter("B_star", "critical batch at a loss of one nat", "tokens", theta=(2, 5)),
        Parameter("alpha_B", "exponent of the critical batch: it is B_star/L^(1/alpha_B)", "1", 0.02, 20.0, theta=(5,)),
    )
    theta_names = ("alpha_N ln N_c", "alpha_S ln S_c", "ln B_star", "alpha_N", "alpha_S", "1/alpha_B")
    theta_bounds = ((-8.0, 3.0), (-12.0, 3.0), (-12.0, 12.0), (1e-3, 3.0), (1e-3, 5.0), (0.05, 50.0))

    def starts(self) -> Array:
        """Shares of the loss × exponents × critical batches and their exponents: 2 × 6 × 6 = 72 starts."""
        return np.array(
            [
                # The term of steps is share where B_crit is 0, so that it is taken smaller by (1 + B_crit/B)^α_S.
                (np.log(1 - share), np.log(share) - alpha_s * np.logaddexp(0, k), k, alpha_n, alpha_s, gamma)
                for share in (0.15, 0.5)
                for alpha_n, alpha_s in ((0.05, 0.4), (0.05, 1.0), (0.15, 0.4), (0.15, 1.0), (0.4, 0.4), (0.4, 1.0))
                for k in (-2.0, 0.0, 2.0)
                for gamma in (1.5, 6.0)
            ]
        )

    def _solved(self, theta_SP: Array, x_MF: Array) -> dict[str, Array]:
        """f = ln L with what its derivatives need: p, the share of steps; softplus and sigmoid of w; 1 − h′."""
        u, v, k, alpha_n, alpha_s, gamma = (theta_SP[:, i, None] for i in range(6))
        size_SM = u - alpha_n * x_MF[:, 0]
        bare_SM = v - alpha_s * x_MF[:, 1]
        k_SM = k - x_MF[:, 2]
        # Two lower bounds of the solution: S_min = S, and B_crit ≫ B with N unlimited.
        f_SM = np.maximum(np.logaddexp(size_SM, bare_SM), (bare_SM + alpha_s * k_SM) / (1 + alpha_s * gamma))
        for _ in range(STEPS):
            w_SM = k_SM - gamma * f_SM
            soft_SM = np.logaddexp(0, w_SM)
            sigma_SM = np.exp(w_SM - soft_SM)
            steps_SM = bare_SM + alpha_s * soft_SM
            h_SM = np.logaddexp(size_SM, steps_SM)
            p_SM = np.exp(steps_SM - h_SM)
            slope_SM = 1 + p_SM * alpha_s * gamma * sigma_SM
            move_SM = (h_SM - f_SM) / slope_SM
            # The last step is so small that what was computed before it still holds to the last digits.
            f_SM = f_SM + move_SM
            if (np.abs(move_SM) <= 1e-13 * (1 + np.abs(f_SM))).all():
                break
        return {"f": f_SM, "p": p_SM, "soft": soft_SM, "sigma": sigma_SM, "slope": slope_SM}

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """The solution f of f = h(f)."""
        return self._solved(theta_SP, x_MF)["f"]

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """∇f = ∂h/∂theta / (1 − h′), by the implicit function theorem."""
        at = self._solved(theta_SP, x_MF)
        return at["f"], self._gradient(at, theta_SP, x_MF)

    def _gradient(self, at: dict[str, Array], theta_SP: Array, x_MF: Array) -> Array:
        """Its numerators: the shares 1 − p and p times the gradients of the two terms' logarithms at fixed f."""
        p_SM, alpha_s = at["p"], theta_SP[:, 4, None]
        pull_SM = p_SM * alpha_s * at["sigma"]
        rows = [
            1 - p_SM,
            p_SM,
            pull_SM,
            -(1 - p_SM) * x_MF[:, 0],
            p_SM * (at["soft"] - x_MF[:, 1]),
            -pull_SM * at["f"],
        ]
        return np.asarray(np.stack(rows, axis=1) / at["slope"][:, None, :])

    def local(self, theta_SP: Array, x_MF: Array) -> Local:
        """With a, b, ω the whole gradients of the two terms' logarithms and of w, and τ = σ(1 − σ),

        (1 − h′)∇²f = (1−p)aaᵀ + p·bbᵀ − ∇f∇fᵀ + p[α_S τ ωωᵀ + σ(e_S ωᵀ + ω e_Sᵀ) − α_S σ(e_γ∇fᵀ + ∇f e_γᵀ)].
        """
        at = self._solved(theta_SP, x_MF)
        j_SPM = self._gradient(at, theta_SP, x_MF)

        def second(b_SM: Array, v_SM: Array) -> Array:
            p_SM, sigma_SM = at["p"], at["sigma"]
            alpha_s, gamma = theta_SP[:, 4, None], theta_SP[:, 5, None]
            omega_SPM = -gamma[:, :, None] * j_SPM
            omega_SPM[:, 2] += 1
            omega_SPM[:, 5] -= at["f"]
            size_SPM = np.zeros_like(j_SPM)
            size_SPM[:, 0], size_SPM[:, 3] = 1, -x_MF[:, 0]
            steps_SPM = (alpha_s * sigma_SM)[:, None, :] * omega_SPM
            steps_SPM[:, 1] += 1
            steps_SPM[:, 4] += at["soft"] - x_MF[:, 1]
            c_SM = v_SM / at["slope"]
            h_SPP = _outer(j_SPM, b_SM + c_SM) - _outer(size_SPM, c_SM * (1 - p_SM)) - _outer(steps_SPM, c_SM * p_SM)
            h_SPP -= _outer(omega_SPM, c_SM * p_SM * alpha_s * sigma_SM * (1 - sigma_SM))
            for entry, with_SPM, factor in ((4, omega_SPM, -sigma_SM), (5, j_SPM, alpha_s * sigma_SM)):
                cross_SP = (with_SPM @ (c_SM * p_SM * factor)[:, :, None])[:, :, 0]
                h_SPP[:, entry, :] += cross_SP
                h_SPP[:, :, entry] += cross_SP
            return np.asarray(h_SPP)

        return Local.of(at["f"], j_SPM, second)

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """The exponents, and the three scales in the table's units."""
        u, v, k, alpha_n, alpha_s, gamma = theta_SP.T
        scales = {
            "N_c": (u + y_centre) / alpha_n + x_centre_F[0],
            "S_c": (v + y_centre) / alpha_s + x_centre_F[1],
            "B_star": k + gamma * y_centre + x_centre_F[2],
        }
        exponents = {"alpha_N": alpha_n, "alpha_S": alpha_s}
        within = {name: np.exp(np.minimum(value, 700.0)) for name, value in scales.items()}
        return {**exponents, **within, "alpha_B": 1 / gamma}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        alpha_n, alpha_s, gamma = params["alpha_N"], params["alpha_S"], 1 / params["alpha_B"]
        u = alpha_n * (np.log(params["N_c"]) - x_centre_F[0]) - y_centre
        v = alpha_s * (np.log(params["S_c"]) - x_centre_F[1]) - y_centre
        k = np.log(params["B_star"]) - x_centre_F[2] - gamma * y_centre
        return np.array([u, v, k, alpha_n, alpha_s, gamma])

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The loss of `n` parameters after `s` steps of `batch` tokens, at which both sides of eq. 1.6 agree.

        By bisection on the printed formula: its right side falls as the loss rises. Scales come in by their
        logarithms, since a poorly determined N_c may lie near the largest number there is.
        """
        alpha_n, alpha_s, alpha_b = (np.asarray(params[name]) for name in ("alpha_N", "alpha_S", "alpha_B"))
        size = np.exp(alpha_n * (np.log(params["N_c"]) - np.log(columns["n"])))
        steps = np.log(params["S_c"]) - np.log(columns["s"])
        batches = np.log(params["B_star"]) - np.log(columns["batch"])

        def right(loss: Array) -> Array:
            return np.asarray(size + np.exp(alpha_s * (steps + np.logaddexp(0, batches - np.log(loss) / alpha_b))))

        low = np.asarray(size + np.exp(alpha_s * steps))
        high = right(low)
        for _ in range(100):
            middle = np.sqrt(low) * np.sqrt(high)
            above = right(middle) > middle
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return np.asarray(np.sqrt(low) * np.sqrt(high))


def _outer(g_SPM: Array, weight_SM: Array) -> Array:
    """Σ_m weight_m g_m g_mᵀ, as (S, P, P)."""
    return np.asarray((g_SPM * weight_SM[:, None, :]) @ g_SPM.transpose(0, 2, 1))


class CriticalBatch(SumOfPowers):
    """B_crit(L) = B*/L^(1/α_B): the batch beyond which more examples a step buy few steps less, at a loss L."""

    name = "critical-batch"
    formula = "B_crit(L) = B_star/L^(1/alpha_B)"
    latex = r"B_\mathrm{crit}(L) = \frac{B_*}{L^{1/\alpha_B}}"
    citation = "Kaplan et al. 2020 (arXiv 2001.08361), eq. 1.4"
    columns = ("loss",)
    response = "batch"
    parameters = (
        Parameter("B_star", "critical batch at a loss of one nat", "tokens", theta=(0, 1)),
        Parameter("alpha_B", "the critical batch grows as L^(-1/alpha_B)", "1", 0.02, 20.0, theta=(1,)),
    )
    theta_names = ("ln B_crit at centre", "1/alpha_B")
    theta_bounds = ((-5.0, 5.0), (0.05, 50.0))
    terms: ClassVar = ((0, 1, 0),)

    def starts(self) -> Array:
        """The problem is convex; two starts agree."""
        return np.array([(0.0, 2.0), (0.0, 8.0)])

    def axes(self) -> tuple[Array, ...]:
        """Values of 1/α_B."""
        return (np.geomspace(0.1, 45.0, 24),)

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """B_star, alpha_B."""
        level, inverse = self.uncentred(theta_SP, x_centre_F, y_centre).T
        return {"B_star": np.exp(np.minimum(level, 700.0)), "alpha_B": 1 / inverse}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        theta_1P = np.array([[np.log(params["B_star"]), 1 / params["alpha_B"]]])
        return self.centred(theta_1P, x_centre_F, y_centre)[0]

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The critical batch, in tokens, at a loss of `loss` nats per token."""
        return np.asarray(params["B_star"] / columns["loss"] ** (1 / np.asarray(params["alpha_B"])))
