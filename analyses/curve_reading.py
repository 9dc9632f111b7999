"""Training curves read at the source: smoothed on every recorded point, then thinned to what a figure draws.

A curve is passed through once and never held beside the others (`Store.each_curve`), so that a store of ten million
points is read in the memory of a small one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.store import Store
from workbench.store.streaming import Curve

PERPLEXITY = "perplexity"

COMPUTED: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {PERPLEXITY: ("loss", np.exp)}
"""Quantity → the column it is made of, and how."""

PER_DECADE, ACROSS = 50, 250
"""Points of the common grid: of a decade of a logarithmic axis, and of the whole of a linear one."""


@dataclass(frozen=True)
class Quantities:
    """What is drawn of each curve."""

    x: str
    y: str
    span: int = 0
    """Of the smoothing, in recorded points; none below 2."""
    log_x: bool = True
    log_y: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it takes."""
        return self.x, COMPUTED[self.y][0] if self.y in COMPUTED else self.y

    def of(self, curve: Curve) -> tuple[np.ndarray, np.ndarray, int]:
        """x and y at the points that can be drawn, and how many cannot, being at or below zero on a log axis."""
        x, y = (curve[name] for name in self.columns)
        if self.y in COMPUTED:
            y = COMPUTED[self.y][1](y)
        there = np.isfinite(x) & np.isfinite(y)
        x, y = x[there], smoothed(y[there], self.span)
        shown = (x > 0 if self.log_x else True) & (y > 0 if self.log_y else np.full(len(y), True))
        return x[shown], y[shown], int((~shown).sum())


def smoothed(y: np.ndarray, span: int) -> np.ndarray:
    """The exponentially weighted mean of the points so far, weights summing to one; α = 2/(span + 1)."""
    if span < 2 or not len(y):
        return y
    from scipy.signal import lfilter  # a second to import, which a page that smooths nothing need not wait for

    kept = 1 - 2 / (span + 1)
    total = (1 - kept ** np.arange(1, len(y) + 1)) / (1 - kept)
    return np.asarray(lfilter([1.0], [1.0, -kept], y) / total)


def thinned(many: int, most: int) -> np.ndarray:
    """At most `most` of so many positions, evenly spaced, the first and the last kept."""
    return np.unique(np.linspace(0, many - 1, min(most, many)).round().astype(int))


@dataclass(frozen=True)
class Grid:
    """Points of x that all runs share: powers of ten, or multiples of a spacing."""

    log: bool
    spacing: float

    def places(self, numbers: np.ndarray) -> np.ndarray:
        """x at points of the grid."""
        return 10.0 ** (numbers * self.spacing) if self.log else numbers * self.spacing

    def on(self, x: np.ndarray, y: np.ndarray) -> tuple[int, np.ndarray]:
        """The number of the first grid point within a curve, and y there and at the next ones: no extrapolation."""
        if len(x) < 2:
            return 0, np.empty(0)
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
        along = (np.log10(x) if self.log else x) / self.spacing  # straight between points as the axis draws them
        numbers = np.arange(np.ceil(along[0] - 1e-9), np.floor(along[-1] + 1e-9) + 1)
        return (int(numbers[0]) if len(numbers) else 0), np.interp(numbers, along, y)


@dataclass(frozen=True)
class Lines:
    """Runs as lines."""

    rows: pd.DataFrame
    """run_id, x, y."""
    runs: int
    """Runs that recorded something to draw."""
    recorded: int
    """Points that they recorded, of which `rows` are drawn."""
    left_out: int
    """Points that a logarithmic axis cannot show."""


def lines(store: Store, run_ids: Iterable[str], asked: Quantities, most: int) -> Lines:
    """The curves of these runs, thinned to `most` points each."""

    def one(curve: Curve) -> tuple[np.ndarray, np.ndarray, int, int]:
        x, y, dropped = asked.of(curve)
        kept = thinned(len(x), most) if len(x) else slice(0)
        return x[kept], y[kept], len(x), dropped

    wanted = sorted(run_ids)
    read = store.each_curve(asked.columns, one, wanted)
    found = [(run_id, *read[run_id]) for run_id in wanted if run_id in read and len(read[run_id][0])]
    rows = pd.DataFrame(
        {
            "run_id": pd.Series(np.repeat([one[0] for one in found], [len(one[1]) for one in found]), dtype=str),
            "x": np.concatenate([one[1] for one in found]) if found else [],
            "y": np.concatenate([one[2] for one in found]) if found else [],
        }
    )
    return Lines(rows, len(found), sum(one[3] for one in found), sum(one[3] for one in read.values()))


@dataclass(frozen=True)
class Gridded:
    """Runs on a common grid."""

    grid: Grid
    curves: dict[str, tuple[int, np.ndarray]]
    """Run → see `Grid.on`; runs with fewer than two points are left out."""
    recorded: dict[str, int]
    """Run → points that it recorded."""


def gridded(store: Store, asked: Quantities, run_ids: Iterable[str] | None = None) -> Gridded:
    """Every curve, interpolated linearly onto one grid."""
    if asked.log_x:
        grid = Grid(True, 1 / PER_DECADE)
    else:
        (largest,) = store.query(f"SELECT max({asked.x}) AS x FROM curves")["x"].to_pylist()
        grid = Grid(False, (largest or 1.0) / ACROSS)

    def one(curve: Curve) -> tuple[int, np.ndarray, int]:
        x, y, _ = asked.of(curve)
        first, values = grid.on(x, y)
        return first, values.astype(np.float32), len(x)

    read = store.each_curve(asked.columns, one, run_ids)
    curves = {run_id: (first, values) for run_id, (first, values, _) in read.items() if len(values)}
    return Gridded(grid, curves, {run_id: many for run_id, (_, _, many) in read.items()})
