"""Losses from the mixture of domains trained on, and from the loss on another corpus."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.laws.base import Array, Law, Parameter, Separable

SHARE = "share_"
"""What the columns of a mixture begin with; the domain follows."""

WHOLE = 0.02
"""Shares may miss one by this much, from rounding; they are then divided by their sum."""

TILT = 12.0
"""Bound of t_j either side of zero."""


class Mixture(Law):
    """L(r) = c + k·exp(Σ_j t_j r_j), r_j the shares of the domains trained on.

    Shares sum to one, so that only k·exp(t_j) is determined: adding τ to every t_j divides k by exp(τ). Here
    Σ_j t_j = 0, and k is the reducible loss of the even mixture; a domain with a negative t_j helps. Theta has all t_j
    but the last.
    """

    name = "mixture"
    formula = "L(r) = c + k*exp(sum_j t_j*r_j)"
    latex = r"L(r) = c + k \exp\!\left(\sum_j t_j r_j\right),\quad \sum_j r_j = 1,\ \sum_j t_j = 0"
    citation = "Ye et al. 2024, Data Mixing Laws (arXiv 2403.16952), eq. 1 and 6"

    def __init__(self, domains: Sequence[str] = ("a", "b")) -> None:
        self.domains = tuple(domains)
        if len(self.domains) < 2:
            from workbench.fitting.record import NotIdentifiable  # the record knows the laws

            raise NotIdentifiable(f"a mixture needs two columns {SHARE}<domain> or more; there is one.")
        self.setting = {"domains": list(self.domains)}
        self.columns = tuple(SHARE + domain for domain in self.domains)
        free = range(2, len(self.domains) + 1)
        entries = [*((entry,) for entry in free), tuple(free)]
        tilts = (
            Parameter(f"t_{domain}", f"effect of the share of {domain}", "1", -np.inf, theta=entry)
            for domain, entry in zip(self.domains, entries, strict=True)
        )
        self.parameters = (
            Parameter("c", "loss that no mixture removes", "nats per token", theta=(0,)),
            Parameter("k", "reducible loss of the even mixture", "nats per token", theta=(1,)),
            *tilts,
        )
        self.theta_names = ("ln c", "ln k", *(f"t_{domain}" for domain in self.domains[:-1]))
        self.theta_bounds = ((-8.0, 1.0), (-12.0, 3.0), *((-TILT, TILT),) * len(free))
        self.nonlinear = tuple(free)

    @classmethod
    def setting_of(cls, table: pd.DataFrame) -> dict[str, Any]:
        """The domains, in the order of the table's columns."""
        domains = [str(name)[len(SHARE) :] for name in table.columns if str(name).startswith(SHARE)]
        return {"domains": domains} if domains else {}

    def configured(self, **setting: Any) -> Self:
        """The law of `domains`."""
        return type(self)(self.known(setting).get("domains", self.domains))

    def features(self, columns: Mapping[str, Array]) -> Array:
        """The shares themselves."""
        r_MF = np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in self.columns])
        whole_M = r_MF.sum(axis=1)
        if (np.abs(whole_M - 1) > WHOLE).any():
            worst = whole_M[np.abs(whole_M - 1).argmax()]
            raise BadInput(f"the shares {', '.join(self.columns)} of a run sum to {worst:.3g}; they must sum to 1.")
        return r_MF / whole_M[:, None]

    def centre(self, x_MF: Array) -> Array:
        """Shares are not moved."""
        return np.zeros(x_MF.shape[1])

    def starts(self) -> Array:
        """c × no effect, or one domain that helps or hurts: 3 × (2M + 1) starts for M domains."""
        many = len(self.domains)
        tilts = [np.zeros(many), *(sign * (np.eye(many)[j] - 1 / many) for j in range(many) for sign in (-1.5, 1.5))]
        return np.array([(np.log(c), np.log(1 - c), *tilt[:-1]) for c in (0.2, 0.6, 0.9) for tilt in tilts])

    def axes(self) -> tuple[Array, ...]:
        """Values of each t."""
        few = np.concatenate([-np.geomspace(0.05, 10.0, 12)[::-1], np.geomspace(0.05, 10.0, 12)])
        return (few,) * len(self.nonlinear)

    def _tilt(self, t_SK: Array, x_MF: Array) -> Array:
        """Σ_j t_j r_j with the last t less the sum of the others."""
        return np.asarray(t_SK @ (x_MF[:, :-1] - x_MF[:, -1:]).T)

    def separable(self, nodes_SK: Array, x_MF: Array) -> Separable:
        """Given t, L is linear in c and k."""
        basis = (np.ones((1, 1)), np.exp(self._tilt(nodes_SK, x_MF)))
        return Separable(basis, np.ones(len(nodes_SK)), lambda t_SQ: np.column_stack([t_SQ, nodes_SK]))

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """The logarithm of the two terms' sum."""
        return np.logaddexp(theta_SP[:, :1], theta_SP[:, 1:2] + self._tilt(theta_SP[:, 2:], x_MF))

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """With p the reducible share of L: ∂ln c = 1 − p, ∂ln k = p, ∂t_j = p (r_j − r_last)."""
        f_SM = self.evaluate(theta_SP, x_MF)
        p_SM = 1 - np.exp(theta_SP[:, :1] - f_SM)
        tilts = [p_SM * (x_MF[:, j] - x_MF[:, -1]) for j in range(len(self.nonlinear))]
        return f_SM, np.stack([1 - p_SM, p_SM, *tilts], axis=1)

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:  # noqa: ARG002
        """c, k and every t."""
        tilts = [*theta_SP[:, 2:].T, -theta_SP[:, 2:].sum(axis=1)]
        named = {f"t_{domain}": tilt for domain, tilt in zip(self.domains, tilts, strict=True)}
        return {"c": np.exp(theta_SP[:, 0] + y_centre), "k": np.exp(theta_SP[:, 1] + y_centre), **named}

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:  # noqa: ARG002
        """The inverse of `to_params`; t of any sum, such as a paper's, which k then takes over."""
        tilts = np.array([params[f"t_{domain}"] for domain in self.domains])
        mean = tilts.mean()
        levels = np.log([params["c"], params["k"]]) - y_centre + [0.0, mean]
        return np.concatenate([levels, (tilts - mean)[:-1]])

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The loss after training on a mixture of shares."""
        tilt = sum(params[f"t_{domain}"] * np.asarray(columns[SHARE + domain]) for domain in self.domains)
        return np.asarray(params["c"] + params["k"] * np.exp(tilt))


class LossToLoss(Law):
    """L_1 = K·(L_0 − E_0)^κ + E_1: the loss on one corpus from the loss on another, in models paired by compute.

    The feature is ln L_0 less that of the least loss, so that E_0, in theta a share of that loss, stays below it.
    """

    name = "loss-to-loss"
    formula = "L_1 = K*(L_0 - E_0)^kappa + E_1"
    latex = r"L_1 = K \cdot (L_0 - E_0)^{\kappa} + E_1"
    citation = "Brandfonbrener et al. 2024 (arXiv 2411.12925), the shifted power law of train-to-train prediction"
    columns = ("source_loss",)
    parameters = (
        Parameter("K", "amplitude", "nats^(1-kappa)", theta=(1, 2)),
        Parameter("kappa", "exponent", "1", 0.05, 10.0, theta=(2,)),
        Parameter("E_0", "irreducible loss on the source corpus", "nats per token", theta=(3,)),
        Parameter("E_1", "irreducible loss on the predicted corpus", "nats per token", theta=(0,)),
    )
    theta_names = ("ln E_1", "ln K", "kappa", "E_0 / least L_0")
    theta_bounds = ((-8.0, 1.0), (-15.0, 15.0), (0.05, 10.0), (0.0, 0.999))
    nonlinear = (2, 3)

    def centre(self, x_MF: Array) -> Array:
        """The least of ln L_0, not the mean."""
        return np.asarray(x_MF.min(axis=0))

    def starts(self) -> Array:
        """Shares of E_1 × κ × E_0: 3 × 4 × 4 = 48 starts."""
        return np.array(
            [
                (np.log(e), np.log((1 - e) / (1.3 - floor) ** kappa), kappa, floor)
                for e in (0.05, 0.4, 0.8)
                for kappa in (0.5, 0.9, 1.2, 2.0)
                for floor in (0.1, 0.5, 0.8, 0.95)
            ]
        )

    def axes(self) -> tuple[Array, ...]:
        """κ, and E_0 ever closer to the least loss."""
        return np.geomspace(0.1, 8.0, 24), 1 - np.geomspace(0.002, 1.0, 20)

    def _excess(self, floor_S1: Array, x_MF: Array) -> Array:
        """L_0 − E_0 in units of the least L_0; rows below it, when predicted, are at the floor."""
        return np.maximum(np.exp(x_MF[:, 0]) - floor_S1, 1e-12)

    def separable(self, nodes_SK: Array, x_MF: Array) -> Separable:
        """Given κ and E_0, L_1 is linear in E_1 and K."""
        basis = (np.ones((1, 1)), self._excess(nodes_SK[:, 1:], x_MF) ** nodes_SK[:, :1])
        return Separable(basis, np.ones(len(nodes_SK)), lambda t_SQ: np.column_stack([t_SQ, nodes_SK]))

    def evaluate(self, theta_SP: Array, x_MF: Array) -> Array:
        """The logarithm of the two terms' sum."""
        e, k, kappa, floor = (theta_SP[:, i, None] for i in range(4))
        return np.logaddexp(e, k + kappa * np.log(self._excess(floor, x_MF)))

    def jacobian(self, theta_SP: Array, x_MF: Array) -> tuple[Array, Array]:
        """With p the power's share and g = L_0 − E_0: ∂ln E_1 = 1 − p, ∂ln K = p, ∂κ = p ln g, ∂E_0 = −p κ/g."""
        f_SM = self.evaluate(theta_SP, x_MF)
        excess_SM = self._excess(theta_SP[:, 3:], x_MF)
        p_SM = 1 - np.exp(theta_SP[:, :1] - f_SM)
        j_SPM = np.stack([1 - p_SM, p_SM, p_SM * np.log(excess_SM), -p_SM * theta_SP[:, 2:3] / excess_SM], axis=1)
        return f_SM, j_SPM

    def to_params(self, theta_SP: Array, x_centre_F: Array, y_centre: float) -> dict[str, Array]:
        """K, kappa, E_0, E_1."""
        e, k, kappa, floor = theta_SP.T
        return {
            "K": np.exp(k + y_centre - kappa * x_centre_F[0]),
            "kappa": kappa,
            "E_0": floor * np.exp(x_centre_F[0]),
            "E_1": np.exp(e + y_centre),
        }

    def from_params(self, params: Mapping[str, float], x_centre_F: Array, y_centre: float) -> Array:
        """The inverse of `to_params`."""
        kappa = params["kappa"]
        k = np.log(params["K"]) - y_centre + kappa * x_centre_F[0]
        return np.array([np.log(params["E_1"]) - y_centre, k, kappa, params["E_0"] * np.exp(-x_centre_F[0])])

    def predict(self, params: Mapping[str, Array | float], **columns: Array) -> Array:
        """The loss where that on the source is `source_loss`; a source loss below E_0 gives E_1."""
        excess = np.maximum(np.asarray(columns["source_loss"]) - params["E_0"], 0.0)
        return np.asarray(params["K"] * excess ** params["kappa"] + params["E_1"])
