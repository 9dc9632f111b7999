"""What is each technique worth? Every named change of a sweep's `[variants]`, priced as a compute multiplier.

The variant without a change, `baseline`, is trained at the same points and rates and is what the others are compared
with; the design's own runs, of several seeds, give the law and the noise. `fitting.pricing` has the definition.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting import fit
from workbench.fitting.pricing import Floor, Noise, Pair, Worth, best_over_rates, paired, seed_noise, worth
from workbench.fitting.record import Fit
from workbench.fitting.tables import from_runs

BASELINE = "baseline"
"""The variant that changes nothing."""

LAW = "chinchilla"
"""The law whose E and γ price: its terms are those of the definition."""

DISAGREE = 0.01
"""Below this p, points of one technique are said to differ by more than the noise: some fifty are tested."""

LEFT_OUT = 0.01
"""Above this share of draws without a multiplier, an interval is said to be too narrow."""


@dataclass(frozen=True)
class Price:
    """One technique, priced or not."""

    variant: str
    change: str
    """What it changes, as the definition writes it."""
    planned: int
    ended: int
    """Runs that came to their end, diverged ones among them."""
    diverged: int
    points: int = 0
    """Points, of a size and a horizon, at which it is priced: all its rates and the baseline's were trained there."""
    bracketed: int = 0
    """Of those, the points where its best rate has a worse one on either side."""
    worth: Worth | None = None
    """At equal shape and tokens, whatever it costs: what it does to the loss."""
    flops: float | None = None
    """FLOPs that it executes over the baseline's, at equal shape and tokens."""
    seconds: float | None = None
    """Training time over the baseline's."""
    remark: str = ""

    @property
    def net(self) -> tuple[float, float, float] | None:
        """The multiplier and its interval per FLOP executed: a technique that executes twice as many pays for them."""
        if self.worth is None or self.flops is None:
            return None
        return self.worth.multiplier / self.flops, self.worth.low / self.flops, self.worth.high / self.flops


@dataclass(frozen=True)
class Prices:
    """A priced sweep."""

    name: str
    prices: tuple[Price, ...]
    """By multiplier, the largest first; what could not be priced after them."""
    law: Fit
    noise: Noise
    planned: int
    ended: int
    level: float = 0.95
    notes: tuple[str, ...] = field(default=())


def price(
    runs: pd.DataFrame, manifest: Mapping[str, Any], resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> Prices:
    """Price every variant of a sweep from its runs in a store's table `runs` and its manifest.

    Raises `BadInput` where the sweep has no variants, no variant without a change, or a design that gives no law.
    """
    entries, changes = _entries(manifest)
    table = entries.merge(runs.drop(columns=["role"]), on="run_id", how="left")
    design = table[(table["role"] == "grid") & (table["status"] == "done")].drop_duplicates("run_id")
    if design.empty:
        raise BadInput(f"sweep {manifest['name']!r}: no run of its design is done, so there is no law to price by.")
    # A variant may share its run with the design; the role of the manifest is the one meant here.
    law = fit(from_runs(design), LAW, resamples=resamples, seed=seed, level=level)
    seeds = table[table["role"].isin(["grid", "seed"]) & (table["status"] == "done")].drop_duplicates("run_id")
    noise = seed_noise(seeds["loss"].tolist(), seeds["config_id"].tolist())
    rng = np.random.default_rng(seed)
    variants = table[table["role"] == "variant"]
    baseline = variants[variants["variant"] == BASELINE]
    floor = Floor.of(law.params, law.draws())
    prices = [
        _price(name, change, variants[variants["variant"] == name], baseline, floor, noise, rng, level)
        for name, change in changes.items()
        if name != BASELINE
    ]
    prices.sort(key=lambda one: -one.worth.multiplier if one.worth else np.inf)
    once = table.drop_duplicates("run_id")
    ended = int(once["status"].isin(ENDED).sum())
    return Prices(
        str(manifest["name"]), tuple(prices), law, noise, len(once), ended, level, _notes(law, baseline, noise)
    )


ENDED = ("done", "diverged")


def _entries(manifest: Mapping[str, Any]) -> tuple[pd.DataFrame, dict[str, str]]:
    """The sweep's runs as planned, and each change in words."""
    name = manifest["name"]
    entries = pd.DataFrame([*manifest.get("runs", []), *manifest.get("shared", [])])
    changes = manifest.get("definition", {}).get("variants", {}).get("changes", {})
    if not changes or "variant" not in entries:
        raise BadInput(f"sweep {name!r} has no [variants]: there is nothing to price (sweeps/axes.toml has them).")
    if BASELINE not in changes:
        raise BadInput(
            f"sweep {name!r}: variants.changes has no {BASELINE!r}; `{BASELINE} = {{}}` trains what the others are "
            "compared with."
        )
    said = {
        str(variant): ", ".join(f"{key.removeprefix('train.')} = {_toml(value)}" for key, value in change.items())
        for variant, change in changes.items()
    }
    return entries, said


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _price(
    name: str,
    change: str,
    mine: pd.DataFrame,
    baseline: pd.DataFrame,
    floor: Floor,
    noise: Noise,
    rng: np.random.Generator,
    level: float,
) -> Price:
    diverged = int((mine["status"] == "diverged").sum())
    priced = Price(name, change, len(mine), int(mine["status"].isin(ENDED).sum()), diverged)
    if not priced.ended:
        return replace(priced, remark="not run")
    pairs, costs, times, without, unlike = [], [], [], [], []
    for point, runs in mine.groupby(["size", "level"], sort=False):
        against = baseline[(baseline["size"] == point[0]) & (baseline["level"] == point[1])]
        if not (runs["status"].isin(ENDED).all() and len(against) and against["status"].isin(ENDED).all()):
            continue
        if sorted(runs["rate_factor"]) != sorted(against["rate_factor"]):  # a best of more rates is a better one
            unlike.append(f"{point[0]} at {point[1]:g}")
            continue
        pair = _pair(runs, against)
        if pair is None:
            without.append(f"{point[0]} at {point[1]:g}")
            continue
        pairs.append(pair)
        costs.append(_ratio(runs, against, "flops_executed"))
        times.append(_ratio(runs, against, "seconds"))
    remarks = [f"every rate diverged at {', '.join(without)}"] if without else []
    if unlike:
        remarks.append(f"rates other than the baseline's at {', '.join(unlike)}")
    if not pairs:
        return replace(priced, remark="; ".join(remarks) or "no point with all its rates yet")
    try:
        found = worth(pairs, floor, noise, rng, level)
    except BadInput as error:  # of this technique alone: the others have their prices
        return replace(priced, remark="; ".join([*remarks, str(error).rstrip(".")]))
    if found.left_out > LEFT_OUT:
        remarks.append(f"{100 * found.left_out:.0f}% of the draws had E above a loss: the interval is too narrow")
    if found.agreement < DISAGREE:
        remarks.append(f"differs between points: {', '.join(f'{one:.2f}' for one in found.by_point)}")
    inside = sum(pair.technique.inside for pair in pairs)
    return replace(
        priced,
        points=len(pairs),
        bracketed=inside,
        worth=found,
        flops=_mean(costs),
        seconds=_mean(times),
        remark="; ".join(remarks),
    )


def _pair(mine: pd.DataFrame, against: pd.DataFrame) -> Pair | None:
    """The best of both; None where every rate diverged."""
    sides = [_losses(mine), _losses(against)]
    return paired(*sides) if all(np.isfinite(losses).any() for _, losses in sides) else None


def _losses(runs: pd.DataFrame) -> tuple[list[float], list[float]]:
    """Log rate factors and losses, infinite of a diverged run."""
    losses = runs["loss"].where(runs["status"] == "done", np.inf)
    return np.log(runs["rate_factor"]).tolist(), losses.tolist()


def _ratio(mine: pd.DataFrame, against: pd.DataFrame, column: str) -> float:
    """Geometric mean over equal rates of a column of finished runs over the baseline's."""
    both = mine[mine["status"] == "done"].merge(against[against["status"] == "done"], on="rate_factor")
    return float(np.exp(np.log(both[f"{column}_x"] / both[f"{column}_y"]).mean()))


def _mean(ratios: list[float]) -> float | None:
    """Geometric mean of the known."""
    known = [ratio for ratio in ratios if np.isfinite(ratio)]
    return float(np.exp(np.mean(np.log(known)))) if known else None


def _notes(law: Fit, baseline: pd.DataFrame, noise: Noise) -> tuple[str, ...]:
    """What a reader of the prices must know."""
    inside = whole = 0
    for _, runs in baseline.groupby(["size", "level"]):
        if runs["status"].isin(ENDED).all():
            whole += 1
            rates, losses = _losses(runs)
            inside += bool(np.isfinite(losses).any()) and best_over_rates(rates, losses, parabola=False).inside
    notes = [
        f"The baseline's best rate lies inside its rates at {inside} of {whole} points; elsewhere the least loss of "
        "the rates stands for both sides. A technique whose own best rate lies outside them is worth more than it "
        "seems, its interval often misses the truth, and more points do not mend that: more rates do.",
        f"Noise between seeds is {100 * noise.sd:.2g}% of the loss ({noise.freedom} degrees of freedom); a technique "
        "and its baseline count as independent, which makes intervals too wide rather than too narrow.",
        "All techniques are compared with the same runs of the baseline: where those had luck, all prices are too low "
        "together. With many techniques, one interval in twenty misses, and the largest and "
        "the smallest multipliers are further from 1 than the truth.",
        "A price holds at the sizes and horizons of this sweep; that it stays the same with scale is assumed.",
    ]
    if not law.identified:
        notes.append(
            "The baseline's law is not well determined; the intervals include what its resamples say of E and γ."
        )
    return tuple(notes)
