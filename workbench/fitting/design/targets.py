"""What the next runs should pin down: a number read off a law, and its gradient in theta.

a, alpha, beta, E    the parameter or exponent itself
loss                 the loss at the compute-optimal N and D of a compute C, in nats
n-opt                ln N_opt at C
losses               ln L at the compute-optimal N and D of six computes up to C: their mean variance is the
                     criterion of V-optimality

S  rows of theta     T  numbers of a target     P  entries of theta
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.errors import BadInput
from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.laws.base import Array, Law

TARGETS: dict[str, str] = {
    "a": "the exponent a of N_opt ∝ C^a",
    "alpha": "the exponent of model size",
    "beta": "the exponent of data",
    "E": "the irreducible loss",
    "loss": "the loss at the optimum of C = {}",
    "n-opt": "the compute-optimal N at C = {}",
    "losses": "the losses along the optimum up to C = {}",
}
"""Name of a target → what it is."""

AT_COMPUTE = ("loss", "n-opt", "losses")
"""Targets that need a compute."""

ALONG = 6
"""Computes at which `losses` asks for the loss."""

STEP = 1e-5
"""Of the central differences in theta, whose entries are of order one in centred coordinates."""


@dataclass(frozen=True)
class Target:
    """One target; `flops` is the compute C where it needs one, `since` where the range of `losses` begins."""

    name: str
    flops: float | None = None
    since: float | None = None

    def __post_init__(self) -> None:
        if self.name not in TARGETS:
            raise BadInput(f"target is '{self.name}'; it must be one of {', '.join(TARGETS)}.")
        if self.name not in AT_COMPUTE:
            if self.flops is not None:
                raise BadInput(f"target {self.name} is the same at every compute, but C = {self.flops:g} is given.")
        elif self.flops is None or not (np.isfinite(self.flops) and self.flops > 0):
            given = "none" if self.flops is None else f"{self.flops:g}"
            raise BadInput(f"target {self.name} needs a compute C, a positive number of FLOPs; it has {given}.")

    @property
    def words(self) -> str:
        """The target as a phrase."""
        return TARGETS[self.name].format("" if self.flops is None else f"{self.flops:.3g}")

    @property
    def is_ratio(self) -> bool:
        """Whether its width is one of a logarithm: an interval from a/f to a·f."""
        return self.name in ("n-opt", "losses")

    def values(self, law: Law, params: Mapping[str, Array], cost: Cost) -> Array:
        """The target for each row of parameters, (S, T)."""
        # Extreme resamples may over- or underflow; the caller drops what is not finite.
        with np.errstate(all="ignore"):
            if self.name not in AT_COMPUTE:
                both = {**params, **law.derived(params)}
                if self.name not in both:
                    raise BadInput(f"{law.name} has no {self.name}; it has {', '.join(both)}.")
                return np.asarray(both[self.name])[:, None]
            if not law.allocates:
                raise BadInput(f"{law.name} does not say how compute divides, so it has no target {self.name}.")
            assert self.flops is not None  # __post_init__ saw to it
            if self.name == "losses":
                computes = np.geomspace(self.since or self.flops, self.flops, ALONG)
                return np.log(np.stack([_loss(law, params, cost, c) for c in computes], axis=1))
            if self.name == "n-opt":
                return np.log(cost.optimum(law, params, self.flops)[0])[:, None]
            return _loss(law, params, cost, self.flops)[:, None]

    def gradient(self, law: Law, theta_SP: Array, x_centre_F: Array, y_centre: float, cost: Cost) -> Array:
        """c_STP = ∂ target / ∂ theta, by central differences of the closed forms, all rows at once."""
        n_rows, n_theta = theta_SP.shape
        shift_KP = STEP * np.concatenate([np.eye(n_theta), -np.eye(n_theta)])
        moved = (theta_SP[:, None, :] + shift_KP[None]).reshape(-1, n_theta)
        values = self.values(law, law.to_params(moved, x_centre_F, y_centre), cost)
        both = values.reshape(n_rows, 2, n_theta, -1)
        return np.swapaxes((both[:, 0] - both[:, 1]) / (2 * STEP), 1, 2)


def _loss(law: Law, params: Mapping[str, Array], cost: Cost, flops: float) -> Array:
    n, d = cost.optimum(law, params, flops)
    return np.asarray(law.predict(params, n=n, d=d))
