"""What departing from the optimum costs, how flat it is, and what a compute multiplier is worth.

A model of N = f·N_opt at the same C, so that D = f^(−s)·D_opt, has with w the share of size (see `surface`)

    R/R_opt = w f^−α + (1 − w) f^(sβ),    C_eq = C (R/R_opt)^(−1/γ)

whatever C is, where C_eq is the compute whose optimum is as good: C/C_eq is the overhead of de Vries 2023, "Go smol or
go home". The loss itself is inverted here, so that it holds as well where a law bends the terms. A multiplier m, of
hardware or of an algorithm, is worth L_opt(C) − L_opt(mC) at C: the compute-equivalent gain of Davidson et al. 2023
(2312.07413).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.fitting.forecasts.surface import Estimate, Surface, solve
from workbench.fitting.laws.base import Array

NEAR = (0.001, 0.01)
"""Losses within these shares of the least tell how flat the optimum is."""

FAR = 60.0
"""Sizes are sought up to e^60 times the optimum, and down to e^−60 of it."""


@dataclass(frozen=True)
class Departure:
    """One size that is not the optimal one, at the optimum's compute."""

    flops: float
    factor: float
    """N over the optimal N of the point estimate."""
    n: float
    d: float
    loss: Estimate
    excess: Estimate
    """Loss over that of the optimum, in nats: where the law's draws have their optima elsewhere, over theirs."""
    overhead: Estimate
    """How many times the compute that would reach this loss at its own optimum."""
    determined: bool
    open: bool = False
    """Whether the optimum is, and with it the size and the tokens."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; null where it is open."""
        return fields(self) | ({"n": None, "d": None} if self.open else {})


@dataclass(frozen=True)
class Flatness:
    """The sizes whose loss at a compute is within a share of the least."""

    flops: float
    share: float
    low: Estimate
    high: Estimate
    determined: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return fields(self)


@dataclass(frozen=True)
class Multiplier:
    """What `factor` times the compute is worth at `flops`, both spent optimally; or the factor that `gain` is worth."""

    flops: float
    factor: Estimate
    gain: Estimate
    """Loss saved, in nats per token."""
    relative: Estimate
    """The same as a share of the loss."""
    determined: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return fields(self)


def departures(surface: Surface, flops: float, factors: Sequence[float]) -> tuple[Departure, ...]:
    """The cost of each factor times the optimal size at `flops`."""
    n_opt_S, d_opt_S = surface.optimum(flops)
    best_S = surface.loss(n_opt_S, d_opt_S)
    optimum = surface.size(n_opt_S)
    found = []
    for factor in factors:
        n = float(factor * n_opt_S[0])
        d = surface.cost.tokens(n, flops)
        loss_S = surface.loss(n, d)
        loss = surface.read(loss_S)
        found.append(
            Departure(
                flops=flops,
                factor=factor,
                n=n,
                d=d,
                loss=loss,
                excess=surface.read(np.maximum(loss_S - best_S, 0.0)),
                overhead=surface.read(overhead(surface, flops, loss_S)),
                determined=surface.settled(optimum, loss=loss),
                open=optimum.open,
            )
        )
    return tuple(found)


def overhead(surface: Surface, flops: float, loss_S: Array) -> Array:
    """How many times the compute that reaches these losses at its own optimum: infinite where none is needed."""
    with np.errstate(divide="ignore"):
        return np.asarray(flops / surface.compute_for(loss_S))


def flatness(surface: Surface, flops: float, share: float) -> Flatness:
    """Between which sizes the loss at `flops` is within `share` of the least."""
    n_opt_S, d_opt_S = surface.optimum(flops)
    allowed_S = (1 + share) * surface.loss(n_opt_S, d_opt_S)
    ends = []
    for sign in (-1.0, 1.0):

        def inside(x_S: Array, sign: float = sign) -> Array:
            n_S = n_opt_S * np.exp(sign * x_S)
            return np.asarray(surface.loss(n_S, surface.tokens(n_S, flops)) <= allowed_S)

        with np.errstate(all="ignore"):
            off_S = solve(inside, np.zeros_like(n_opt_S), np.full_like(n_opt_S, FAR))
            ends.append(surface.size(n_opt_S * np.exp(sign * off_S)))
    return Flatness(flops, share, ends[0], ends[1], surface.settled(surface.read(n_opt_S)))


def multiplier(surface: Surface, flops: float, factor: float) -> Multiplier:
    """What `factor` times the compute is worth at `flops`."""
    now_S, then_S = surface.best(flops), surface.best(factor * flops)
    times_S = np.full_like(now_S, factor)
    return _multiplier(surface, flops, times_S, now_S - then_S, now_S)


def worth(surface: Surface, flops: float, gap: float) -> Multiplier:
    """How many times the compute a loss lower by `gap` would take: infinite where no compute reaches it."""
    now_S = surface.best(flops)
    return _multiplier(surface, flops, surface.compute_for(now_S - gap) / flops, np.full_like(now_S, gap), now_S)


def _multiplier(surface: Surface, flops: float, times_S: Array, gain_S: Array, now_S: Array) -> Multiplier:
    times = surface.size(times_S)
    gain, relative = surface.read(gain_S), surface.read(gain_S / now_S)
    return Multiplier(flops, times, gain, relative, surface.settled(times))


def fields(one: Any) -> dict[str, Any]:
    """The fields of a record of numbers and estimates, as JSON types."""
    return {
        name: value.to_dict() if isinstance(value, Estimate) else value
        for name, value in ((name, getattr(one, name)) for name in one.__dataclass_fields__)
    }
