"""Sweeps like `sweeps/axes.toml` of known multipliers: its sizes, tokens and FLOPs, with losses drawn from a law."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.fitting.laws.base import Array
from workbench.fitting.pricing import Pair, paired
from workbench.models.counts import count
from workbench.runner.definition import Asked, expand, read_definition
from workbench.training.horizon import resolve

DEFINITION = Path(__file__).parents[2] / "sweeps" / "axes.toml"
BYTES = 257

E, A, B, ALPHA, BETA = 0.95, 41.0, 97.0, 0.45, 0.40
"""A loss of 1.7 at the smallest point of a variant and of 1.4 at the largest."""
GAMMA = ALPHA * BETA / (ALPHA + BETA)

LOG_RATES = np.log([0.5, 1.0, 2.0])
CURVATURE = 0.025
"""ln loss rises by this times the square of ln(rate / best rate): 1.2% at twice the best rate."""


@dataclass(frozen=True)
class World:
    """What the design's runs, and so the law that prices, are drawn from."""

    noise: float = 0.007
    """Standard deviation of ln loss between seeds."""
    seeds: int = 3
    """Of every run of the design; 1 keeps two more of a single run, the fewest that say how large the noise is."""
    reducible: float = 1.0
    """Factor on A and B: a small one puts every loss near E."""
    best_rate: float = 1.0
    """The baseline's, over the rule's."""

    def loss(self, n: Array, d: Array, kappa: float = 1.0, alpha: float = ALPHA) -> Array:
        """At the best rate; `alpha` other than the baseline's makes the multiplier differ by point."""
        # Where alpha differs, the terms in N are equal at the geometric mean of the variants' sizes.
        middle = np.exp(np.log(points()["n"]).mean())
        terms = A / middle**ALPHA * (middle / n) ** alpha + B / d**BETA
        return np.asarray(E + self.reducible * kappa**-GAMMA * terms)

    def design(self, rng: np.random.Generator) -> pd.DataFrame:
        """n, d, c, loss and cluster of the isoFLOP, all at the rule's rate."""
        table = design(self.seeds)
        excess = CURVATURE * np.log(self.best_rate) ** 2 + self.noise * rng.standard_normal(len(table))
        return table.assign(loss=self.loss(table["n"].to_numpy(), table["d"].to_numpy()) * np.exp(excess))


@dataclass(frozen=True)
class Technique:
    """A technique and how it is measured."""

    kappa: float = 1.0
    points: int = 4
    shared: float = 0.0
    """Correlation of the errors of a technique and the baseline at one point and rate."""
    moved: float = 1.0
    """Factor on the best rate."""
    alpha: float = ALPHA

    def pairs(self, world: World, rng: np.random.Generator) -> list[Pair]:
        """One measurement, at `points` points and three rates a side."""
        chosen = points().iloc[ORDER[: self.points]]
        n_P, d_P = chosen["n"].to_numpy(), chosen["d"].to_numpy()
        best_2P = np.stack([world.loss(n_P, d_P, self.kappa, self.alpha), world.loss(n_P, d_P)])
        off_2R = LOG_RATES - np.log([[world.best_rate * self.moved], [world.best_rate]])
        own, common = rng.standard_normal((2, self.points, 3)), rng.standard_normal((self.points, 3))
        errors_2PR = world.noise * (np.sqrt(1 - self.shared) * own + np.sqrt(self.shared) * common)
        losses_2PR = best_2P[:, :, None] * np.exp(CURVATURE * off_2R[:, None, :] ** 2 + errors_2PR)
        rates = LOG_RATES.tolist()
        return [paired((rates, one.tolist()), (rates, two.tolist())) for one, two in zip(*losses_2PR, strict=True)]

    def truth(self, world: World) -> float:
        """ln κ, the mean over points where they differ."""
        chosen = points().iloc[ORDER[: self.points]]
        n_P, d_P = chosen["n"].to_numpy(), chosen["d"].to_numpy()
        ratio = (world.loss(n_P, d_P, self.kappa, self.alpha) - E) / (world.loss(n_P, d_P) - E)
        return float(np.mean(-np.log(ratio)) / GAMMA)


ORDER = [3, 0, 1, 2]
"""The points of a variant: the large size with many tokens first, then the small with few."""


def _counted(asked: list[Asked]) -> pd.DataFrame:
    rows = []
    for one in asked:
        horizon = resolve(one.config)
        rows.append((count(one.config.model).n_params, horizon.tokens, horizon.flops, f"{one.size}/{one.level:g}"))
    return pd.DataFrame(rows, columns=["n", "d", "c", "cluster"])


@cache
def _asked() -> tuple[Asked, ...]:
    return tuple(expand(read_definition(DEFINITION), DEFINITION.name, BYTES))


@cache
def points() -> pd.DataFrame:
    """n, d, c of the variants' points, by size and then tokens."""
    mine = [one for one in _asked() if one.variant == "baseline" and one.config.train.rate_factor == 1]
    return _counted(mine).sort_values(["n", "d"], ignore_index=True)


@cache
def design(seeds: int) -> pd.DataFrame:
    """The isoFLOP's runs without their losses."""
    table = _counted([one for one in _asked() if one.role == "grid" and one.config.seed_init == 0])
    if seeds == 1:
        return pd.concat([table, table.iloc[[5, 5]]], ignore_index=True)
    return pd.concat([table] * seeds, ignore_index=True)
