"""Runs folded into one line and a band: their mean at each point of a common grid, and how far they spread about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analyses.curve_reading import Gridded

BANDS = {"range": "lowest to highest run", "se": "standard error of the mean", "sd": "standard deviation"}
"""Band → what a list of them says."""

SPANS = {
    "range": "from the lowest to the highest run",
    "se": "one standard error of the mean on either side, s/√n",
    "sd": "one standard deviation of the runs on either side",
}
"""Band → what a caption says."""


@dataclass(frozen=True)
class Folded:
    """Means and bands."""

    rows: pd.DataFrame
    """line, x, y, low, high, runs; a line of one run has no band: low and high are missing."""
    runs: int
    recorded: int
    """Points of these runs."""
    apart: int
    """Lines left out: at no point of the grid did all of their runs record something."""


def folded(curves: Gridded, members: Mapping[str, Sequence[str]], band: str) -> Folded:
    """Line → its runs, as one mean and one band each, where all of its runs have points: the mean is of the same runs
    everywhere, and does not jump where one of them ends."""
    parts, runs, recorded, apart = [], 0, 0, 0
    for line, ids in members.items():
        there = [curves.curves[run_id] for run_id in ids if run_id in curves.curves]
        if not there:
            continue
        first = max(begin for begin, _ in there)
        end = min(begin + len(values) for begin, values in there)
        if end - first < 2:
            apart += 1
            continue
        values_RG = np.stack([values[first - begin : end - begin] for begin, values in there]).astype(float)
        low, high = _band(values_RG, band)
        parts.append(
            pd.DataFrame(
                {
                    "line": line,
                    "x": curves.grid.places(np.arange(first, end)),
                    "y": values_RG.mean(axis=0),
                    "low": low,
                    "high": high,
                    "runs": len(there),
                }
            )
        )
        runs += len(there)
        recorded += sum(curves.recorded[run_id] for run_id in ids if run_id in curves.curves)
    empty = pd.DataFrame({name: [] for name in ("line", "x", "y", "low", "high", "runs")})
    return Folded(pd.concat(parts, ignore_index=True) if parts else empty, runs, recorded, apart)


def _band(values_RG: np.ndarray, band: str) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper edge at each point of the grid."""
    many = len(values_RG)
    if many < 2:
        nothing = np.full(values_RG.shape[1], np.nan)
        return nothing, nothing
    if band == "range":
        return values_RG.min(axis=0), values_RG.max(axis=0)
    spread = values_RG.std(axis=0, ddof=1) / (np.sqrt(many) if band == "se" else 1.0)
    middle = values_RG.mean(axis=0)
    return middle - spread, middle + spread
