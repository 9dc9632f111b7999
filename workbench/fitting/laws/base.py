"""What a law is: a formula with parameters, its analytic jacobian, its starts, its LaTeX and its source.

A law speaks twice. To a reader, in the symbols of its paper (`params`, `predict`). To the solver, as a function
f(theta, x) of theta, unconstrained but for bounds, and of centred features, with a batch of thetas at once:

    S  rows of theta solved together (starts or resamples)     M  points (runs)
    P  entries of theta                                        F  features of a point (ln N and ln D, say)
    K  entries of theta that a certificate searches over       Q  amplitudes that are linear given those

f is the logarithm of the response where `log_response` holds (a loss), else the response itself (an error rate).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import BadInput

Array = NDArray[np.float64]

DIFFERENCE = 1e-5
"""Step of the differences that stand for a law's second derivatives."""


@dataclass(frozen=True)
class Parameter:
    """One parameter as its paper names it."""

    name: str
    meaning: str
    unit: str
    low: float = 0.0
    high: float = np.inf
    theta: tuple[int, ...] = ()
    """Entries of theta it is read from, its own first; it can be held at a value when the others are held too."""


@dataclass(frozen=True)
class Local:
    """A law near some thetas: f_SM, and the sums over points that a Newton step needs."""

    f_SM: Array
    gradient: Callable[[Array], Array]
    """v_SM → Σ_m v_m ∇f_m, as (S, P)."""
    second: Callable[[Array, Array], Array]
    """(b_SM, v_SM) → Σ_m b_m ∇f_m ∇f_mᵀ − v_m ∇²f_m, as (S, P, P)."""

    @classmethod
    def of(cls, f_SM: Array, j_SPM: Array, second: Callable[[Array, Array], Array]) -> "Local":
        """From a jacobian."""
        return cls(f_SM, lambda v_SM: (j_SPM @ v_SM[:, :, None])[:, :, 0], second)


@dataclass(frozen=True)
class Separable:
    """Given the nonlinear entries, f = κ ln Σ_q exp(t_q) φ_q; or f = Σ_q c_q φ_q for a response that is no logarithm.

    `basis` holds the φ_q, each (S, M) or of a shape that broadcasts to it; `power_S` is κ.
    """

    basis: tuple[Array, ...]
    power_S: Array
    join: Callable[[Array], Array]
    """(S, Q) amplitudes (their logarithms t_q, or c_q) → theta_SP."""


class Law(ABC):
    """A law of one response in some columns of a canonical table."""

    name: ClassVar[str]
    formula: ClassVar[str]
    latex: ClassVar[str]
    citation: ClassVar[str]
    columns: tuple[str, ...]
    """Canonical columns the law reads."""
    response: ClassVar[str] = "loss"
    """Canonical column it predicts."""
    log_response: ClassVar[bool] = True
    """Whether residuals are differences of logarithms of the response, or of the response itself."""
    parameters: tuple[Parameter, ...]
    theta_names: tuple[str, ...]
    theta_bounds: tuple[tuple[float, float], ...]
    """Bounds of theta in centred coordinates, where every feature and ln L have mean zero: free of units."""
    nonlinear: tuple[int, ...] = ()
    """Entries of theta in which the law is not linear once the amplitudes are (exponents, as a rule)."""

    setting: Mapping[str, Any] = MappingProxyType({})
    """What `configured` was given."""

    @classmethod
    def setting_of(cls, table: pd.DataFrame) -> dict[str, Any]:  # noqa: ARG003
        """What of a table the law depends on (its groups, its domains), as JSON types."""
        return {}

    def configured(self, **setting: Any) -> Self:
        """The law for such a table, its `setting` these; most laws take none."""
        self.known(setting)
        return self

    def known(self, setting: Mapping[str, Any]) -> Mapping[str, Any]:
        """The setting, where the law has everything it names."""
        for name in setting:
            if name not in self.setting:
                takes = ", ".join(self.setting) or "none"
                raise BadInput(f"{self.name} has no setting '{name}'; it takes {takes}.")
        return setting

    def features(self, columns: Mapping[str, Array]) -> Array:
        """x_MF from the columns: their logarithms, unless a law needs something else."""
        return np.column_stack([np.log(columns[name]) for name in self.columns])

    def centre(self, x_MF: Array) -> Array:
        """What to subtract from the features: their means, or 0 for one that must not be moved."""
        return np.asarray(x_MF.mean(axis=0))

    @abstractmethod
    def starts(self) -> Array:
        """The grid of starting points, (S, P), in centred coordinates."""

    def axes(self) -> tuple[Array, ...]:
        """For each nonlinear entry, the values a certificate searches."""
        return ()

    def separable(self, nodes_SK: Array, x_MF: Array) -> Separable | None:  # noqa: ARG002
        """The law at given nonlinear entries, where the rest is then linear; None where it is not."""
        return None

    @abstractmethod
    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """f_SM: the logarithm of the predicted response, or the response."""

    @abstractmethod
    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """f_SM and its derivatives J_SPM."""

    def local(self, theta_SP: Array, x_MF: Array) -> Local:
        """Value, gradient and curvature together, so that what they share is computed once.

        Unless a law knows better, the curvature is differences of its jacobian: good to some 1e-9 of its size.
        """
        f_SM, j_SPM = self.jacobian(theta_SP, x_MF)

        def second(b_SM: Array, v_SM: Array) -> Array:
            n_theta = theta_SP.shape[1]
            h_SPP = np.empty((len(theta_SP), n_theta, n_theta))
            for p in range(n_theta):
                step_P = np.zeros(n_theta)
                step_P[p] = DIFFERENCE
                up, down = (self.jacobian(theta_SP + sign * step_P, x_MF)[1] for sign in (1, -1))
                h_SPP[:, p] = ((up - down) @ v_SM[:, :, None])[:, :, 0] / (2 * DIFFERENCE)
            gauss_SPP = (j_SPM * b_SM[:, None, :]) @ j_SPM.transpose(0, 2, 1)
            return np.asarray(gauss_SPP - (h_SPP + h_SPP.transpose(0, 2, 1)) / 2)

        return Local.of(f_SM, j_SPM, second)

    @abstractmethod
    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """Theta in centred coordinates → the paper's parameters in the table's units."""

    @abstractmethod
    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The paper's parameters → theta_P in centred coordinates: the inverse of `to_params`."""

    @abstractmethod
    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The predicted response from the paper's parameters, by the formula as printed."""

    def derived(self, params: Mapping[str, Array]) -> dict[str, Array]:  # noqa: ARG002
        """Quantities read off the parameters, such as the exponents of the optimal allocation."""
        return {}

    def balance(self, params: Mapping[str, Array]) -> tuple[Array, Array, Array, Array]:
        """(ln A, α, ln B, β) of the reducible loss A/N^α + B/D^β whose minimum at fixed C the law shares."""
        raise NotImplementedError(f"{self.name} is no law of both N and D")

    @property
    def allocates(self) -> bool:
        """Whether the law says how compute divides between N and D."""
        return type(self).balance is not Law.balance

    @property
    def bounds_2P(self) -> Array:
        """Lower and upper bounds as two rows."""
        return np.array(self.theta_bounds, dtype=np.float64).T


def grid_of(axes: Sequence[Array]) -> Array:
    """Every combination of the axes' values, (S, K), the last axis fastest."""
    return np.stack([column.ravel() for column in np.meshgrid(*axes, indexing="ij")], axis=1)
