"""Gadre's laws: the loss of models trained past their optimum, and the downstream error that a loss brings."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from workbench.fitting.laws.base import Array, Law, Parameter, Separable
from workbench.fitting.laws.powers import SumOfPowers, theta_of

AMPLITUDE = "nats per token · FLOPs^eta"


class OverTraining(SumOfPowers):
    """L(C, M) = E + (a·M^η + b·M^(−η))·C^(−η), with M = D/N and C = 6ND, both formed here from N and D.

    A sum of two powers of one exponent, of C/M = 6N² and of C·M = 6D²: Chinchilla's law with α = β = 2η.
    """

    name = "over-training"
    formula = "L(C, M) = E + (a*M^eta + b*M^-eta)*C^-eta with M = D/N, C = 6*N*D"
    latex = r"L(C, M) = E + \left(a\,M^{\eta} + b\,M^{-\eta}\right) C^{-\eta},\quad M = D/N,\ C = 6ND"
    citation = "Gadre et al. 2024 (arXiv 2403.08540), eq. 4"
    columns = ("n", "d")
    parameters = (
        Parameter("E", "irreducible loss", "nats per token", theta=(0,)),
        Parameter("a", "amplitude of the loss that grows with M: too small a model", AMPLITUDE, theta=(1, 3)),
        Parameter("b", "amplitude of the loss that falls with M: too little data", AMPLITUDE, theta=(2, 3)),
        Parameter("eta", "exponent of compute at any fixed M", "1", 0.005, 1.25, theta=(3,)),
    )
    theta_names = ("ln E", "ln a", "ln b", "eta")
    theta_bounds = ((-8.0, 1.0), (-10.0, 3.0), (-10.0, 3.0), (0.005, 1.25))
    terms: ClassVar = ((0, None, None), (1, 3, 0), (2, 3, 1))

    def features(self, columns: Mapping[str, Array]) -> Array:
        """Ln(C/M) and ln(C·M)."""
        c_M, m_M = _compute_and_multiplier(columns)
        return np.column_stack([np.log(c_M) - np.log(m_M), np.log(c_M) + np.log(m_M)])

    def starts(self) -> Array:
        """Shares of the loss at the centre of the data × exponents: 3 × 3 × 4 = 36 starts."""
        return np.array(
            [
                (np.log(e), np.log((1 - e) * share), np.log((1 - e) * (1 - share)), eta)
                for e in (0.2, 0.5, 0.85)
                for share in (0.2, 0.5, 0.8)
                for eta in (0.05, 0.15, 0.3, 0.5)
            ]
        )

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """E, a, b, eta."""
        e, a, b, eta = self.uncentred(theta_SP, x_centre_F, y_centre).T
        return {"E": np.exp(e), "a": np.exp(a), "b": np.exp(b), "eta": eta}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        theta_1P = theta_of(params, ("E", "a", "b", "eta"), ("E", "a", "b"))
        return self.centred(theta_1P, x_centre_F, y_centre)[0]

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The loss at `n` parameters and `d` tokens."""
        c, m = _compute_and_multiplier(columns)
        eta = params["eta"]
        return np.asarray(params["E"] + (params["a"] * m**eta + params["b"] * m**-eta) * c**-eta)

    def balance(self, params: Mapping[str, Array]) -> tuple[Array, Array, Array, Array]:
        """a·(C/M)^(−η) = a·6^(−η)·N^(−2η), and b likewise: A = a·6^(−η), α = 2η."""
        eta = params["eta"]
        return np.log(params["a"]) - eta * np.log(6), 2 * eta, np.log(params["b"]) - eta * np.log(6), 2 * eta

    def derived(self, params: Mapping[str, Array]) -> dict[str, Array]:
        """M_opt, tokens per parameter of least loss at any C: a·M^η = b·M^(−η)."""
        return {"M_opt": np.exp(np.log(params["b"] / params["a"]) / (2 * params["eta"]))}


def _compute_and_multiplier(columns: Mapping[str, Array]) -> tuple[Array, Array]:
    """C = 6ND and M = D/N."""
    n, d = (np.asarray(columns[name], dtype=np.float64) for name in ("n", "d"))
    return 6 * n * d, d / n


class DownstreamError(Law):
    """Err(L) = ε − k·exp(−γL): the mean error of downstream tasks, given the loss on text.

    The response is the error itself, not its logarithm, and the feature the loss itself. Theta is (ε, κ, γ) with
    κ = k·exp(−γ·L_centre), the error that a model at the centre of the data has shed.
    """

    name = "downstream-error"
    formula = "Err(L) = epsilon - k*exp(-gamma*L)"
    latex = r"\mathrm{Err}(L) = \epsilon - k\,e^{-\gamma L}"
    citation = "Gadre et al. 2024 (arXiv 2403.08540), eq. 5"
    columns = ("loss",)
    response = "error"
    log_response = False
    parameters = (
        Parameter("epsilon", "error of a model of very high loss: about chance", "1", 0.0, 1.0, theta=(0,)),
        Parameter("k", "error shed, were the exponential continued to a loss of zero", "1", theta=(1, 2)),
        Parameter("gamma", "rate at which that falls with the loss", "1 / (nats per token)", 0.01, 50.0, theta=(2,)),
    )
    theta_names = ("epsilon", "k at centre", "gamma")
    theta_bounds = ((0.0, 1.0), (0.0, 1.0), (0.01, 50.0))
    nonlinear = (2,)

    def features(self, columns: Mapping[str, Array]) -> Array:
        """The loss, in nats."""
        return np.asarray(columns["loss"], dtype=np.float64)[:, None]

    def starts(self) -> Array:
        """Errors at chance × shares of them shed × rates: 3 × 3 × 5 = 45 starts."""
        return np.array(
            [
                (error, error * share, gamma)
                for error in (0.5, 0.75, 0.9)
                for share in (0.1, 0.3, 0.7)
                for gamma in (0.1, 0.3, 1.0, 3.0, 10.0)
            ]
        )

    def axes(self) -> tuple[Array, ...]:
        """Rates from all but linear over a few nats to a bend within a tenth of one."""
        return (np.geomspace(0.02, 40.0, 48),)

    def separable(self, nodes_SK: Array, x_MF: Array) -> Separable:
        """Given γ the error is linear in ε and k."""
        basis = (np.ones((1, 1)), -np.exp(-nodes_SK * x_MF[:, 0]))
        return Separable(basis, np.ones(len(nodes_SK)), lambda c_SQ: np.column_stack([c_SQ, nodes_SK]))

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """The error itself."""
        epsilon, k, gamma = (theta_SP[:, i, None] for i in range(3))
        return np.asarray(epsilon - k * np.exp(-gamma * x_MF[:, 0]))

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """∂ε = 1, ∂κ = −exp(−γx), ∂γ = κ·x·exp(−γx)."""
        epsilon, k, gamma = (theta_SP[:, i, None] for i in range(3))
        decay_SM = np.exp(-gamma * x_MF[:, 0])
        j_SPM = np.stack([np.ones_like(decay_SM), -decay_SM, k * x_MF[:, 0] * decay_SM], axis=1)
        return epsilon - k * decay_SM, j_SPM

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """epsilon, k, gamma."""
        epsilon, k, gamma = theta_SP.T
        return {"epsilon": epsilon + y_centre, "k": k * np.exp(gamma * x_centre_F[0]), "gamma": gamma}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        shed = params["k"] * np.exp(-params["gamma"] * x_centre_F[0])
        return np.array([params["epsilon"] - y_centre, shed, params["gamma"]])

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The error at a loss of `loss` nats per token."""
        return np.asarray(params["epsilon"] - params["k"] * np.exp(-np.asarray(params["gamma"]) * columns["loss"]))
