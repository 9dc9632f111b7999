"""What a fit minimises: four objectives, each a function of the residuals, with the derivatives a Newton step needs.

huber     sum of Huber_δ(ln L − ln L̂)     Hoffmann et al. 2022 (2203.15556, eq. 3), δ = 1e-3; the sum, as published
lad       sum of |ln L − ln L̂|            the limit δ → 0; what Besiroglu et al. 2024 (2404.10102) in effect report
log-mse   mean of (ln L − ln L̂)²
mse       mean of (L − L̂)²                in nats, so that the largest losses weigh most
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput

Array = NDArray[np.float64]

OBJECTIVES: dict[str, str] = {
    "huber": "sum of Huber(ln L - ln L̂), quadratic within ±delta",
    "lad": "sum of |ln L - ln L̂|",
    "log-mse": "mean of (ln L - ln L̂)²",
    "mse": "mean of (L - L̂)²",
}
"""Name of an objective → its definition."""

LAD_DELTA = 1e-6
"""Half-width of the rounded corner that stands for |r| while Newton steps are taken; vertices.py does the rest."""

RIDGE = 0.03
"""Share of the reweighted curvature that stands in for none beyond the corner: it keeps Newton's matrix positive
definite where few points lie inside. 3% was the quickest on the Chinchilla table."""


@dataclass(frozen=True)
class Objective:
    """One objective. `delta` is the corner of the loss (infinite where it is quadratic everywhere)."""

    name: str
    delta: float

    @property
    def on_raw_loss(self) -> bool:
        """Whether residuals are differences of L rather than of ln L."""
        return self.name == "mse"

    @property
    def continuation(self) -> tuple[float, ...]:
        """Corners from wide to the final one: a wide corner is smooth and leads towards the basin of the narrow one."""
        if not np.isfinite(self.delta):
            return (np.inf,)
        wider = [step for step in (1e-2, 3e-3, 1e-3, 1e-4, 1e-5) if step > 1.5 * self.delta]
        return (*wider, self.delta)

    @property
    def approach(self) -> tuple[float, ...]:
        """Corners passed on the way by a row whose optimum is near: the quickest on the Chinchilla table."""
        return (5 * self.delta, 1.5 * self.delta) if self.name == "huber" else self.continuation[:-1]

    def value(self, r_SM: Array, w_SM: Array) -> Array:
        """The objective as published, one value for each row of residuals."""
        total = (w_SM * rho(r_SM, self.delta)).sum(axis=-1)
        if self.name == "huber":
            return np.asarray(total)
        if self.name == "lad":
            return np.asarray((w_SM * np.abs(r_SM)).sum(axis=-1))
        return np.asarray(2 * total / np.broadcast_to(w_SM, r_SM.shape).sum(axis=-1))


def objective_named(name: str, delta: float) -> Objective:
    """The objective called `name`; `delta` matters to `huber` alone."""
    if name not in OBJECTIVES:
        raise BadInput(f"objective is '{name}'; it must be one of {', '.join(OBJECTIVES)}.")
    if name == "huber":
        if not (np.isfinite(delta) and delta > 0):
            raise BadInput(f"delta is {delta:g}; it must be a positive number (Hoffmann et al. use 1e-3).")
        return Objective(name, float(delta))
    return Objective(name, LAD_DELTA if name == "lad" else np.inf)


def rho(r: Array, delta: float) -> Array:
    """Huber's loss: r²/2 within ±δ, δ(|r| − δ/2) beyond (Huber 1964)."""
    size = np.abs(r)
    inside = np.minimum(size, delta)
    if not np.isfinite(delta):
        return np.asarray(0.5 * size * size)
    return np.asarray(inside * (size - 0.5 * inside))


def psi(r: Array, delta: float) -> Array:
    """The derivative of `rho`."""
    return np.asarray(np.clip(r, -delta, delta))


def curvature(r: Array, delta: float) -> Array:
    """The second derivative of `rho` (1 inside, 0 outside), plus a share of the reweighted one, δ/|r|, beyond."""
    if not np.isfinite(delta):
        return np.ones_like(r)
    size = np.abs(r)
    return np.asarray((RIDGE + (1 - RIDGE) * (size <= delta)) * (delta / np.maximum(size, delta)))
