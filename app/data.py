"""What the pages read: a selection of the store, and what the views draw of it, kept until the store changes."""

import sys
from pathlib import Path

import streamlit as st

from workbench.analyses import compare_groups, selection, views
from workbench.analyses.ask import Ask
from workbench.analyses.live import Watch
from workbench.analyses.selection import Selection
from workbench.reporting.document import Block
from workbench.store import Store

EVERYTHING = "all runs"
"""The choice of no one sweep."""

RESAMPLES = selection.RESAMPLES

KEPT = 4
"""Selections kept: one of a large store takes some hundred MB."""

KEPT_BLOCKS = 64


def store_folder() -> str:
    """The store on the command line, or the reference store."""
    if len(sys.argv) > 1:
        return sys.argv[1]
    from workbench.store import reference_store

    return str(reference_store())


def version(folder: str) -> str:
    """Changes when a file of the store is put in place or removed, which is a change of its folder."""
    Store(folder)
    names = ("runs", "curves", "evals", "fits", "sweeps", ".compact")
    stamps = [path.stat().st_mtime_ns for name in names if (path := Path(folder) / name).is_dir()]
    return "-".join(str(stamp) for stamp in stamps)


def sweep_names() -> list[str]:
    """The sweeps of the store."""
    folder = store_folder()
    return _sweep_names(folder, version(folder))


def sweep() -> str | None:
    """The sweep chosen in the sidebar; the only one where there is no choice; None for all runs."""
    names = sweep_names()
    chosen = st.session_state.get("sweep")
    if chosen == EVERYTHING or not names:
        return None
    return str(chosen) if chosen in names else names[0]


def selected() -> Selection:
    """The runs of the chosen sweep, and what belongs to them."""
    folder = store_folder()
    return _selection(folder, version(folder), sweep())


def everything() -> Selection:
    """All runs of the store."""
    folder = store_folder()
    return _selection(folder, version(folder), None)


def watch(sweep: str) -> Watch:
    """Looks at a sweep in training, of which each reads only what is new."""
    return _watch(store_folder(), sweep)


def comparable_sweeps() -> list[str]:
    """Sweeps of the store that can be held against one another."""
    folder = store_folder()
    return _comparable_sweeps(folder, version(folder))


def comparable_keys() -> list[str]:
    """Keys that set the runs of the chosen sweep apart into groups with a law each."""
    folder = store_folder()
    return _comparable_keys(folder, version(folder), sweep())


def values_of(key: str) -> list[str]:
    """The values of a key with runs enough, that of most runs first."""
    folder = store_folder()
    return _values_of(folder, version(folder), sweep(), key)


def blocks(view: str, ask: Ask) -> list[Block]:
    """What a view draws of the chosen sweep."""
    folder = store_folder()
    return _blocks(folder, version(folder), sweep(), view, repr(ask), ask)


@st.cache_data(max_entries=KEPT, show_spinner="Reading the runs …")
def _sweep_names(folder: str, version: str) -> list[str]:
    everything = _selection(folder, version, None)
    return selection.sweep_names(everything.all_runs, everything.manifests)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _selection(folder: str, version: str, sweep: str | None) -> Selection:  # noqa: ARG001, a key of the cache
    return Selection(Path(folder), sweep, RESAMPLES)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _watch(folder: str, sweep: str) -> Watch:
    return Watch(Store(folder), sweep)


@st.cache_resource(max_entries=KEPT_BLOCKS, show_spinner="Drawing …")
def _blocks(folder: str, version: str, sweep: str | None, view: str, asked: str, _ask: Ask) -> list[Block]:  # noqa: ARG001
    return views.view(view).draw(_selection(folder, version, sweep), _ask)


@st.cache_data(max_entries=KEPT, show_spinner="Reading the runs …")
def _comparable_sweeps(folder: str, version: str) -> list[str]:
    everything = _selection(folder, version, None)
    return compare_groups.usable_sweeps(everything.all_runs, everything.manifests)


@st.cache_data(max_entries=KEPT, show_spinner="Reading the runs …")
def _comparable_keys(folder: str, version: str, sweep: str | None) -> list[str]:
    return compare_groups.keys(_selection(folder, version, sweep).runs)


@st.cache_data(max_entries=KEPT_BLOCKS, show_spinner=False)
def _values_of(folder: str, version: str, sweep: str | None, key: str) -> list[str]:
    return compare_groups.usable_values(_selection(folder, version, sweep).runs, key)
