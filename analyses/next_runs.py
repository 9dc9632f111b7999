"""The runs to train next: a proposal for one number and a budget, from a law's fit and the runs behind it.

What can be chosen from depends on where the runs are from. Of a store, sizes of the family that its runs belong to, at
their exact cost, and the proposal is a sweep definition; of a table, which does not say what its models are, any size.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.fitting import Fit
from workbench.fitting.design.candidates import (
    Bounds,
    Candidates,
    bounds_of,
    candidates,
    largest_size,
    sizes_between,
)
from workbench.fitting.design.proposing import ROBUST, RUNS, Proposal, propose
from workbench.fitting.design.targets import AT_COMPUTE, Target
from workbench.runner.continuation import Ask, Family, Size, definition, family_of
from workbench.store.store import NAME

TIMES = 10
"""Where no compute is given, targets of one are asked at so many times the largest budget."""


@dataclass(frozen=True)
class Wish:
    """What the next runs are to pin down, and what they may be."""

    target: Target
    flops: float
    """To spend."""
    robust: float = ROBUST
    """Share of it for points that check the law."""
    max_runs: int = RUNS
    max_run_flops: float | None = None
    min_run_flops: float | None = None
    tokens_per_param: tuple[float, float] | None = None
    max_tokens: float | None = None
    seed: int = 0

    def bounds(self, points: pd.DataFrame) -> Bounds:
        """What a run may be, given those so far."""
        return bounds_of(
            points, "n", self.flops, self.max_run_flops, self.min_run_flops, self.tokens_per_param,
            self.max_tokens,
        )  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """The runs to choose from; of a store, with the family of its models and the sizes that the runs have."""

    pool: Candidates
    sizes: tuple[Size, ...] = ()
    family: Family | None = None


@dataclass(frozen=True)
class Next:
    """A proposal and the runs it was chosen from."""

    proposal: Proposal
    choice: Choice

    @property
    def runs(self) -> pd.DataFrame:
        """One row a distinct run: n, d, c, repeats, purpose, and its size's name, which is empty of a table."""
        runs, sizes = self.proposal.runs, self.choice.sizes
        names = [sizes[i].name if sizes else "" for i in self.choice.pool.size[runs["candidate"]]]
        return runs.drop(columns="candidate").assign(size=names)

    def definition(self, name: str) -> str | None:
        """The proposal as a sweep definition, of a store alone; one point for the target and as a check is one."""
        choice, proposal = self.choice, self.proposal
        if choice.family is None:
            return None
        merged = proposal.runs.groupby("candidate", sort=False).agg({"d": "first", "repeats": "sum"})
        size_of = choice.pool.size
        asks = [
            Ask(choice.sizes[size_of[candidate]], round(tokens), int(repeats))
            for candidate, tokens, repeats in merged.itertuples()
        ]
        title = name if NAME.fullmatch(name) else "next"
        remarks = [proposal.summary(), *proposal.notes]
        return definition(choice.family, asks, title, f"The next runs for {proposal.target.words}", remarks)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {**self.proposal.to_dict(), "runs": self.runs.to_dict("records")}


def next_runs(fitted: Fit, wish: Wish, choice: Choice) -> Next:
    """The runs of `choice` that shrink the wish's interval most."""
    robust, most, seed = wish.robust, wish.max_runs, wish.seed
    found = propose(fitted, wish.target, choice.pool, wish.flops, robust=robust, max_runs=most, seed=seed)
    return Next(found, choice)


def target_of(name: str, at: float | None, table: pd.DataFrame) -> Target:
    """A target; one of a compute is asked at `TIMES` the largest budget (or compute) of the runs, unless told."""
    if at is None and name in AT_COMPUTE:
        planned = "budget" in table and table["budget"].notna().any()
        at = TIMES * float(table["budget" if planned else "c"].max())
    return Target(name, at)


def of_table(fitted: Fit, bounds: Bounds) -> Choice:
    """Any size may be trained, at the cost that the fit has found."""
    ladder = sizes_between(fitted.residuals, "n", bounds)
    return Choice(candidates(ladder, [fitted.cost.flops(float(n), 1.0) for n in ladder], bounds))


def of_store(runs: pd.DataFrame, fitted: Fit, bounds: Bounds, origin: str) -> Choice:
    """Sizes of the fitted runs' family, at their exact cost; no more tokens than the corpus has, if that is known."""
    mine = runs[runs["run_id"].isin(fitted.residuals["run_id"])]
    family = family_of(list(mine["config"]), origin)
    repeated = mine["unique_tokens"] < mine["tokens"]  # such a run has seen all there is
    if repeated.any():
        bounds = bounds.with_tokens(float(mine.loc[repeated, "unique_tokens"].max()))
    sizes = family.sizes(largest_size(bounds))
    pool = candidates([size.n_params for size in sizes], [size.flops_per_token for size in sizes], bounds)
    return Choice(pool, sizes, family)


PURPOSES: Mapping[str, str] = {"target": "the target", "check": "checking the law"}
"""What a proposed run is for, in words."""
