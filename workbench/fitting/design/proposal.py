"""What a design hands back: the runs to train next, what they cost, and the interval they promise."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from workbench.fitting.design.targets import Target
from workbench.fitting.record import Interval


@dataclass(frozen=True)
class Proposal:
    """Runs to train next, and what they promise."""

    target: Target
    law: str
    runs: pd.DataFrame
    """One row a distinct run: `candidate`, n, d, c, `repeats`, `purpose` (target or check)."""
    budget: float
    value: float
    """The target by the fit so far (ln N_opt as N_opt; of `losses`, the loss at the far end)."""
    level: float
    now: Interval
    """Its present interval."""
    width_now: float
    """Width of the interval: high − low, or of a ratio, ln(high/low)."""
    width_then: float
    """The width to expect after the runs."""
    efficiency: float
    """Variance that the best fractions of runs would leave, over what the target's runs leave: at most 1."""
    notes: tuple[str, ...] = field(default=())

    @property
    def flops(self) -> float:
        """What the runs cost."""
        return float((self.runs["c"] * self.runs["repeats"]).sum())

    def summary(self) -> str:
        """The proposal in words."""
        many = int(self.runs["repeats"].sum())
        checks = int(self.runs.loc[self.runs["purpose"] == "check", "repeats"].sum())
        low, high = self.now
        low_then, high_then = self.then
        return (
            f"{self.target.words[0].upper()}{self.target.words[1:]}: {self.value:.4g}, {100 * self.level:g}% "
            f"{low:.4g} to {high:.4g}. {many} runs of {self.flops:.3g} FLOPs in all, {checks} of them check points, "
            f"would make it about {low_then:.4g} to {high_then:.4g} if the estimate stays where it is, "
            f"{self.width_then / self.width_now:.0%} of the present width."
        )

    @property
    def then(self) -> Interval:
        """The present interval drawn towards the value, to the width that is promised: both its ends by one share."""
        share = self.width_then / self.width_now
        value, (low, high) = self.value, self.now
        if self.target.is_ratio:
            return value * (low / value) ** share, value * (high / value) ** share
        return value + share * (low - value), value + share * (high - value)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "target": self.target.name,
            "target_flops": self.target.flops,
            "law": self.law,
            "budget": self.budget,
            "flops": self.flops,
            "value": self.value,
            "level": self.level,
            "interval_now": list(self.now),
            "interval_then": list(self.then),
            "width_now": self.width_now,
            "width_then": self.width_then,
            "width_is_log": self.target.is_ratio,
            "efficiency": self.efficiency,
            "runs": self.runs.to_dict("records"),
            "notes": list(self.notes),
        }
