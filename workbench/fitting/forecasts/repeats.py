"""What training on the same tokens again costs, by a law fitted to such runs or with published constants.

Muennighoff et al. 2023 (2305.16264), eq. 5 and 6: D tokens of which U are unique are worth D′ fresh ones, and N
parameters N′, U_N being the size for which U tokens are optimal:

    D′ = U + U R_D* (1 − e^(−(D/U − 1)/R_D*)),     N′ = U_N + U_N R_N* (1 − e^(−(N/U_N − 1)/R_N*))

"Fresh" is the same law with U = D: N′ is below N there too where N is more than optimal for D. A further token is worth
dD′/dD = e^(−(D/U − 1)/R_D*) of a fresh one: half at 1 + R_D* ln 2 epochs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.fitting.forecasts.decisions import fields
from workbench.fitting.forecasts.surface import Estimate, Surface
from workbench.fitting.laws.base import Array

BORROWED = {"R_N": 5.309743, "R_D": 15.387756}
"""Muennighoff et al. 2023, of their own 182 runs on C4; the constants of another corpus or family may differ much."""

BORROWED_SAID = (
    "What repeats cost is borrowed, not fitted: R_N* = 5.31 and R_D* = 15.4 of Muennighoff et al. 2023 (2305.16264). "
    "Their own runs leave R_D* between about 15 and 270, and the intervals know nothing of that."
)

SPAN = 12.0
"""Sizes from e^−12 to e^12 of the optimum without a limit on data are searched for the one with it …"""

NODES = 193
"""… at so many, and then between the two next to the best."""


@dataclass(frozen=True)
class Repetition:
    """One size and number of tokens, of which `unique_tokens` are distinct, against as many fresh ones."""

    n: Estimate
    d: Estimate
    unique_tokens: float
    epochs: Estimate
    fresh: Estimate
    """Loss, were all tokens distinct."""
    repeated: Estimate
    """Loss with the repeats."""
    cost: Estimate
    """Their difference, in nats per token."""
    effective_tokens: Estimate
    """Distinct tokens that would be worth as much."""
    half_worth_epochs: Estimate
    """Epochs after which a further token is worth half a fresh one."""
    borrowed: bool
    """Whether the constants are published ones."""
    flops: float | None
    """Compute of which this is the best use with so many unique tokens; None for a size and tokens asked for."""
    determined: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return fields(self)


@dataclass(frozen=True)
class Limited:
    """A surface with a limit of unique tokens."""

    surface: Surface
    unique: float

    @property
    def fitted(self) -> bool:
        """Whether the law knows of repeats itself."""
        return "u" in self.surface.law.columns

    @property
    def worth(self) -> Array:
        """R_D* of each row."""
        known = self.surface.params["R_D"] if self.fitted else BORROWED["R_D"]
        return np.broadcast_to(np.asarray(known, dtype=np.float64), (self.surface.rows,))

    def effective_tokens(self, d: Array | float) -> Array:
        """D′."""
        return saturating(np.asarray(d, dtype=np.float64), np.minimum(self.unique, d), self.worth)

    def loss(self, n: Array | float, d: Array | float) -> Array:
        """L of each row with the repeats."""
        if self.fitted:
            return self.surface.loss(n, d, np.minimum(self.unique, d))
        ln_a, alpha, ln_b, beta = self.surface.terms
        with np.errstate(all="ignore"):
            u_d = np.minimum(self.unique, d)
            ln_u_n = (np.log(alpha / beta) + ln_a - ln_b + beta * np.log(u_d)) / alpha
            u_n = np.minimum(np.exp(ln_u_n), n)
            n_effective = saturating(np.asarray(n, dtype=np.float64), u_n, BORROWED["R_N"])
        return self.surface.loss(n_effective, self.effective_tokens(d))

    def optimum(self, flops: float) -> tuple[Array, Array]:
        """N and D of least loss at C: on a grid of sizes, and then between the neighbours of its best."""
        n_opt_S, _ = self.surface.optimum(flops)

        def loss_at(x_S: Array) -> Array:
            n_S = n_opt_S * np.exp(x_S)
            return np.nan_to_num(self.loss(n_S, self.surface.tokens(n_S, flops)), nan=np.inf)

        grid = np.linspace(-SPAN, SPAN, NODES)
        every_KS = np.stack([loss_at(np.full(self.surface.rows, x)) for x in grid])
        best_S = grid[every_KS.argmin(axis=0)]
        step = grid[1] - grid[0]
        low_S, high_S = best_S - step, best_S + step
        for _ in range(60):
            one_S, two_S = low_S + (high_S - low_S) / 3, high_S - (high_S - low_S) / 3
            left = loss_at(one_S) < loss_at(two_S)
            low_S, high_S = np.where(left, low_S, one_S), np.where(left, two_S, high_S)
        n_S = n_opt_S * np.exp((low_S + high_S) / 2)
        return n_S, self.surface.tokens(n_S, flops)


def saturating(x: Array, unique: Array | float, worth: Array | float) -> Array:
    """U + U R* (1 − e^(−(X/U − 1)/R*)): X itself at one epoch, U (1 + R*) in the end."""
    with np.errstate(all="ignore"):
        return np.asarray(unique - unique * worth * np.expm1(-(x / unique - 1) / worth))


def repetition(
    surface: Surface, unique: float, n: Array | float, d: Array | float, flops: float | None = None
) -> Repetition:
    """The cost of repeats at N and D; with `flops`, these are the best use of it (`Limited.optimum`)."""
    limited = Limited(surface, unique)
    n_S, d_S = (np.broadcast_to(np.asarray(x, dtype=np.float64), (surface.rows,)) for x in (n, d))
    fresh_S, repeated_S = Limited(surface, np.inf).loss(n_S, d_S), limited.loss(n_S, d_S)
    read, size = surface.read, surface.size
    return Repetition(
        n=size(n_S),
        d=size(d_S),
        unique_tokens=unique,
        epochs=size(np.maximum(d_S / unique, 1.0)),
        fresh=read(fresh_S),
        repeated=read(repeated_S),
        cost=read(repeated_S - fresh_S),
        effective_tokens=size(limited.effective_tokens(d_S)),
        half_worth_epochs=size(1 + limited.worth * np.log(2)),
        borrowed=not limited.fitted,
        flops=flops,
        determined=surface.settled(read(n_S), read(limited.worth)),
    )
