"""A sweep while it trains: how far each run has come, read from the store's files alone, each file once.

A look lists a few folders and reads what is new in them, so that it can be taken every second, of thousands of runs.
"""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from workbench.analyses.samples import members
from workbench.reporting.figures import thin
from workbench.runner.claims import worker_of
from workbench.runner.status import IDLE_SECONDS, End, states
from workbench.runner.stopping import is_run
from workbench.runner.watching import Tails, saved_rows
from workbench.store import Store
from workbench.store.snapshot import stamps, stem
from workbench.store.tables import MERGED

STATES = ("running", "silent", "interrupted", "waiting", "done", "diverged", "failed")
"""What a run may be. Silent: it is running, and has given no sign of a step for `IDLE_SECONDS`."""

UNFINISHED = ("running", "silent", "interrupted", "waiting")

CURVES, POINTS = 40, 200
"""Curves that a look has at most, and points of each that has ended."""

MEMORY_SECONDS = 10.0

EXPECTED = ("n_params", "tokens", "steps", "flops", "branch_step", "seconds")
"""What a manifest says of a run to come; those written by older versions say none of it."""

ENDED = ("status", "steps", "loss", "train_loss", "n_params", "tokens", "flops_spent", "seconds", "error", "created_at")
"""What is taken of a run in the table."""

POINT = ("run_id", "step", "tokens", "flops", "seconds", "learning_rate", "train_loss", "grad_norm", "loss", "bpb")


@dataclass(frozen=True)
class Look:
    """A sweep at one moment."""

    sweep: str
    runs: pd.DataFrame
    """One row a run, in the order of the plan: run_id, size, level, role, status, step, steps, share (of its own part
    done), loss, idle, n_params, tokens, flops (of its own part), expected (seconds, as planned), seconds (so far),
    worker (the process that trains it), ended (when), error."""
    curves: pd.DataFrame
    """Rows of the curves of the newest runs."""
    runner: bool
    """Whether somebody runs the sweep."""
    slots: int
    """The most workers of the last ten seconds: between two runs a worker is not there for a moment."""

    @property
    def counts(self) -> dict[str, int]:
        """State → how many runs, those that occur."""
        found = self.runs["status"].value_counts()
        return {state: int(found[state]) for state in STATES if state in found.index}

    @property
    def workers(self) -> int:
        """Processes that train at this moment."""
        return _workers(self.runs)

    @property
    def training(self) -> bool:
        """Whether anything goes on."""
        return self.runner or self.workers > 0

    @property
    def complete(self) -> bool:
        """Whether every run has ended, in whatever way."""
        return not self.runs["status"].isin(UNFINISHED).any()


class Watch:
    """Looks at a sweep again and again; what was read once is kept."""

    def __init__(self, store: Store, sweep: str) -> None:
        self.store, self.sweep = store, sweep
        self._alone = threading.Lock()  # of several readers at once
        self._plan: tuple[int, pd.DataFrame] = (0, pd.DataFrame())
        self._tails = Tails(store)
        self._stamps: dict[str, tuple[int, int]] = {}
        self._ended = pd.DataFrame(columns=list(ENDED))
        self._seen: list[tuple[float, int]] = []
        self._kept: dict[tuple[str, str], pd.DataFrame] = {}

    def look(self) -> Look:
        """The sweep at this moment."""
        with self._alone:
            plan = self._planned()
            frame = states(self.store, plan["run_id"].tolist(), self._table, self._tails.last)
            runs = self._joined(plan, frame)
            curves, runner = self._curves(runs), is_run(self.store, self.sweep)
            return Look(self.sweep, runs, curves, runner, self._slots(_workers(runs), runner))

    def _slots(self, workers: int, runner: bool) -> int:
        now = time.monotonic()
        kept = [(when, many) for when, many in self._seen if now - when < MEMORY_SECONDS and runner]
        self._seen = [*kept, (now, workers)]
        return max(many for _, many in self._seen)

    def _planned(self) -> pd.DataFrame:
        """The runs of the manifest, read again when it has been written anew."""
        path = self.store.folder / "sweeps" / f"{self.sweep}.json"
        stamp = path.stat().st_mtime_ns if path.is_file() else -1
        if stamp != self._plan[0]:
            manifest = self.store.manifest(self.sweep)
            frame = pd.DataFrame(manifest.get("runs", []), columns=["run_id", "size", "level", "role", *EXPECTED])
            assert frame["run_id"].tolist() == members(manifest)
            self._plan = stamp, frame.rename(columns={"seconds": "expected"}).fillna({"branch_step": 0})
        return self._plan[1]

    def _table(self) -> Mapping[str, End]:
        """The runs that have ended: of the table, the files that are new."""
        found, mine = stamps(self.store.folder, "runs"), set(self._plan[1]["run_id"])
        changed = {name for name, stamp in found.items() if self._stamps.get(name) != stamp} | (
            self._stamps.keys() - found.keys()
        )
        if any(MERGED in name for name in changed):
            wanted, kept = mine, self._ended.iloc[:0]
        else:
            wanted = {stem(name) for name in changed} & mine
            kept = self._ended.drop(index=sorted(wanted), errors="ignore")
        if wanted:
            rows = self.store.runs_by_id(wanted).set_index("run_id")[list(ENDED)]
            self._ended = pd.concat([frame for frame in (kept, rows) if len(frame)]) if len(kept) + len(rows) else kept
        self._stamps = found
        ended = self._ended
        return dict(zip(ended.index, zip(ended["status"], ended["steps"], ended["loss"], strict=True), strict=True))

    def _joined(self, plan: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
        """What was planned of each run beside how far it has come."""
        runs = plan.merge(frame, on="run_id", sort=False)
        ended = self._ended.reindex(runs["run_id"]).reset_index(drop=True)
        for name in ("n_params", "tokens", "steps"):
            runs[name] = ended[name].astype(float).fillna(runs[name].astype(float))
        last = runs["status"].isin(["done", "diverged"])
        runs["flops"] = runs["flops"].astype(float).mask(last, ended["flops_spent"].astype(float))
        runs["seconds"] = ended["seconds"].astype(float).where(last)
        runs["ended"] = ended["created_at"].where(last, "").fillna("")
        runs["error"] = ended["error"].fillna("").where(last | (runs["status"] == "failed"), "")
        runs["worker"] = ""
        for place, run_id in runs.loc[runs["status"] == "running", "run_id"].items():
            rows = self._tails.rows(run_id)
            runs.loc[place, "seconds"] = rows[-1]["seconds"] if rows else math.nan
            runs.loc[place, "worker"] = worker_of(self.store, run_id) or run_id
        runs["status"] = runs["status"].mask(runs["idle"] > IDLE_SECONDS, "silent")
        done = (runs["step"] - runs["branch_step"]) / (runs["steps"] - runs["branch_step"])
        runs["share"] = done.clip(0, 1).mask(runs["status"].isin(["waiting", "failed"]), 0.0).mask(last, 1.0)
        return runs

    def _curves(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Rows of the runs that are under way, and of those that ended last."""
        running = runs["status"].isin(["running", "silent"])
        self._tails.keep(set(runs.loc[running, "run_id"]))
        ended = runs[runs["ended"] != ""].sort_values("ended", ascending=False, kind="stable")
        going = runs[running | (runs["status"] == "interrupted")]
        chosen = pd.concat([going, ended]).head(CURVES)
        self._kept = {key: frame for key, frame in self._kept.items() if key[0] in set(chosen["run_id"])}
        frames = [self._curve(row) for row in chosen.to_dict("records")]
        frames = [frame for frame in frames if not frame.empty]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(POINT))

    def _curve(self, run: Mapping[Any, Any]) -> pd.DataFrame:
        """Of one run: from its live curve, or read once from the table, or from its checkpoint."""
        run_id = str(run["run_id"])
        if run["status"] in ("running", "silent"):
            return _points(run_id, self._tails.rows(run_id))
        key = run_id, run["ended"] or f"step {run['step']}"
        if key not in self._kept:
            if run["ended"]:
                self._kept[key] = thin(self.store.curves(run_id), POINTS)[list(POINT)]
            else:
                self._kept[key] = _points(run_id, saved_rows(self.store, run_id, int(run["step"])))
        return self._kept[key]


def _workers(runs: pd.DataFrame) -> int:
    return int(runs.loc[runs["status"].isin(["running", "silent"]), "worker"].nunique())


def _points(run_id: str, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of a live curve as those of the table."""
    return pd.DataFrame(rows, columns=list(POINT)).assign(run_id=run_id)


def to_watch(store: Store, chosen: str | None) -> str | None:
    """The sweep to look at: the chosen one; with none, one that is being run, or else the only one there is."""
    if chosen is not None:
        return chosen
    names, going = names_of(store), in_training(store)
    return going[0] if going else names[0] if len(names) == 1 else None


def in_training(store: Store) -> list[str]:
    """The sweeps that somebody runs at this moment."""
    return [name for name in names_of(store) if is_run(store, name)]


def names_of(store: Store) -> list[str]:
    """The sweeps of a store, by name."""
    return sorted(path.stem for path in (store.folder / "sweeps").glob("[!.]*.json"))
