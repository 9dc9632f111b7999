"""What the pages read: the store's tables and the study of a sweep, kept until a file of the store changes."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from workbench.analyses import one_law, scaling, scaling_fits, scaling_runs, scaling_trust, sweeps, task_axes
from workbench.analyses.one_law import Ask
from workbench.analyses.scaling import ScalingStudy
from workbench.fitting import Fit
from workbench.reporting.document import Block
from workbench.store import Store

EVERYTHING = "all runs"
"""The choice of no one sweep."""

PARTS: dict[str, Callable[[ScalingStudy], list[Block]]] = {
    "laws": scaling_fits.laws,
    "allocation": scaling_fits.allocation,
    "forecasts": scaling_fits.forecasts,
    "back-test": scaling_trust.backtest,
    "compared": scaling_trust.compared,
    "diagnostics": scaling_trust.diagnostics,
    "soundness": scaling_runs.soundness,
}
"""Parts of the report that pages show."""

RESAMPLES = 1000
"""As many as the report takes, so that both print the same intervals."""

KEPT = 8
"""Results kept of each kind."""


def store_folder() -> str:
    """The store on the command line, or the reference store."""
    if len(sys.argv) > 1:
        return sys.argv[1]
    from workbench.store import reference_store

    return str(reference_store())


def version(folder: str) -> str:
    """Changes when a file of the store is added, removed or rewritten."""
    Store(folder)
    entries = [
        entry.stat()
        for table in ("runs", "curves", "evals", "sweeps")
        if (Path(folder) / table).is_dir()
        for entry in os.scandir(Path(folder) / table)
    ]
    newest = max((entry.st_mtime_ns for entry in entries), default=0)
    return f"{len(entries)}-{newest}-{sum(entry.st_size for entry in entries)}"


def sweep() -> str:
    """The sweep chosen in the sidebar; the only one where there is no choice; all runs where no sweep is recorded."""
    folder = store_folder()
    names = sweep_names(folder, version(folder))
    chosen = st.session_state.get("sweep")
    if chosen in names or chosen == EVERYTHING:
        return str(chosen)
    return names[0] if names else EVERYTHING


def name() -> str:
    """The store and the sweep, in words."""
    store = Path(store_folder()).resolve().name
    return f"all runs in the store {store}" if sweep() == EVERYTHING else f"the sweep {sweep()} in the store {store}"


def runs() -> pd.DataFrame:
    """The runs of the chosen sweep."""
    folder = store_folder()
    return _runs(folder, version(folder), sweep())


def curves() -> pd.DataFrame:
    """Their curves."""
    folder = store_folder()
    return _curves(folder, version(folder), sweep())


def evals() -> pd.DataFrame:
    """Their measurements."""
    folder = store_folder()
    return _evals(folder, version(folder), sweep())


def all_runs() -> pd.DataFrame:
    """The runs of every sweep."""
    folder = store_folder()
    return _runs(folder, version(folder), EVERYTHING)


def manifests() -> list[dict[str, Any]]:
    """The sweeps."""
    folder = store_folder()
    return _manifests(folder, version(folder))


def study() -> ScalingStudy:
    """Every law of the chosen sweep, as the report has it."""
    folder = store_folder()
    return _study(folder, version(folder), sweep())


def asked(ask: Ask) -> Fit | str:
    """One law of the chosen sweep, fitted as asked, or the reason why it cannot be."""
    folder = store_folder()
    return _asked(folder, version(folder), sweep(), ask)


def part(name: str) -> list[Block]:
    """A part of the report on the chosen sweep: see `PARTS`."""
    folder = store_folder()
    return _part(folder, version(folder), sweep(), name)


def task_blocks(x: str) -> list[Block]:
    """The task curves of the chosen sweep."""
    folder = store_folder()
    return _task_blocks(folder, version(folder), sweep(), x)


@st.cache_data(max_entries=KEPT, show_spinner=False)
def sweep_names(folder: str, version: str) -> list[str]:
    """The sweeps by name, that of most compute first, as the report takes it."""
    spent = sweeps.progress(_runs(folder, version, EVERYTHING), _manifests(folder, version))
    return [str(name) for name in spent.sort_values("flops", ascending=False, kind="stable")["sweep"]]


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _manifests(folder: str, version: str) -> list[dict[str, Any]]:  # noqa: ARG001, a key of the cache
    return Store(folder).sweeps()


@st.cache_data(max_entries=KEPT, show_spinner="Reading the runs …")
def _runs(folder: str, version: str, sweep: str) -> pd.DataFrame:  # noqa: ARG001, a key of the cache
    store = Store(folder)
    return sweeps.of_sweep(store.runs(), None if sweep == EVERYTHING else store.manifest(sweep))


@st.cache_data(max_entries=KEPT, show_spinner="Reading the curves …")
def _curves(folder: str, version: str, sweep: str) -> pd.DataFrame:
    rows = Store(folder).curves()
    return rows[rows["run_id"].isin(_runs(folder, version, sweep)["run_id"])].reset_index(drop=True)


@st.cache_data(max_entries=KEPT, show_spinner="Reading the measurements …")
def _evals(folder: str, version: str, sweep: str) -> pd.DataFrame:
    rows = Store(folder).evals()
    return rows[rows["run_id"].isin(_runs(folder, version, sweep)["run_id"])].reset_index(drop=True)


@st.cache_data(max_entries=KEPT, show_spinner="Fitting every law, with intervals …")
def _study(folder: str, version: str, sweep: str) -> ScalingStudy:
    runs, curves = _runs(folder, version, sweep), _curves(folder, version, sweep)
    evals, name = _evals(folder, version, sweep), Path(folder).name
    return scaling.study(runs, curves, evals, name=name, resamples=RESAMPLES)


@st.cache_data(max_entries=KEPT * 4, show_spinner="Fitting the law …")
def _asked(folder: str, version: str, sweep: str, ask: Ask) -> Fit | str:
    return one_law.asked(_study(folder, version, sweep), ask)


@st.cache_data(max_entries=KEPT * len(PARTS), show_spinner=False)
def _part(folder: str, version: str, sweep: str, name: str) -> list[Block]:
    return PARTS[name](_study(folder, version, sweep))


@st.cache_data(max_entries=KEPT, show_spinner="Fitting the thresholds …")
def _task_blocks(folder: str, version: str, sweep: str, x: str) -> list[Block]:
    return task_axes.blocks(_runs(folder, version, sweep), _evals(folder, version, sweep), x)
