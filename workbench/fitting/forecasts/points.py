"""Single runs that are asked about by any two of N, D and C, or by one of N and D; and losses to be reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from workbench.fitting.determined import VAGUE, Interval, narrow
from workbench.fitting.forecasts.allocation import UNKNOWN, run_interval, why_open
from workbench.fitting.forecasts.decisions import fields, overhead
from workbench.fitting.forecasts.surface import Estimate, Surface
from workbench.fitting.laws.base import Array


@dataclass(frozen=True)
class LossAt:
    """The loss of one size trained on so many tokens."""

    n: float
    d: float
    flops: float
    loss: float
    interval: Interval
    """Of the law."""
    run: Interval
    """Of one run: the law's uncertainty and its noise."""
    excess: Estimate
    """Loss over that of the optimum of the same compute, in nats."""
    overhead: Estimate
    """How many times the compute that would reach this loss at its own optimum."""
    determined: bool
    reason: str = ""
    """Why it is not determined."""
    open: tuple[str, ...] = ()
    """Which of n, d, flops and loss say nothing: text has words in their place, JSON nulls."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; what is open is null."""
        ends = {"interval": list(self.interval), "run": list(self.run)}
        if "loss" in self.open:
            ends = dict.fromkeys(ends, [float("nan")] * 2)
        return {**fields(self), **ends, **dict.fromkeys(self.open), "open": list(self.open)}


@dataclass(frozen=True)
class Target:
    """The least compute that reaches a loss, and its size and tokens; infinite where the law never comes so low."""

    loss: float
    flops: Estimate
    n: Estimate
    d: Estimate
    determined: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return fields(self)


def points(
    surface: Surface, sizes: Sequence[float], tokens: Sequence[float], computes: Sequence[float]
) -> tuple[LossAt, ...]:
    """The loss at every pair of N, D and C; N alone has the tokens, and D alone the size, that it is optimal with."""
    cost = surface.cost
    if sizes and tokens:
        asked = list(product(sizes, tokens))
    elif sizes and computes:
        asked = [(n, cost.tokens(n, c)) for n, c in product(sizes, computes)]
    elif tokens and computes:
        asked = [(cost.size(d, c), d) for d, c in product(tokens, computes)]
    else:
        found = [(n, surface.size(_optimal_tokens(surface, n))) for n in sizes]
        other = [(surface.size(_optimal_size(surface, d)), d) for d in tokens]
        return (
            *(loss_at(surface, n, d.value, "d" if d.open else "") for n, d in found),
            *(loss_at(surface, n.value, d, "n" if n.open else "") for n, d in other),
        )
    return tuple(loss_at(surface, n, d) for n, d in asked)


def loss_at(surface: Surface, n: float, d: float, astray: str = "") -> LossAt:
    """The loss of one size trained on so many tokens, each once; `astray` is which of them is an optimum left open."""
    flops = surface.cost.flops(n, d)
    loss_S = surface.loss(n, d)
    found = surface.read(loss_S)
    run = run_interval(surface.fit, n, d) if surface.fit.resamples else UNKNOWN
    open_names: tuple[str, ...] = () if all(narrow(ends, VAGUE) for ends in (found.interval, run)) else ("loss",)
    reason = why_open(surface.fit, run=run, law=found.interval)
    if astray:
        open_names = (astray, "flops", "loss")
        given = f"N = {n:.3g}" if astray == "d" else f"D = {d:.3g}"
        reason = f"these runs do not say what {'D' if astray == 'd' else 'N'} is optimal with {given}"
    return LossAt(
        n=n,
        d=d,
        flops=flops,
        loss=found.value,
        interval=found.interval,
        run=run,
        excess=surface.read(np.maximum(loss_S - surface.best(flops), 0.0)),
        overhead=surface.read(overhead(surface, flops, loss_S)),
        determined=not reason,
        reason=reason,
        open=open_names,
    )


def target(surface: Surface, loss: float) -> Target:
    """The least compute that reaches a loss."""
    flops_S = surface.compute_for(loss)
    n_S, d_S = surface.optimum(np.where(flops_S > 0, flops_S, np.nan))
    n_S, d_S = (np.where(np.isinf(flops_S), np.inf, size_S) for size_S in (n_S, d_S))
    flops, n, d = (surface.size(values) for values in (flops_S, n_S, d_S))
    return Target(loss, flops, n, d, surface.settled(n))


def _optimal_tokens(surface: Surface, n: float) -> Array:
    """D with which N is optimal, by each row: αA N^−α = s βB D^−β."""
    ln_a, alpha, ln_b, beta = surface.terms
    with np.errstate(all="ignore"):
        found = np.exp((ln_b - ln_a + np.log(surface.steep * beta / alpha) + alpha * np.log(n)) / beta)
    return np.asarray(found)


def _optimal_size(surface: Surface, d: float) -> Array:
    """N with which D is optimal, likewise."""
    ln_a, alpha, ln_b, beta = surface.terms
    with np.errstate(all="ignore"):
        found = np.exp((ln_a - ln_b + np.log(alpha / (surface.steep * beta)) + beta * np.log(d)) / alpha)
    return np.asarray(found)
