"""A published estimate beside ours: does ours lie within the error the paper states?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from workbench.reporting.document import Column, Table


@dataclass(frozen=True)
class Estimate:
    """One published number, the range its paper gives, and what the same data give here."""

    name: str
    published: float
    low: float
    high: float
    """Ends of the published interval, or of the published value ± what rounding allows."""
    stated: str
    """Where the range comes from, in a few words."""
    ours: float
    our_low: float = math.nan
    our_high: float = math.nan

    @property
    def within(self) -> bool:
        """Whether our estimate lies in the published range."""
        return self.low <= self.ours <= self.high


def frame(estimates: Sequence[Estimate]) -> pd.DataFrame:
    """One row an estimate."""
    return pd.DataFrame(
        [
            {
                "name": one.name,
                "published": one.published,
                "range": (one.low, one.high),
                "stated": one.stated,
                "ours": one.ours,
                "our_range": (one.our_low, one.our_high),
                "within": one.within,
            }
            for one in estimates
        ]
    )


def table(name: str, caption: str, estimates: Sequence[Estimate], digits: int = 4, level: float = 0.95) -> Table:
    """The estimates as a table of a report."""
    style = f"number{digits}"
    columns = (
        Column("name", "estimate"),
        Column("published", "published", style),
        Column("range", "published range", f"interval-{style}"),
        Column("stated", "which is"),
        Column("ours", "here", style),
        Column("our_range", f"{100 * level:g}% interval here", f"interval-{style}"),
        Column("within", "within"),
    )
    return Table.of(name, caption, frame(estimates), columns)


def verdict(estimates: Sequence[Estimate], source: str) -> str:
    """How many are reproduced, and which are not, in a sentence."""
    missed = [one.name for one in estimates if not one.within]
    said = f"{len(estimates) - len(missed)} of {len(estimates)} estimates of {source} are reproduced within their range"
    return f"{said}." if not missed else f"{said}; not {', '.join(missed)}."
