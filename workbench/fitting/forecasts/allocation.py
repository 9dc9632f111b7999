"""Compute-optimal size and data in closed form, with intervals from the bootstrap draws.

Minimising A/N^α + B/D^β under C = k N D gives, with G = (αA/βB)^(1/(α+β)) (Hoffmann et al. 2022, 2203.15556, eq. 4),

    N_opt = G (C/k)^a,  D_opt = (C/k)^b / G,  a = β/(α+β),  b = α/(α+β)

k is 6 where C is 6ND; where small models cost more per parameter, C = k N^(1+κ) D takes its place (see `cost`).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.errors import BadInput
from workbench.fitting.determined import VAGUE, WIDE, narrow, spanned
from workbench.fitting.forecasts.prediction import Prediction, prediction_interval
from workbench.fitting.forecasts.surface import ALLOCATING, Surface
from workbench.fitting.laws.base import Array
from workbench.fitting.record import Fit, Interval
from workbench.fitting.uncertainty.bootstrap import percentile

PROCEDURES = ("isoflop", "envelope")
"""These give N_opt and D_opt as powers of C, and no law of the loss."""

UNKNOWN: Interval = (float("nan"), float("nan"))


@dataclass(frozen=True)
class Allocation:
    """How to spend `flops`: size, tokens and the loss to expect (NaN where the law says nothing of it)."""

    law: str
    convention: str
    flops: float
    n: float
    d: float
    loss: float
    level: float
    intervals: dict[str, Interval] = field(default_factory=dict)
    """Of n, d and loss, each at the law's own optimum; and `run`: where one run of these n and d will fall,
    about the law's loss of them and about the least of each draw."""
    determined: bool = True
    """False where the law is not identified, the interval of n spans two decades or that of a run a factor of two."""
    reason: str = ""
    """Why it is not determined."""
    open: tuple[str, ...] = ()
    """Which of n, d and loss say nothing: text has words in their place, JSON nulls."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; what is open is null."""
        said = {name: None if name in self.open else getattr(self, name) for name in ("n", "d", "loss")}
        unsaid = {*self.open, *(["run"] if "loss" in self.open else [])}
        return {
            "law": self.law,
            "convention": self.convention,
            "flops": self.flops,
            **said,
            "level": self.level,
            "open": list(self.open),
            "determined": self.determined,
            "reason": self.reason,
            "intervals": {
                name: [None, None] if name in unsaid else list(pair) for name, pair in self.intervals.items()
            },
        }


def allocate(fit: Fit, flops: float) -> Allocation:
    """The compute-optimal N, D and loss at `flops`, by a law that says how compute divides."""
    if not (np.isfinite(flops) and flops > 0):
        raise BadInput(f"compute is {flops:g}; it must be a positive number of FLOPs.")
    if fit.law in PROCEDURES:
        return _by_powers(fit, float(flops))
    if fit.law not in ALLOCATING:
        raise BadInput(
            f"{fit.law} does not say how compute divides; use one of {', '.join((*ALLOCATING, *PROCEDURES))}."
        )
    surface = Surface.of(fit)
    n_S, d_S = surface.optimum(flops)
    loss_S = surface.loss(n_S, d_S)
    n, d, loss = (float(values[0]) for values in (n_S, d_S, loss_S))
    intervals: dict[str, Interval] = {}
    if fit.resamples:
        intervals = {name: percentile(values[1:], fit.cut) for name, values in zip("nd", (n_S, d_S), strict=True)}
        intervals["loss"] = percentile(loss_S[1:], fit.cut)
        intervals["run"] = _run_at_best(fit, n, d, loss_S)
    return _judged(fit, float(flops), n, d, loss, intervals)


def _judged(fit: Fit, flops: float, n: float, d: float, loss: float, intervals: dict[str, Interval]) -> Allocation:
    """The allocation, and which of its numbers say something."""
    sizes, losses = ([intervals.get(name, UNKNOWN) for name in names] for names in (("n", "d"), ("loss", "run")))
    astray = decades_astray(fit, flops, n)
    open_sizes = astray > 0 or not all(narrow(ends) for ends in sizes)
    open_loss = not all(narrow(ends, VAGUE) for ends in losses)
    reason = why_open(fit, sizes[0], losses[1], losses[0])
    if astray > 0:
        reason = f"the optimum lies {astray:.0f} decades outside the sizes of these runs"
    return Allocation(
        fit.law, fit.convention, flops, n, d, loss, fit.level, intervals, determined=not reason, reason=reason,
        open=("n", "d") * open_sizes + ("loss",) * open_loss,
    )  # fmt: skip


def decades_astray(fit: Fit, flops: float, n: float) -> float:
    """By how many decades an optimal size misses those of the runs, where no optimum can have moved so far.

    From one compute to another N_opt moves by less than the compute does; two decades more are granted. 0 else.
    """
    runs = fit.residuals
    if not {fit.convention, "c"} <= set(runs):
        return 0.0
    sizes, computes = np.log10(runs[fit.convention].dropna()), np.log10(runs["c"].dropna())
    if sizes.empty or computes.empty:
        return 0.0
    if not n > 0:
        return float("inf")
    size, compute = np.log10(n), np.log10(flops)
    off = max(size - sizes.max(), sizes.min() - size)
    moved = max(compute - computes.max(), computes.min() - compute, 0.0)
    return float(off) if off > moved + np.log10(WIDE) else 0.0


def why_open(fit: Fit, size: Interval = UNKNOWN, run: Interval = UNKNOWN, law: Interval = UNKNOWN) -> str:
    """Why a forecast is no advice: the loosest interval first; empty where it is one."""
    for ends, what in ((run, "one run would fall"), (law, "the law's loss lies")):
        if not narrow(ends, VAGUE):
            return f"{what} anywhere from {ends[0]:.3g} to {ends[1]:.3g} ({100 * fit.level:g}% interval)"
    if not narrow(size):
        return f"the interval of N_opt spans {spanned(size)}"
    return "" if fit.identified else f"these runs do not identify {fit.law}"


def _run_at_best(fit: Fit, n: float, d: float, loss_S: Array) -> Interval:
    """Where one run of the best N and D will fall, be these the best or not.

    Under a draw of the law whose optimum lies elsewhere a run of this N and D falls above that draw's least loss. The
    interval of the least loss knows nothing of that, so that one around it reaches lower, and one at this N and D
    higher: a run may be as good as the best of the law, and as poor as a size that proves wrong.
    """
    low, high = run_interval(fit, n, d)
    found = Prediction.of(fit)
    if found is None:
        return low, high
    (least,), (most,) = found.about(loss_S, n=n, d=d, u=d)
    return min(low, float(least)), max(high, float(most))


def run_interval(fit: Fit, n: float, d: float, u: float | None = None) -> Interval:
    """Where one run of size n on d tokens, u of them unique (all, unless given), will fall."""
    low, high = prediction_interval(fit, n=n, d=d, u=d if u is None else u)
    return float(low[0]), float(high[0])


def _by_powers(fit: Fit, flops: float) -> Allocation:
    """By N_opt = k_N C^a and D_opt = k_D C^b."""

    def optimum(params: dict[str, Any]) -> tuple[Any, Any]:
        return params["k_N"] * flops ** params["a"], params["k_D"] * flops ** params["b"]

    n, d = optimum(fit.params)
    intervals: dict[str, Interval] = {}
    if fit.resamples:
        with np.errstate(all="ignore"):
            draws = optimum(fit.draws())
        intervals = {name: percentile(values, fit.cut) for name, values in zip("nd", draws, strict=True)}
        intervals["loss"] = UNKNOWN
    return _judged(fit, flops, float(n), float(d), float("nan"), intervals)
