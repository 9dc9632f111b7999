"""Laws of precision: training in few bits leaves fewer effective parameters, and quantising afterwards costs loss."""

from collections.abc import Mapping
from typing import Self

import numpy as np

from workbench.errors import BadInput
from workbench.fitting.laws.base import Array, Law, Parameter, Separable
from workbench.fitting.laws.linear import LogLinear
from workbench.fitting.laws.powers import EXPONENTS, power


class Precision(Law):
    """L(N, D, P) = A/N_eff^α + B/D^β + E with N_eff = N·(1 − e^(−P/γ))^k.

    The paper has a factor 1 − e^(−P/γ) for each of weights, activations and KV cache, with its own γ. With one column
    of bits, k is how many kinds are trained at P bits: 1, or 3 with their common γ (`configured(kinds=3)`).
    """

    name = "precision"
    formula = "L(N, D, P) = A/N_eff^alpha + B/D^beta + E, N_eff = N*(1 - exp(-P/gamma))^k"
    latex = (
        r"L(N, D, P) = \frac{A}{N_{\mathrm{eff}}^{\alpha}} + \frac{B}{D^{\beta}} + E,\quad "
        r"N_{\mathrm{eff}} = N\left(1 - e^{-P/\gamma}\right)^{k}"
    )
    citation = "Kumar et al. 2024 (arXiv 2411.04330), section 4: the effective parameter count"
    columns = ("n", "d", "bits")
    parameters = (
        Parameter("E", "irreducible loss", "nats per token", theta=(0,)),
        Parameter("A", "amplitude of the term of model size", "nats per token · parameters^alpha", theta=(1, 3)),
        Parameter("B", "amplitude of the term of data", "nats per token · tokens^beta", theta=(2, 4)),
        Parameter("alpha", "exponent of effective model size", "1", 0.01, 2.5, theta=(3,)),
        Parameter("beta", "exponent of data", "1", 0.01, 2.5, theta=(4,)),
        Parameter("gamma", "bits at which a parameter is worth 1 - 1/e of itself", "bits", 0.05, 50.0, theta=(5,)),
    )
    theta_names = ("ln E", "ln A", "ln B", "alpha", "beta", "ln gamma")
    theta_bounds = (
        (-8.0, 1.0),
        (-10.0, 3.0),
        (-10.0, 3.0),
        (0.01, 2.5),
        (0.01, 2.5),
        (float(np.log(0.05)), float(np.log(50.0))),
    )
    nonlinear = (3, 4, 5)

    def __init__(self, kinds: int = 1) -> None:
        if kinds not in (1, 2, 3):
            raise BadInput(f"kinds is {kinds}; there are three: weights, activations and the KV cache.")
        self.kinds, self.setting = kinds, {"kinds": kinds}

    def configured(self, **setting: object) -> Self:
        """With `kinds` tensors at the same precision."""
        return type(self)(int(str(self.known(setting).get("kinds", self.kinds))))

    def features(self, columns: Mapping[str, Array]) -> Array:
        """Ln N, ln D and P itself."""
        return np.column_stack([np.log(columns["n"]), np.log(columns["d"]), columns["bits"]])

    def centre(self, x_MF: Array) -> Array:
        """Means of the logarithms; the bits stay."""
        return np.array([*x_MF[:, :2].mean(axis=0), 0.0])

    def starts(self) -> Array:
        """Shares of the loss at the centre × exponents × γ: 2 × 2 × 2 × 2 × 3 = 48 starts."""
        return np.array(
            [
                (np.log(e), np.log((1 - e) * share), np.log((1 - e) * (1 - share)), alpha, beta, np.log(gamma))
                for e in (0.3, 0.75)
                for share in (0.3, 0.7)
                for alpha in (0.2, 0.6)
                for beta in (0.2, 0.6)
                for gamma in (0.7, 2.0, 6.0)
            ]
        )

    def axes(self) -> tuple[Array, ...]:
        """Values of both exponents and of ln γ."""
        return EXPONENTS, EXPONENTS, np.log(np.geomspace(0.2, 20.0, 12))

    def _worth(self, ln_gamma_S1: Array, x_MF: Array) -> tuple[Array, Array]:
        """k·ln(1 − e^(−u)) with u = P/γ, the logarithm of N_eff/N, and its derivative by ln γ, −k u/(e^u − 1)."""
        u_SM = np.minimum(x_MF[:, 2] * np.exp(-ln_gamma_S1), 700.0)
        grown_SM = np.expm1(u_SM)
        return self.kinds * (np.log(grown_SM) - u_SM), -self.kinds * u_SM / grown_SM

    def separable(self, nodes_SK: Array, x_MF: Array) -> Separable:
        """Given α, β and γ, L is linear in E, A and B."""
        alpha, beta, ln_gamma = (nodes_SK[:, i, None] for i in range(3))
        size = np.exp(-alpha * (x_MF[:, 0] + self._worth(ln_gamma, x_MF)[0]))
        basis = (np.ones((1, 1)), size, np.exp(-beta * x_MF[:, 1]))
        return Separable(basis, np.ones(len(nodes_SK)), lambda t_SQ: np.column_stack([t_SQ, nodes_SK]))

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """The logarithm of the sum of the three terms."""
        floor_SM, size_SM, data_SM = self._terms(theta_SP, x_MF)
        return np.log(floor_SM + size_SM + data_SM)

    def _terms(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array, Array]:
        """E, and the terms of size and data."""
        e, a, b, alpha, beta, ln_gamma = (theta_SP[:, i, None] for i in range(6))
        size_SM = np.exp(a - alpha * (x_MF[:, 0] + self._worth(ln_gamma, x_MF)[0]))
        return np.broadcast_to(np.exp(e), size_SM.shape), size_SM, np.exp(b - beta * x_MF[:, 1])

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """With p and q the shares of size and data, w = ln(N_eff/N): ∂α = −p(x + w), ∂ln γ = −α p ∂w."""
        alpha, ln_gamma = theta_SP[:, 3, None], theta_SP[:, 5, None]
        worth_SM, slope_SM = self._worth(ln_gamma, x_MF)
        terms = self._terms(theta_SP, x_MF)
        total_SM = terms[0] + terms[1] + terms[2]
        e_SM, p_SM, q_SM = (term / total_SM for term in terms)
        by_alpha, by_gamma = -p_SM * (x_MF[:, 0] + worth_SM), -alpha * p_SM * slope_SM
        j_SPM = np.stack([e_SM, p_SM, q_SM, by_alpha, -q_SM * x_MF[:, 1], by_gamma], axis=1)
        return np.log(total_SM), j_SPM

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """E, A, B, alpha, beta, gamma."""
        e, a, b, alpha, beta, ln_gamma = theta_SP.T
        return {
            "E": np.exp(e + y_centre),
            "A": np.exp(a + y_centre + alpha * x_centre_F[0]),
            "B": np.exp(b + y_centre + beta * x_centre_F[1]),
            "alpha": alpha,
            "beta": beta,
            "gamma": np.exp(ln_gamma),
        }

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        e, a, b, ln_gamma = (np.log(params[name]) for name in ("E", "A", "B", "gamma"))
        alpha, beta = params["alpha"], params["beta"]
        return np.array(
            [
                e - y_centre,
                a - y_centre - alpha * x_centre_F[0],
                b - y_centre - beta * x_centre_F[1],
                alpha,
                beta,
                ln_gamma,
            ]
        )

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The loss at `n` parameters trained on `d` tokens in `bits` bits."""
        worth = -np.expm1(-np.asarray(columns["bits"]) / params["gamma"])
        size = power(columns["n"] * worth**self.kinds, params["alpha"])
        return np.asarray(params["E"] + params["A"] * size + params["B"] * power(columns["d"], params["beta"]))

    def derived(self, params: Mapping[str, Array]) -> dict[str, Array]:
        """At one precision N_opt ∝ C^a and D_opt ∝ C^b, as in Chinchilla."""
        total = params["alpha"] + params["beta"]
        return {"a": params["beta"] / total, "b": params["alpha"] / total}


class PostTrainingQuantisation(LogLinear):
    """δ(N, D, P) = C_T·(D^γ_D/N^γ_N)·e^(−P/γ_post): the loss added by quantising a trained model to P bits.

    Theta holds 1/γ_post, in which ln δ is linear.
    """

    name = "post-training-quantisation"
    formula = "delta(N, D, P) = C_T*(D^gamma_D/N^gamma_N)*exp(-P/gamma_post)"
    latex = (
        r"\delta_{\mathrm{PTQ}}(N, D, P_{\mathrm{post}}) = C_T\, \frac{D^{\gamma_D}}{N^{\gamma_N}}\, "
        r"e^{-P_{\mathrm{post}}/\gamma_{\mathrm{post}}}"
    )
    citation = "Kumar et al. 2024 (arXiv 2411.04330), section 3: post-training quantisation"
    columns = ("n", "d", "bits")
    response = "degradation"
    parameters = (
        Parameter(
            "C_T",
            "degradation of one parameter, one token, no bits",
            "nats per token · tokens^-gamma_D · parameters^gamma_N",
            theta=(0, 1, 2, 3),
        ),
        Parameter("gamma_D", "exponent of data", "1", -5.0, 5.0, theta=(2,)),
        Parameter("gamma_N", "exponent of model size", "1", -5.0, 5.0, theta=(1,)),
        Parameter("gamma_post", "bits over which the degradation falls e-fold", "bits", 0.02, 1e3, theta=(3,)),
    )
    theta_names = ("ln delta at centre", "-gamma_N", "gamma_D", "-1/gamma_post")
    theta_bounds = ((-20.0, 20.0), (-5.0, 5.0), (-5.0, 5.0), (-50.0, -1e-3))

    def features(self, columns: Mapping[str, Array]) -> Array:
        """Ln N, ln D and P itself."""
        return np.column_stack([np.log(columns["n"]), np.log(columns["d"]), columns["bits"]])

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """C_T, gamma_D, gamma_N, gamma_post."""
        level_S = self.level(theta_SP, x_centre_F, y_centre)
        return {
            "C_T": np.exp(np.clip(level_S, -700.0, 700.0)),
            "gamma_D": theta_SP[:, 2],
            "gamma_N": -theta_SP[:, 1],
            "gamma_post": -1 / theta_SP[:, 3],
        }

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        slopes = np.array([-params["gamma_N"], params["gamma_D"], -1 / params["gamma_post"]])
        return np.array([self.centred_level(float(np.log(params["C_T"])), slopes, x_centre_F, y_centre), *slopes])

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The added loss of `n` parameters trained on `d` tokens and quantised to `bits` bits."""
        ratio = columns["d"] ** params["gamma_D"] / columns["n"] ** params["gamma_N"]
        return np.asarray(params["C_T"] * ratio * np.exp(-np.asarray(columns["bits"]) / params["gamma_post"]))
