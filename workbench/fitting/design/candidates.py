"""The runs a design may choose from: sizes that can be trained, at a ladder of compute, within stated bounds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.laws.base import Array

PER_DECADE = 8
"""Levels of compute to a factor of ten: neighbours differ by a third, less than a design's optimum is sharp."""

SIZES = 24
"""Sizes of a ladder, where any size can be trained."""

SPAN = 20.0
"""Tokens per parameter keep to the range of the fitted runs, where the law was seen to hold; one narrower than this
factor (a ladder of one ratio) is widened to it, for a law cannot be learned at one ratio."""


@dataclass(frozen=True)
class Candidates:
    """Runs that could be trained: N (as the fit counts it), D and C of each, and the index of its size."""

    n: Array
    d: Array
    c: Array
    size: np.ndarray


@dataclass(frozen=True)
class Bounds:
    """What a run may be."""

    run_flops: tuple[float, float]
    """Least and most FLOPs of a run."""
    tokens_per_param: tuple[float, float]
    """Least and most D/N."""
    max_tokens: float = np.inf
    """Most tokens, such as the corpus has."""

    def with_tokens(self, most: float) -> "Bounds":
        """The same with at most so many tokens."""
        return replace(self, max_tokens=most)


def bounds_of(
    points: pd.DataFrame,
    convention: str,
    flops: float,
    max_run: float | None = None,
    min_run: float | None = None,
    tokens_per_param: tuple[float, float] | None = None,
    max_tokens: float | None = None,
) -> Bounds:
    """Bounds from the fitted points: no run below their smallest C or above the budget, D/N within theirs."""
    check_amounts(flops=flops, max_run_flops=max_run, min_run_flops=min_run, max_tokens=max_tokens)
    ratio = points["d"] / points[convention]
    widen = max(1.0, SPAN * float(ratio.min() / ratio.max())) ** 0.5
    low, high = tokens_per_param or (float(ratio.min()) / widen, float(ratio.max()) * widen)
    if not 0 < low <= high < np.inf:
        raise BadInput(
            f"tokens_per_param is {low:g} to {high:g}; it must be two positive numbers, the lower one first."
        )
    least, most = min_run or float(points["c"].min()), min(flops, max_run or np.inf)
    if most < least:
        which = f"max_run_flops is {max_run:g}" if max_run is not None and max_run < flops else f"flops is {flops:g}"
        what = "min_run_flops" if min_run else "the smallest run so far"
        raise BadInput(f"{which}, less than {what} ({least:.3g}), which is the least a run may have; it buys none.")
    return Bounds((least, most), (low, high), max_tokens or np.inf)


def check_amounts(**asked: float | None) -> None:
    """Refuse what is no amount of compute or of tokens; None is one that is not asked for."""
    for name, value in asked.items():
        if value is not None and not (np.isfinite(value) and value > 0):
            raise BadInput(f"{name} is {value:g}; it must be a positive number.")


def largest_size(bounds: Bounds) -> float:
    """The largest N within the bounds where C = 6ND: the one of most FLOPs and least D/N."""
    return float((bounds.run_flops[1] / (6 * bounds.tokens_per_param[0])) ** 0.5)


def sizes_between(points: pd.DataFrame, convention: str, bounds: Bounds) -> Array:
    """A ladder of sizes where any can be trained: all within the bounds, the smallest so far among them."""
    least = (bounds.run_flops[0] / (6 * bounds.tokens_per_param[1])) ** 0.5
    smallest = min(float(points[convention].min()), least)
    return np.geomspace(smallest, max(largest_size(bounds), smallest), SIZES)


def candidates(n_K: Sequence[float] | Array, per_token_K: Sequence[float] | Array, bounds: Bounds) -> Candidates:
    """Every size at every level of compute that the bounds allow; `per_token_K` is the FLOPs of one token trained."""
    low, high = bounds.run_flops
    levels = np.geomspace(low, high, max(2, round(PER_DECADE * np.log10(high / low)) + 1)) if high > low else [high]
    n, c = (grid.ravel() for grid in np.meshgrid(n_K, levels, indexing="ij"))
    size = np.repeat(np.arange(len(n_K)), len(levels))
    d = c / np.asarray(per_token_K, dtype=np.float64)[size]
    least, most = bounds.tokens_per_param
    kept = (d / n >= least * (1 - 1e-9)) & (d / n <= most * (1 + 1e-9)) & (d <= bounds.max_tokens)
    if not kept.any():
        raise BadInput(
            f"no run of {low:.3g} to {high:.3g} FLOPs has {least:.3g} to {most:.3g} tokens per parameter and at most "
            f"{bounds.max_tokens:.3g} tokens; widen the bounds or raise the budget."
        )
    return Candidates(n[kept], d[kept], c[kept], size[kept])
