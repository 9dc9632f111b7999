"""What a law is: a formula of N, D or C with parameters, its analytic jacobian, its starts, its LaTeX and its source.

A law speaks twice. To a reader, in the symbols of its paper (`params`, `predict`). To the solver, as a function
f(theta, x) of unconstrained-looking parameters and of centred logarithms, with a batch of thetas at once:

    S  rows of theta solved together (starts or resamples)     M  points (runs)
    P  entries of theta                                        F  features of a point (ln N, ln D or ln C)
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameter:
    """One parameter as its paper names it."""

    name: str
    meaning: str
    unit: str
    low: float = 0.0
    high: float = np.inf


class Law(ABC):
    """A law of one response (ln L, unless `response` says otherwise) in the logarithms of `columns`."""

    name: ClassVar[str]
    formula: ClassVar[str]
    latex: ClassVar[str]
    citation: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    parameters: ClassVar[tuple[Parameter, ...]]
    theta_names: ClassVar[tuple[str, ...]]
    theta_bounds: tuple[tuple[float, float], ...]
    """Bounds of theta in centred coordinates, where every feature and ln L have mean zero: free of units."""

    @abstractmethod
    def starts(self) -> Array:
        """The grid of starting points, (S, P), in centred coordinates."""

    @abstractmethod
    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """f_SM, the logarithm of the predicted loss."""

    @abstractmethod
    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """f_SM and its derivatives J_SPM."""

    def curvature(self, theta_SP: Array, x_MF: Array, v_SM: Array) -> Array | None:  # noqa: ARG002
        """Σ_m v_m ∇²f_m as (S, P, P), where the law has it in closed form; on None, Newton becomes Gauss–Newton."""
        return None

    @abstractmethod
    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """Theta in centred coordinates → the paper's parameters in the table's units."""

    @abstractmethod
    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The predicted loss (in nats) from the paper's parameters."""

    def derived(self, params: Mapping[str, Array]) -> dict[str, Array]:  # noqa: ARG002
        """Quantities read off the parameters, such as the exponents of the optimal allocation."""
        return {}

    def balance(self, params: Mapping[str, Array]) -> tuple[Array, Array, Array, Array]:
        """(ln A, α, ln B, β) of the reducible loss A/N^α + B/D^β whose minimum at fixed C the law shares."""
        raise NotImplementedError(f"{self.name} is no law of both N and D")

    @property
    def bounds_2P(self) -> Array:
        """Lower and upper bounds as two rows."""
        return np.array(self.theta_bounds, dtype=np.float64).T


class SumOfPowers(Law):
    """L = Σ_k exp(t_k) · x_k^(−s_k): a sum of power laws, one a constant. ln L is a log-sum-exp, smooth and safe.

    `terms` lists, for each summand, the index in theta of its amplitude's logarithm, and the indices in theta and in
    the features of its exponent (None for the constant).
    """

    terms: ClassVar[tuple[tuple[int, int | None, int | None], ...]]

    def _logits(self, theta_SP: Array, x_MF: Array) -> list[Array]:
        logits = []
        for amplitude, exponent, feature in self.terms:
            level = theta_SP[:, amplitude, None]
            if exponent is None or feature is None:
                logits.append(np.broadcast_to(level, (len(theta_SP), len(x_MF))))
            else:
                logits.append(level - theta_SP[:, exponent, None] * x_MF[:, feature])
        return logits

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """Log-sum-exp over the terms."""
        return self._softmax(theta_SP, x_MF)[0]

    def _softmax(self, theta_SP: Array, x_MF: Array) -> tuple[Array, list[Array]]:
        """Ln L, and each term's share of L."""
        logits = self._logits(theta_SP, x_MF)
        if len(logits) == 1:
            return logits[0], [np.ones_like(logits[0])]
        top = logits[0]
        for other in logits[1:]:
            top = np.maximum(top, other)
        shares = [np.exp(logit - top) for logit in logits]
        total = sum(shares[1:], shares[0])
        return top + np.log(total), [share / total for share in shares]

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """∂ln L/∂t_k is term k's share of L; ∂ln L/∂s_k is −x times that share."""
        f_SM, shares = self._softmax(theta_SP, x_MF)
        j_SPM = np.empty((len(theta_SP), theta_SP.shape[1], len(x_MF)))
        for (amplitude, exponent, feature), share in zip(self.terms, shares, strict=True):
            j_SPM[:, amplitude] = share
            if exponent is not None and feature is not None:
                j_SPM[:, exponent] = -share * x_MF[:, feature]
        return f_SM, j_SPM

    def curvature(self, theta_SP: Array, x_MF: Array, v_SM: Array) -> Array:
        """∇²f = Σ_k share_k z_k z_kᵀ − ∇f ∇fᵀ, since every logit is linear in theta with gradient z_k."""
        _, shares = self._softmax(theta_SP, x_MF)
        _, j_SPM = self.jacobian(theta_SP, x_MF)
        h_SPP = -(j_SPM * v_SM[:, None, :]) @ j_SPM.transpose(0, 2, 1)
        for (amplitude, exponent, feature), share in zip(self.terms, shares, strict=True):
            weight = v_SM * share
            h_SPP[:, amplitude, amplitude] += weight.sum(axis=1)
            if exponent is not None and feature is not None:
                x_M = x_MF[:, feature]
                cross = -(weight @ x_M)
                h_SPP[:, amplitude, exponent] += cross
                h_SPP[:, exponent, amplitude] += cross
                h_SPP[:, exponent, exponent] += weight @ (x_M * x_M)
        return h_SPP

    def uncentred(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> Array:
        """The amplitudes' logarithms in the table's own units; exponents do not change."""
        out = np.array(theta_SP, dtype=np.float64)
        for amplitude, exponent, feature in self.terms:
            out[:, amplitude] += y_centre
            if exponent is not None and feature is not None:
                out[:, amplitude] += theta_SP[:, exponent] * x_centre_F[feature]
        return out
