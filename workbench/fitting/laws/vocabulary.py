"""Vocabulary as a third resource: the embeddings' parameters have a term of their own.

The loss is unigram-normalised, L_u = −(1/T) Σ ln p(w|context)/p(w), so that vocabularies can be compared: it is what
the model gains over the frequencies of the tokens, and negative once it has learned anything. No logarithm is taken.
"""

from collections.abc import Mapping

import numpy as np

from workbench.fitting.laws.base import Array, Law, Parameter, Separable
from workbench.fitting.laws.powers import EXPONENTS, power

MOST = 100.0
"""Bound of each term at the centre of the data, in nats per token."""


class Vocabulary(Law):
    """L_u(N_nv, N_v, D) = −E + A_1/N_nv^α_1 + A_2/N_v^α_2 + B/D^β with N_v = V·d_model.

    The column `n` holds N_nv: in a table with both counts, the law is fitted under the convention n_non_embedding.
    Theta holds −E and the three terms at the centre of the data, in which L_u is linear. The authors fit with α_1 = β,
    and so that E is positive they write −E.
    """

    name = "vocabulary"
    formula = "L_u(N_nv, N_v, D) = -E + A_1/N_nv^alpha_1 + A_2/N_v^alpha_2 + B/D^beta"
    latex = (
        r"\mathcal{L}_u(N_{\mathrm{nv}}, N_{\mathrm{v}}, D) = -E + \frac{A_1}{N_{\mathrm{nv}}^{\alpha_1}} "
        r"+ \frac{A_2}{N_{\mathrm{v}}^{\alpha_2}} + \frac{B}{D^{\beta}}"
    )
    citation = "Tao et al. 2024 (arXiv 2407.13623), approach 3: parametric fit of the loss"
    columns = ("n", "n_vocab", "d")
    response = "loss_u"
    log_response = False
    parameters = (
        Parameter("E", "what perfect resources would gain over token frequencies", "nats per token", -MOST, MOST, (0,)),
        Parameter("A_1", "amplitude of the non-vocabulary parameters", "nats · parameters^alpha_1", theta=(1, 4)),
        Parameter("A_2", "amplitude of the vocabulary parameters", "nats · parameters^alpha_2", theta=(2, 5)),
        Parameter("B", "amplitude of the term of data", "nats · tokens^beta", theta=(3, 6)),
        Parameter("alpha_1", "exponent of the non-vocabulary parameters", "1", 0.01, 2.5, theta=(4,)),
        Parameter("alpha_2", "exponent of the vocabulary parameters", "1", 0.01, 2.5, theta=(5,)),
        Parameter("beta", "exponent of data", "1", 0.01, 2.5, theta=(6,)),
    )
    theta_names = ("-E", "A_1 at centre", "A_2 at centre", "B at centre", "alpha_1", "alpha_2", "beta")
    theta_bounds = ((-MOST, MOST), *((0.0, MOST),) * 3, *((0.01, 2.5),) * 3)
    nonlinear = (4, 5, 6)

    def starts(self) -> Array:
        """Sizes of the terms at the centre × exponents: 2 × 2 × 2 × 2 × 2 = 32 starts."""
        return np.array(
            [
                (-4.0, level, level, level, alpha_1, alpha_2, beta)
                for level in (0.1, 0.5)
                for alpha_1 in (0.2, 0.6)
                for alpha_2 in (0.2, 0.6)
                for beta in (0.2, 0.6)
            ]
        )

    def axes(self) -> tuple[Array, ...]:
        """The same values for each exponent."""
        return EXPONENTS, EXPONENTS, EXPONENTS

    def separable(self, nodes_SK: Array, x_MF: Array) -> Separable:
        """Given the exponents, L_u is linear in the rest; a term that would be negative is none."""
        powers = np.exp(-nodes_SK[:, :, None] * x_MF.T)
        low_P, high_P = self.bounds_2P

        def join(c_SQ: Array) -> Array:
            return np.column_stack([np.clip(c_SQ, low_P[:4], high_P[:4]), nodes_SK])

        return Separable((np.ones((1, 1)), *powers.transpose(1, 0, 2)), np.ones(len(nodes_SK)), join)

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """L_u itself."""
        return np.asarray(theta_SP[:, 0, None] + self._terms(theta_SP, x_MF)[1].sum(axis=1))

    def _terms(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """x^(−s) of size, vocabulary and data, and the terms they make, (S, 3, M)."""
        powers_SFM = np.exp(-theta_SP[:, 4:, None] * x_MF.T)
        return powers_SFM, theta_SP[:, 1:4, None] * powers_SFM

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """∂(term at centre) = x^(−s), ∂s = −ln x times the term."""
        powers_SFM, terms_SFM = self._terms(theta_SP, x_MF)
        ones_S1M = np.ones((len(theta_SP), 1, len(x_MF)))
        f_SM = theta_SP[:, 0, None] + terms_SFM.sum(axis=1)
        return f_SM, np.concatenate([ones_S1M, powers_SFM, -terms_SFM * x_MF.T], axis=1)

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:  # noqa: ARG002
        """E, A_1, A_2, B and their exponents."""
        exponents_SF = theta_SP[:, 4:]
        a1, a2, b = (theta_SP[:, 1:4] * np.exp(np.minimum(exponents_SF * x_centre_F, 700.0))).T
        alpha_1, alpha_2, beta = exponents_SF.T
        return {
            "E": -theta_SP[:, 0],
            "A_1": a1,
            "A_2": a2,
            "B": b,
            "alpha_1": alpha_1,
            "alpha_2": alpha_2,
            "beta": beta,
        }

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:  # noqa: ARG002
        """The inverse of `to_params`."""
        exponents_F = np.array([params[name] for name in ("alpha_1", "alpha_2", "beta")])
        terms_F = np.array([params[name] for name in ("A_1", "A_2", "B")]) * np.exp(-exponents_F * x_centre_F)
        return np.array([-params["E"], *terms_F, *exponents_F])

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """L_u at `n` non-vocabulary and `n_vocab` vocabulary parameters (V·d_model) and `d` tokens."""
        size = params["A_1"] * power(columns["n"], params["alpha_1"])
        vocabulary = params["A_2"] * power(columns["n_vocab"], params["alpha_2"])
        return np.asarray(size + vocabulary + params["B"] * power(columns["d"], params["beta"]) - params["E"])

    def derived(self, params: Mapping[str, Array]) -> dict[str, Array]:
        """N_v ∝ N_nv^γ at the best allocation of C = 6(N_nv + N_v)D, exactly: γ = (1 + α_1)/(1 + α_2).

        Along fixed C a parameter of either kind costs the same tokens, so that the two slopes are equal there:
        α_1 A_1/N_nv^(1+α_1) = α_2 A_2/N_v^(1+α_2).
        """
        return {"gamma": (1 + params["alpha_1"]) / (1 + params["alpha_2"])}
