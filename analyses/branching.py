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
    """One row for each size, level and seed: `branched` and `separate`, losses in nats per token. Runs that are the
    same in both sweeps, such as the longest, are left out."""
    levels: pd.DataFrame
    """level, difference (mean of ln branched − ln separate), low and high (95%, Student's t over sizes and seeds)."""
    noise: float
    """Standard deviation of ln loss between seeds of one configuration, of both sweeps together."""
    flops_share: float
    """FLOPs spent on the branched sweep over those of the separate one."""

    @property
    def agreeing(self) -> tuple[float, ...]:
        """The levels whose mean difference is within one standard deviation between seeds."""
        near = self.levels["difference"].abs() <= self.noise
        return tuple(self.levels.loc[near, "level"])


def compare(runs: pd.DataFrame, branched: Mapping[str, Any], separate: Mapping[str, Any]) -> Branching:
    """Pair the finished runs of two sweeps, given by their manifests."""
    left, right = (_of(runs, manifest) for manifest in (branched, separate))
    if not (left["trunk_id"].duplicated().any()):
        raise BadInput(f"sweep {branched['name']!r}: no two of its runs share a trunk; give the branched sweep first")
    pairs = left.merge(right, on=KEYS, suffixes=("_branched", "_separate"))
    spent = [float(pairs[f"flops_spent_{name}"].sum()) for name in ("branched", "separate")]
    pairs = pairs[pairs["run_id_branched"] != pairs["run_id_separate"]]
    if pairs.groupby(["n_params", "level"]).ngroups < 2 or pairs["seed_init"].nunique() < 2:
        raise BadInput(
            f"sweeps {branched['name']!r} and {separate['name']!r} share {len(pairs)} finished runs of equal size, "
            "level and seeds that are not the same run; two points and two seeds are needed"
        )
    found = pairs.rename(columns={"loss_branched": "branched", "loss_separate": "separate"})
    found = found[[*KEYS, "branched", "separate"]].sort_values(KEYS, ignore_index=True)
    return Branching(found, _by_level(found), _noise(found), spent[0] / spent[1])


def _by_level(pairs: pd.DataFrame) -> pd.DataFrame:
    """The mean difference at each level, with its interval."""
    rows = []
    for level, here in pairs.groupby("level"):
        difference = np.log(here["branched"].to_numpy() / here["separate"].to_numpy())
        half = stats.t.ppf(0.975, len(here) - 1) * difference.std(ddof=1) / np.sqrt(len(here))
        rows.append((level, difference.mean(), difference.mean() - half, difference.mean() + half))
    return pd.DataFrame(rows, columns=["level", "difference", "low", "high"])


def _of(runs: pd.DataFrame, manifest: Mapping[str, Any]) -> pd.DataFrame:
    """The finished runs of a sweep, with the level of each."""
    entries = pd.DataFrame(manifest["runs"])[["run_id", "level"]]
    mine = runs[runs["status"] == "done"].merge(entries, on="run_id")
    return mine[[*KEYS, "run_id", "loss", "flops_spent", "trunk_id"]]


def _noise(pairs: pd.DataFrame) -> float:
    """Pooled over sizes, levels and both sweeps."""
    logs = pd.DataFrame(np.log(pairs[["branched", "separate"]]))
    grouped = logs.groupby([pairs["n_params"], pairs["level"]])
    within = ((logs - grouped.transform("mean")) ** 2).to_numpy().sum()
    return float(np.sqrt(within / (2 * (len(pairs) - grouped.ngroups))))
