"""Do runs that branch off a trunk end where separate runs end? Two sweeps of equal sizes, levels and seeds, paired.

A branch is, bit for bit, the run of its own batch, rate and warm-up trained alone. What can differ is that these follow
from the trunk's horizon, while a separate run's follow from its own (Hägele et al. 2405.18392, section 4).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from workbench.errors import BadInput

KEYS = ["n_params", "level", "seed_init", "seed_data"]


@dataclass(frozen=True)
class Branching:
    """How far the runs of two sweeps lie apart."""

    pairs: pd.DataFrame
    """One row for each size, level and seed: `branched` and `separate`, losses in nats per token."""
    difference: float
    """Mean of branched − separate, as a share of the loss."""
    low: float
    high: float
    """95% interval of the mean (Student's t over sizes and levels, seeds averaged)."""
    noise: float
    """Standard deviation between seeds of one configuration, as a share of the loss, of both sweeps together."""
    flops_share: float
    """FLOPs spent on the branched sweep over those of the separate one."""

    @property
    def agree(self) -> bool:
        """Whether the mean difference is within one standard deviation between seeds."""
        return abs(self.difference) <= self.noise


def compare(runs: pd.DataFrame, branched: Mapping[str, Any], separate: Mapping[str, Any]) -> Branching:
    """Pair the finished runs of two sweeps, given by their manifests."""
    left, right = (_of(runs, manifest) for manifest in (branched, separate))
    if not (left["trunk_id"].duplicated().any()):
        raise BadInput(f"sweep {branched['name']!r}: no two of its runs share a trunk; give the branched sweep first")
    pairs = left.merge(right, on=KEYS, suffixes=("_branched", "_separate"))
    if pairs.groupby(["n_params", "level"]).ngroups < 2 or pairs["seed_init"].nunique() < 2:
        raise BadInput(
            f"sweeps {branched['name']!r} and {separate['name']!r} share {len(pairs)} finished runs of equal size, "
            "level and seeds; two points and two seeds are needed"
        )
    found = pairs.rename(columns={"loss_branched": "branched", "loss_separate": "separate"})
    found = found[[*KEYS, "branched", "separate"]].sort_values(KEYS, ignore_index=True)
    share = pd.Series(np.log(found["branched"] / found["separate"]))
    means = share.groupby([found["n_params"], found["level"]]).mean()
    half = float(stats.t.ppf(0.975, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means)))
    spent = [float(pairs[f"flops_spent_{name}"].sum()) for name in ("branched", "separate")]
    return Branching(
        found,
        float(means.mean()),
        float(means.mean()) - half,
        float(means.mean()) + half,
        _noise(found),
        spent[0] / spent[1],
    )


def _of(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """The finished runs of a sweep, with the level of each."""
    entries = pd.DataFrame(manifest["runs"])[["run_id", "level"]]
    mine = runs[runs["status"] == "done"].merge(entries, on="run_id")
    return mine[[*KEYS, "loss", "flops_spent", "trunk_id"]]


def _noise(pairs: pd.DataFrame) -> float:
    """Pooled over sizes, levels and both sweeps."""
    logs = pd.DataFrame(np.log(pairs[["branched", "separate"]]))
    grouped = logs.groupby([pairs["n_params"], pairs["level"]])
    within = ((logs - grouped.transform("mean")) ** 2).to_numpy().sum()
    return float(np.sqrt(within / (2 * (len(pairs) - grouped.ngroups))))
