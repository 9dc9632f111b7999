"""A power law with an irreducible loss, in one resource at a time: size, data or compute."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from workbench.fitting.laws.base import Array, Parameter
from workbench.fitting.laws.powers import SumOfPowers, power, theta_of


class _OffsetPower(SumOfPowers):
    """L(X) = E + A·X^(−α), no other resource limiting. The source writes L_∞ for E and (x_0/x)^α for A·x^(−α)."""

    theta_names = ("ln E", "ln A", "alpha")
    theta_bounds = ((-8.0, 1.0), (-10.0, 3.0), (0.01, 2.5))
    terms: ClassVar = ((0, None, None), (1, 2, 0))

    def starts(self) -> Array:
        """Shares of the loss at the centre of the data × exponents: 4 × 5 = 20 starts."""
        return np.array(
            [
                (np.log(share), np.log(1 - share), alpha)
                for share in (0.1, 0.4, 0.7, 0.95)
                for alpha in (0.05, 0.15, 0.35, 0.7, 1.3)
            ]
        )

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """E, A, alpha."""
        e, a, alpha = self.uncentred(theta_SP, x_centre_F, y_centre).T
        return {"E": np.exp(e), "A": np.exp(a), "alpha": alpha}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        theta_1P = theta_of(params, ("E", "A", "alpha"), ("E", "A"))
        return self.centred(theta_1P, x_centre_F, y_centre)[0]

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """E + A·X^(−α)."""
        return np.asarray(params["E"] + params["A"] * power(columns[self.columns[0]], params["alpha"]))


def _parameters(resource: str, unit: str) -> tuple[Parameter, ...]:
    return (
        Parameter("E", f"irreducible loss: the limit of unlimited {resource}", "nats per token", theta=(0,)),
        Parameter("A", "amplitude of the reducible loss", f"nats per token · {unit}^alpha", theta=(1, 2)),
        Parameter("alpha", f"exponent of {resource}", "1", 0.01, 2.5, theta=(2,)),
    )


class PowerN(_OffsetPower):
    """L(N) = E + A·N^(−α), with data unlimited."""

    name = "power-n"
    formula = "L(N) = E + A*N^-alpha"
    latex = r"L(N) = E + A\,N^{-\alpha}"
    citation = "Henighan et al. 2020 (arXiv 2010.14701), eq. 1.1, x = N"
    columns = ("n",)
    parameters = _parameters("model size", "parameters")


class PowerD(_OffsetPower):
    """L(D) = E + A·D^(−α), with model size unlimited."""

    name = "power-d"
    formula = "L(D) = E + A*D^-alpha"
    latex = r"L(D) = E + A\,D^{-\alpha}"
    citation = "Henighan et al. 2020 (arXiv 2010.14701), eq. 1.1, x = D"
    columns = ("d",)
    parameters = _parameters("data", "tokens")


class PowerC(_OffsetPower):
    """L(C) = E + A·C^(−α) along the compute-optimal frontier."""

    name = "power-c"
    formula = "L(C) = E + A*C^-alpha"
    latex = r"L(C) = E + A\,C^{-\alpha}"
    citation = "Henighan et al. 2020 (arXiv 2010.14701), eq. 1.1, x = C"
    columns = ("c",)
    parameters = _parameters("compute", "FLOPs")
