"""What a technique is worth in compute: its multiplier κ, read off a law that it shares its exponents with.

As in `laws.family`, a technique of multiplier κ has L(N, D) = E + κ^(−γ)·(A/N^α + B/D^β), γ = αβ/(α + β): at every
compute its best loss is the baseline's at κ times that compute. Where both are trained at the same (N, D), A and B
cancel:

    ln κ = −(1/γ) · ln[(L − E) / (L_baseline − E)]

so that a law which misses the baseline there by some percent does not enter, and of it E and γ alone are needed. The
best loss over a few rates stands for each side: the vertex of a parabola in ln rate where both have their least loss
inside the rates, else the least loss of both: the same bias on both sides where both best rates lie on that side, but
a technique whose own best rate alone lies outside comes out too low. κ is the geometric mean over points.

An interval joins three sources by simulation: draws of (E, γ) from the bootstrap of the law, the noise between seeds
on every loss, independent of the baseline's, and the uncertainty of that noise itself, estimated from few seeds. In
simulations (`tests/benchmarks/price_coverage.py`) 95% intervals hold the truth in 95 to 98% of sweeps where that is so,
in all where two runs of one seed and data order err together, and in 27 to 75% where only the technique's best rate
lies outside the rates tried.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from workbench.errors import BadInput
from workbench.fitting.laws.base import Array

DRAWS = 4000
"""Simulated multipliers behind an interval."""


@dataclass(frozen=True)
class Best:
    """The least loss over rates at one point."""

    loss: float
    variance: float
    """Of its logarithm, in units of that of one run: a vertex averages its three runs."""
    inside: bool
    """Whether the best rate has a worse one on either side."""
    log_rate: float
    """Natural logarithm of the rate, or of its factor, where it lies."""


def best_over_rates(log_rates: Sequence[float], losses: Sequence[float], parabola: bool = True) -> Best:
    """The least loss; with `parabola` the vertex through the best run and its neighbours, where it has both.

    A diverged run has the loss infinity: it brackets, and no parabola goes through it.
    """
    order = np.argsort(log_rates)
    x, y = np.asarray(log_rates, dtype=float)[order], np.asarray(losses, dtype=float)[order]
    if not np.isfinite(y).any():
        raise BadInput("losses has no finite value; a run that has not diverged is needed.")
    i = int(np.argmin(y))
    inside = 0 < i < len(y) - 1
    if not (parabola and inside and np.isfinite(y[i - 1 : i + 2]).all()):
        return Best(float(y[i]), 1.0, inside, float(x[i]))
    a, b, c = x[i - 1 : i + 2]
    curve = np.polyfit([a - b, 0.0, c - b], y[i - 1 : i + 2], 2)
    if curve[0] <= 0:  # three equal losses
        return Best(float(y[i]), 1.0, inside, float(b))
    v = b - curve[1] / (2 * curve[0])
    weights = np.array(
        [(v - b) * (v - c) / ((a - b) * (a - c)), (v - a) * (v - c) / ((b - a) * (b - c)),
         (v - a) * (v - b) / ((c - a) * (c - b))]
    )  # fmt: skip
    # The vertex is level: that noise also moves its place is of second order.
    return Best(float(weights @ y[i - 1 : i + 2]), float(weights @ weights), True, float(v))


@dataclass(frozen=True)
class Noise:
    """Standard deviation of ln loss between seeds, and the degrees of freedom it was estimated with."""

    sd: float
    freedom: int

    def draws(self, many: int, rng: np.random.Generator) -> Array:
        """Values that it may have, from the scaled inverse χ² of a variance."""
        return np.asarray(self.sd * np.sqrt(self.freedom / rng.chisquare(self.freedom, many)))


def seed_noise(losses: Sequence[float], points: Sequence[object]) -> Noise:
    """The noise of one run, pooled over points that were trained from several seeds."""
    groups = pd.Series(np.log(np.asarray(losses, dtype=float))).groupby([str(point) for point in points])
    freedom = int((groups.size() - 1).sum())
    if freedom < 1:
        raise BadInput("no point was trained from two seeds, so the noise between seeds is unknown.")
    spread = float((groups.var(ddof=1).fillna(0.0) * (groups.size() - 1)).sum())
    return Noise(float(np.sqrt(spread / freedom)), freedom)


@dataclass(frozen=True)
class Floor:
    """What pricing needs of a law: E and γ, the estimate first and then the bootstrap's draws."""

    e_S: Array
    gamma_S: Array

    @classmethod
    def of(cls, params: Mapping[str, float], draws: Mapping[str, Array]) -> "Floor":
        """From a fit's `params` and `draws()`, which may be none."""
        e, alpha, beta = (np.append(params[name], draws.get(name, ())) for name in ("E", "alpha", "beta"))
        return cls(e, alpha * beta / (alpha + beta))


@dataclass(frozen=True)
class Pair:
    """A technique and its baseline at one (N, D)."""

    technique: Best
    baseline: Best


def paired(
    technique: tuple[Sequence[float], Sequence[float]], baseline: tuple[Sequence[float], Sequence[float]]
) -> Pair:
    """The best of both sides, each log rates and losses, read in one way: off a parabola where both have one."""
    least = [best_over_rates(*side, parabola=False) for side in (technique, baseline)]
    if all(best.inside for best in least):
        smooth = [best_over_rates(*side) for side in (technique, baseline)]
        if all(best.variance != 1.0 for best in smooth):
            least = smooth
    return Pair(*least)


@dataclass(frozen=True)
class Worth:
    """A compute multiplier with its interval."""

    multiplier: float
    low: float
    high: float
    by_point: tuple[float, ...]
    """The multiplier read at each point alone."""
    agreement: float
    """p of an F test that all points have one multiplier, of noise between seeds alone; NaN of one point or without
    noise. F, not χ²: the noise is itself an estimate, of few degrees of freedom."""
    left_out: float
    """Share of the simulated losses and laws left out, as a loss was not above E: the interval is of the rest,
    and too narrow where this is not small."""


def worth(
    pairs: Sequence[Pair], floor: Floor, noise: Noise, rng: np.random.Generator, level: float = 0.95, draws: int = DRAWS
) -> Worth:
    """The multiplier of a technique measured at `pairs`. Raises `BadInput` where a loss is not above the law's E."""
    if not pairs:
        raise BadInput("pairs is empty; a multiplier needs a point where technique and baseline were both trained.")
    losses_2P = np.array([[pair.technique.loss for pair in pairs], [pair.baseline.loss for pair in pairs]])
    unit_2P = np.sqrt([[pair.technique.variance for pair in pairs], [pair.baseline.variance for pair in pairs]])
    least = float(losses_2P.min())
    if floor.e_S[0] >= least:
        raise BadInput(f"a loss of {least:.4g} is not above the law's irreducible loss, {floor.e_S[0]:.4g}.")
    usable = np.flatnonzero(floor.e_S[1:] < least) + 1
    if not len(usable):
        raise BadInput(
            f"no draw of the law's irreducible loss is below a loss of {least:.4g}; the law needs resamples."
        )

    def log_worth(losses: Array, e: Array, gamma: Array) -> Array:
        reducible = losses - e
        return np.asarray(-np.log(reducible[..., 0, :] / reducible[..., 1, :]) / gamma)

    point_P = log_worth(losses_2P, floor.e_S[0], floor.gamma_S[0])
    chosen = rng.choice(usable, draws)
    shaken = losses_2P * np.exp(
        noise.draws(draws, rng)[:, None, None] * unit_2P * rng.standard_normal((draws, *unit_2P.shape))
    )
    e = floor.e_S[chosen][:, None, None]
    above = (shaken > e).all(axis=(1, 2))  # a draw below E is worth more than any number
    if not above.any():
        raise BadInput(f"no simulated loss is above the law's irreducible loss, near a loss of {least:.4g}.")
    left_out = 1 - float(above.mean()) * len(usable) / (len(floor.e_S) - 1)
    with np.errstate(invalid="ignore"):
        draws_S = log_worth(shaken[above], e[above], floor.gamma_S[chosen][above][:, None]).mean(axis=1)
    low, high = np.exp(np.quantile(draws_S, [(1 - level) / 2, (1 + level) / 2]))
    by_point = tuple(np.exp(point_P).tolist())
    agreement = _agreement(point_P, losses_2P, unit_2P, floor, noise)
    return Worth(float(np.exp(point_P.mean())), float(low), float(high), by_point, agreement, left_out)


def _agreement(point_P: Array, losses_2P: Array, unit_2P: Array, floor: Floor, noise: Noise) -> float:
    """p of the F test in `Worth.agreement`, by each point's variance to first order in the noise."""
    others = len(point_P) - 1
    if not others or not noise.sd:
        return float("nan")
    slopes_2P = losses_2P / (losses_2P - floor.e_S[0]) / floor.gamma_S[0]
    variance_P = ((noise.sd * unit_2P * slopes_2P) ** 2).sum(axis=0)
    centre = float((point_P / variance_P).sum() / (1 / variance_P).sum())
    apart = float(((point_P - centre) ** 2 / variance_P).sum())
    return float(stats.f.sf(apart / others, others, noise.freedom))
