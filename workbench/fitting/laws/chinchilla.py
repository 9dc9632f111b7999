"""Chinchilla, approach 3: an irreducible loss and one power law for each of model size and data."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from workbench.fitting.laws.base import Array, Parameter
from workbench.fitting.laws.powers import SumOfPowers, power, theta_of


class Chinchilla(SumOfPowers):
    """L(N, D) = E + A/N^α + B/D^β."""

    name = "chinchilla"
    formula = "L(N, D) = E + A/N^alpha + B/D^beta"
    latex = r"L(N, D) = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}"
    citation = "Hoffmann et al. 2022 (arXiv 2203.15556), approach 3, eq. 2"
    columns = ("n", "d")
    parameters = (
        Parameter(
            "E", "irreducible loss: the entropy of the text as these models see it", "nats per token", theta=(0,)
        ),
        Parameter("A", "amplitude of the term of model size", "nats per token · parameters^alpha", theta=(1, 3)),
        Parameter("B", "amplitude of the term of data", "nats per token · tokens^beta", theta=(2, 4)),
        Parameter("alpha", "exponent of model size", "1", 0.01, 2.5, theta=(3,)),
        Parameter("beta", "exponent of data", "1", 0.01, 2.5, theta=(4,)),
    )
    theta_names = ("ln E", "ln A", "ln B", "alpha", "beta")
    theta_bounds = ((-8.0, 1.0), (-10.0, 3.0), (-10.0, 3.0), (0.01, 2.5), (0.01, 2.5))
    terms: ClassVar = ((0, None, None), (1, 3, 0), (2, 4, 1))

    def starts(self) -> Array:
        """Shares of the loss at the centre of the data × exponents: 3 × 3 × 4 × 4 = 144 starts."""
        return np.array(
            [
                (np.log(e), np.log((1 - e) * share), np.log((1 - e) * (1 - share)), alpha, beta)
                for e in (0.2, 0.5, 0.85)
                for share in (0.2, 0.5, 0.8)
                for alpha in (0.1, 0.3, 0.6, 1.0)
                for beta in (0.1, 0.3, 0.6, 1.0)
            ]
        )

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """E, A, B, alpha, beta."""
        e, a, b, alpha, beta = self.uncentred(theta_SP, x_centre_F, y_centre).T
        return {"E": np.exp(e), "A": np.exp(a), "B": np.exp(b), "alpha": alpha, "beta": beta}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        theta_1P = theta_of(params, ("E", "A", "B", "alpha", "beta"), ("E", "A", "B"))
        return self.centred(theta_1P, x_centre_F, y_centre)[0]

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The loss at `n` parameters and `d` tokens."""
        size, data = power(columns["n"], params["alpha"]), power(columns["d"], params["beta"])
        return np.asarray(params["E"] + params["A"] * size + params["B"] * data)

    def balance(self, params: Mapping[str, Array]) -> tuple[Array, Array, Array, Array]:
        """The law's own two terms."""
        return np.log(params["A"]), params["alpha"], np.log(params["B"]), params["beta"]

    def derived(self, params: Mapping[str, Array]) -> dict[str, Array]:
        """N_opt ∝ C^a and D_opt ∝ C^b where C ∝ N·D: a = β/(α+β), b = α/(α+β)."""
        total = params["alpha"] + params["beta"]
        return {"a": params["beta"] / total, "b": params["alpha"] / total}


class ChinchillaTied(SumOfPowers):
    """L(N, D) = E + A/N^α + B/D^α: size and data with one exponent, so that both grow as √C."""

    name = "chinchilla-tied"
    formula = "L(N, D) = E + A/N^alpha + B/D^alpha"
    latex = r"L(N, D) = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\alpha}}"
    citation = "Muennighoff et al. 2023 (arXiv 2305.16264), appendix A, who fit C4 with α = β"
    columns = ("n", "d")
    parameters = (
        Parameter("E", "irreducible loss", "nats per token", theta=(0,)),
        Parameter("A", "amplitude of the term of model size", "nats per token · parameters^alpha", theta=(1, 3)),
        Parameter("B", "amplitude of the term of data", "nats per token · tokens^alpha", theta=(2, 3)),
        Parameter("alpha", "exponent of model size and of data", "1", 0.01, 2.5, theta=(3,)),
    )
    theta_names = ("ln E", "ln A", "ln B", "alpha")
    theta_bounds = ((-8.0, 1.0), (-10.0, 3.0), (-10.0, 3.0), (0.01, 2.5))
    terms: ClassVar = ((0, None, None), (1, 3, 0), (2, 3, 1))

    def starts(self) -> Array:
        """Shares of the loss at the centre of the data × exponents: 3 × 3 × 4 = 36 starts."""
        return np.array(
            [
                (np.log(e), np.log((1 - e) * share), np.log((1 - e) * (1 - share)), alpha)
                for e in (0.2, 0.5, 0.85)
                for share in (0.2, 0.5, 0.8)
                for alpha in (0.1, 0.3, 0.6, 1.0)
            ]
        )

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """E, A, B, alpha."""
        e, a, b, alpha = self.uncentred(theta_SP, x_centre_F, y_centre).T
        return {"E": np.exp(e), "A": np.exp(a), "B": np.exp(b), "alpha": alpha}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        theta_1P = theta_of(params, ("E", "A", "B", "alpha"), ("E", "A", "B"))
        return self.centred(theta_1P, x_centre_F, y_centre)[0]

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The loss at `n` parameters and `d` tokens."""
        size, data = power(columns["n"], params["alpha"]), power(columns["d"], params["alpha"])
        return np.asarray(params["E"] + params["A"] * size + params["B"] * data)

    def balance(self, params: Mapping[str, Array]) -> tuple[Array, Array, Array, Array]:
        """The law's own two terms."""
        return np.log(params["A"]), params["alpha"], np.log(params["B"]), params["alpha"]
