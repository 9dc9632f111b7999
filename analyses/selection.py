"""What a page of the app shows, and a command draws: the runs of a sweep of a store, read when they are asked for."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from workbench.analyses import scaling
from workbench.analyses.samples import of_sweep
from workbench.analyses.scaling import ScalingStudy
from workbench.store import Store

T = TypeVar("T")

RESAMPLES = 1000
"""As many as the report takes, so that both print the same intervals."""


@dataclass(frozen=True)
class Selection:
    """A sweep of a store, or all of its runs. What has been read is kept: nobody may change the frames."""

    folder: Path
    sweep: str | None = None
    """None: every run of the store."""
    resamples: int = RESAMPLES
    """Of the study's intervals."""

    @cached_property
    def store(self) -> Store:
        """The store."""
        return Store(self.folder)

    @property
    def name(self) -> str:
        """The store and the sweep, in words."""
        store = self.folder.resolve().name
        return (
            f"all runs in the store {store}" if self.sweep is None else f"the sweep {self.sweep} in the store {store}"
        )

    @cached_property
    def manifests(self) -> list[dict[str, Any]]:
        """The sweeps of the store."""
        return self.store.sweeps()

    @property
    def sweep_is_a_choice(self) -> bool:
        """Whether naming the sweep says anything: with one sweep and no other runs it is all there is."""
        return len(self.manifests) > 1 or len(self.runs) < len(self.all_runs)

    @cached_property
    def all_runs(self) -> pd.DataFrame:
        """The runs of every sweep."""
        return self.store.runs()

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The runs of this one."""
        return of_sweep(self.all_runs, None if self.sweep is None else self.store.manifest(self.sweep))

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Every recorded point of their curves."""
        return self._mine(self.store.curves())

    @cached_property
    def evals(self) -> pd.DataFrame:
        """What was measured on them."""
        return self._mine(self.store.evals())

    @cached_property
    def study(self) -> ScalingStudy:
        """Every law of theirs, as the report has it."""
        name = self.folder.resolve().name
        return scaling.study(self.runs, self.curves, self.evals, name=name, resamples=self.resamples)

    @cached_property
    def _kept(self) -> dict[Hashable, Any]:
        return {}

    def knows(self, key: Hashable) -> bool:
        """Whether something was worked out already."""
        return key in self._kept

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` works out, kept: several figures of a page ask for one fit."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def _mine(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows[rows["run_id"].isin(self.runs["run_id"])].reset_index(drop=True)


def sweep_names(runs: pd.DataFrame, manifests: Iterable[dict[str, Any]]) -> list[str]:
    """The sweeps by name, that of most compute first, as the report takes it."""
    from workbench.analyses import sweeps

    spent = sweeps.progress(runs, list(manifests))
    return [str(name) for name in spent.sort_values("flops", ascending=False, kind="stable")["sweep"]]
