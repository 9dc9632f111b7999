"""A law's loss over N and D for the point estimate and every draw at once: what all decisions are read off.

With R = A/N^α + B/D^β the terms that N and D share out (`Law.balance`) and C = k N^s D, s = 1 + κ (`cost`), the least R
at a compute is itself a power of it, whatever the law makes of R:

    αA N^−α = s βB D^−β at the optimum,   so that   R_opt ∝ C^−γ,  γ = αβ/(α + sβ),  and size has the share
    w = A N^−α / R = sβ/(α + sβ) of R

For s = 1 this is Hoffmann et al. 2022 (2203.15556), eq. 4, with γ as in Besiroglu et al. 2024 (2404.10102), section 4.

    S  rows of parameters: the point estimate, then the bootstrap draws
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.errors import BadInput
from workbench.fitting.determined import VAGUE, narrow
from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Array, Law
from workbench.fitting.record import Fit, Interval

REACH = 230.0
"""Computes are sought up to e^230 = 1e100 FLOPs; what takes more is out of reach."""

HALVINGS = 64
"""Of an interval of logarithms: to the last digit of a float."""

ALLOCATING = tuple(name for name, law in LAWS.items() if law.allocates and set(law.columns) <= {"n", "d", "u"})
"""Laws of single runs that say how compute divides, and read N, D and unique tokens alone."""


@dataclass(frozen=True)
class Estimate:
    """A number read off a law, and its interval (NaN where the fit has no draws)."""

    value: float
    interval: Interval
    open: bool = False
    """Whether the runs leave it open: its interval spans more than two decades."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; null where it is open."""
        if self.open:
            return {"value": None, "interval": [None, None]}
        return {"value": self.value, "interval": list(self.interval)}


@dataclass(frozen=True)
class Surface:
    """L(N, D) and C(N, D) for each row of parameters."""

    fit: Fit
    law: Law
    params: Mapping[str, Array]
    cost: Cost

    @classmethod
    def of(cls, fit: Fit) -> "Surface":
        """The surface of a fit of a law of N and D."""
        law = LAWS.get(fit.law)
        if law is None or fit.law not in ALLOCATING:
            raise BadInput(f"{fit.law} does not say how compute divides; use one of {', '.join(ALLOCATING)}.")
        draws = fit.draws()
        empty = np.empty(0)
        params = {name: np.concatenate([[value], draws.get(name, empty)]) for name, value in fit.params.items()}
        return cls(fit, law, params, fit.cost)

    @property
    def rows(self) -> int:
        """S."""
        return len(next(iter(self.params.values())))

    def loss(self, n: Array | float, d: Array | float, u: Array | float | None = None) -> Array:
        """L of each row, of `u` unique tokens where the law knows of them (as many as `d`, unless given)."""
        columns = {"n": np.asarray(n, dtype=np.float64), "d": np.asarray(d, dtype=np.float64)}
        if "u" in self.law.columns:
            columns["u"] = np.asarray(d if u is None else u, dtype=np.float64)
        # Extreme draws may over- or underflow; they stay in the tails of the interval.
        with np.errstate(all="ignore"):
            found = self.law.predict(self.params, **columns)
        return np.broadcast_to(found, (self.rows,))

    @property
    def terms(self) -> tuple[Array, Array, Array, Array]:
        """ln A, α, ln B and β of R."""
        with np.errstate(all="ignore"):
            return self.law.balance(self.params)

    @property
    def steep(self) -> float:
        """s = 1 + κ, the power of N in C."""
        return 1 + self.cost.tilt

    @property
    def gamma(self) -> Array:
        """γ of R_opt ∝ C^−γ."""
        _, alpha, _, beta = self.terms
        return np.asarray(alpha * beta / (alpha + self.steep * beta))

    @property
    def share(self) -> Array:
        """w, the share of size in R at every optimum."""
        _, alpha, _, beta = self.terms
        return np.asarray(self.steep * beta / (alpha + self.steep * beta))

    def optimum(self, flops: Array | float) -> tuple[Array, Array]:
        """N_opt and D_opt at C."""
        with np.errstate(all="ignore"):
            return self.cost.optimum(self.law, self.params, flops)

    def tokens(self, n: Array | float, flops: Array | float) -> Array:
        """D of size N at C."""
        return np.asarray(flops / (self.cost.k * np.asarray(n, dtype=np.float64) ** self.steep))

    def best(self, flops: Array | float) -> Array:
        """L at the optimum of C."""
        return self.loss(*self.optimum(flops))

    def compute_for(self, loss: Array | float) -> Array:
        """C whose optimum has this loss: infinite where the law never comes so low, 0 where it is never so high."""
        target = np.broadcast_to(np.asarray(loss, dtype=np.float64), (self.rows,))
        ln_c = solve(lambda x: self.best(np.exp(x)) > target, np.zeros(self.rows), np.full(self.rows, REACH))
        found = np.where(ln_c >= REACH * (1 - 1e-9), np.inf, np.where(ln_c <= REACH * 1e-9, 0.0, np.exp(ln_c)))
        known = np.isfinite(target) & ~np.isnan(self.best(np.exp(ln_c)))
        return np.asarray(np.where(known, found, np.nan))

    def read(self, values_S: Array) -> Estimate:
        """The point estimate's value, with the interval of the draws'."""
        return Estimate(float(values_S[0]), interval(values_S[1:], self.fit.cut))

    def size(self, values_S: Array) -> Estimate:
        """The same of a size, tokens or compute, which its own interval may leave open."""
        found = self.read(values_S)
        return Estimate(found.value, found.interval, open=not narrow(found.interval))

    def settled(self, *sizes: Estimate, loss: Estimate | None = None) -> bool:
        """Whether the law is identified, and no interval of these sizes, computes or of the loss says too little."""
        known = loss is None or narrow(loss.interval, VAGUE)
        return self.fit.identified and known and all(narrow(one.interval) for one in sizes)


def interval(draws_S: Array, share: float) -> Interval:
    """The interval that leaves `share` of the draws at each end; an infinite draw is as good as any other."""
    known = draws_S[~np.isnan(draws_S)]
    if len(known) < 20:
        return (float("nan"), float("nan"))
    if np.isfinite(known).all():
        low, high = np.quantile(known, [share, 1 - share])
    else:  # nothing lies between a number and an infinite one
        low, high = np.quantile(known, [share, 1 - share], method="inverted_cdf")
    return float(low), float(high)


def solve(above: Any, low_S: Array, high_S: Array) -> Array:
    """Where `above(x_S)` turns from true to false between low and high, by halving; an end where it never does."""
    low_S, high_S = low_S.copy(), high_S.copy()
    for _ in range(HALVINGS):
        middle_S = (low_S + high_S) / 2
        up = above(middle_S)
        low_S, high_S = np.where(up, middle_S, low_S), np.where(up, high_S, middle_S)
    return np.asarray((low_S + high_S) / 2)
