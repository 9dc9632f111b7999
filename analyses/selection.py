"""What a page of the app shows, and a command draws: the runs of a sweep of a store, read when they are asked for."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from workbench.analyses import configs, scaling
from workbench.analyses.samples import of_sweep
from workbench.analyses.scaling import ScalingStudy
from workbench.store import Store

T = TypeVar("T")

RESAMPLES = 1000
"""As many as the report takes, so that both print the same intervals."""

MANY_RUNS, FEWER_RESAMPLES = 2000, 200
"""Of more runs than that fits take no more resamples than this, which their text says with every interval."""

HELD_OUT = ("run_id", "step", "tokens", "flops", "seconds", "loss", "loss_se", "bpb", "point")

KEPT = 8
"""Results kept by `Selection.lately`."""


@dataclass(frozen=True)
class Selection:
    """A sweep of a store, or all of its runs. What has been read is kept: nobody may change the frames."""

    folder: Path
    sweep: str | None = None
    """None: every run of the store."""
    resamples: int = RESAMPLES
    """Of the intervals of its fits, at most."""

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
    def configs(self) -> pd.DataFrame:
        """Every key of their configurations, those that vary first; by run id."""
        return configs.table(self.runs)

    @cached_property
    def keys_that_vary(self) -> int:
        """How many of those vary."""
        return len(configs.varying(self.configs))

    @cached_property
    def held_out(self) -> pd.DataFrame:
        """The points of their curves at which a held-out loss was taken: what the laws need of curves.

        Whole curves are not read here: see `Store.each_curve` for a way that holds one at a time.
        """
        text = f"SELECT {', '.join(HELD_OUT)} FROM curves WHERE loss IS NOT NULL"
        return self._mine(self.store.query(text).to_pandas())

    @cached_property
    def evals(self) -> pd.DataFrame:
        """What was measured on them."""
        return self._mine(self.store.evals())

    @cached_property
    def study(self) -> ScalingStudy:
        """Every law of theirs, as the report has it."""
        name = self.folder.resolve().name
        return scaling.study(self.runs, self.held_out, self.evals, name=name, resamples=self.affordable)

    @property
    def affordable(self) -> int:
        """Resamples of its fits: fewer where there are very many runs."""
        return min(self.resamples, FEWER_RESAMPLES) if len(self.runs) > MANY_RUNS else self.resamples

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

    def lately(self, key: Hashable, make: Callable[[], T]) -> T:
        """As `once`, of what is large: only the few last ones are kept."""
        if key not in self._large:
            while len(self._large) >= KEPT:
                self._large.pop(next(iter(self._large)), None)
            self._large[key] = make()
        return self._large[key]

    @cached_property
    def _large(self) -> dict[Hashable, Any]:
        return {}

    def _mine(self, rows: pd.DataFrame) -> pd.DataFrame:
        if len(self.runs) == len(self.all_runs):
            return rows
        return rows[rows["run_id"].isin(self.runs["run_id"])].reset_index(drop=True)


def sweep_names(runs: pd.DataFrame, manifests: Iterable[dict[str, Any]]) -> list[str]:
    """The sweeps by name, that of most compute first, as the report takes it."""
    from workbench.analyses import sweeps

    spent = sweeps.progress(runs, list(manifests))
    return [str(name) for name in spent.sort_values("flops", ascending=False, kind="stable")["sweep"]]
