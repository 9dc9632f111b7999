"""The best learning rate and batch as powers of size and data (Step Law).

As published, with N the non-embedding parameters and D tokens: η = 1.79·N^−0.713·D^0.307 for the peak rate of AdamW
with a fixed final rate, and B = 0.58·D^0.571 tokens.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from workbench.fitting.laws.base import Array, Parameter
from workbench.fitting.laws.linear import LogLinear


class BestRate(LogLinear):
    """η(N, D) = c·N^a·D^b; a is negative as a rule."""

    name = "best-rate"
    formula = "rate(N, D) = c*N^a*D^b"
    latex = r"\eta(N, D) = c\, N^{a} D^{b}"
    citation = "Li et al. 2025, Step Law (arXiv 2503.04715), eq. 1"
    columns = ("n", "d")
    response = "rate"
    parameters = (
        Parameter("c", "rate at one parameter and one token", "rate · parameters^-a · tokens^-b", theta=(0, 1, 2)),
        Parameter("a", "exponent of model size", "1", -3.0, 3.0, theta=(1,)),
        Parameter("b", "exponent of data", "1", -3.0, 3.0, theta=(2,)),
    )
    theta_names = ("ln rate at centre", "a", "b")
    theta_bounds = ((-10.0, 10.0), (-3.0, 3.0), (-3.0, 3.0))
    published: ClassVar[Mapping[str, float]] = {"c": 1.79, "a": -0.713, "b": 0.307}

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """c, a, b."""
        level_S = self.level(theta_SP, x_centre_F, y_centre)
        return {"c": np.exp(np.clip(level_S, -700.0, 700.0)), "a": theta_SP[:, 1], "b": theta_SP[:, 2]}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        slopes = np.array([params["a"], params["b"]])
        return np.array([self.centred_level(float(np.log(params["c"])), slopes, x_centre_F, y_centre), *slopes])

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The best rate at `n` parameters and `d` tokens."""
        return np.asarray(params["c"] * columns["n"] ** params["a"] * columns["d"] ** params["b"])


class BestBatch(LogLinear):
    """B(D) = c·D^b, in tokens."""

    name = "best-batch"
    formula = "B(D) = c*D^b"
    latex = r"B(D) = c\, D^{b}"
    citation = "Li et al. 2025, Step Law (arXiv 2503.04715), eq. 1"
    columns = ("d",)
    response = "batch"
    parameters = (
        Parameter("c", "batch at one token of data", "tokens · tokens^-b", theta=(0, 1)),
        Parameter("b", "exponent of data", "1", -3.0, 3.0, theta=(1,)),
    )
    theta_names = ("ln batch at centre", "b")
    theta_bounds = ((-10.0, 10.0), (-3.0, 3.0))
    published: ClassVar[Mapping[str, float]] = {"c": 0.58, "b": 0.571}

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """c, b."""
        level_S = self.level(theta_SP, x_centre_F, y_centre)
        return {"c": np.exp(np.clip(level_S, -700.0, 700.0)), "b": theta_SP[:, 1]}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        slopes = np.array([params["b"]])
        return np.array([self.centred_level(float(np.log(params["c"])), slopes, x_centre_F, y_centre), *slopes])

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The best batch at `d` tokens."""
        return np.asarray(params["c"] * columns["d"] ** params["b"])
