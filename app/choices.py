"""Widgets whose choice stands in the address of the page, so that a copied link shows the same."""

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.analyses.choosing import RunsChosen
from workbench.app import data
from workbench.reporting import formats
from workbench.reporting.figures.explore import quantity


def worded(key: str, options: Iterable[str], words: Callable[[str], str]) -> dict[str, Any]:
    """What a widget is given whose options are shown in words: `?law=kaplan-nd` in an address chooses what they name.

    Streamlit keeps the words in the address and knows nothing else there, so that an option's own name is put into
    words before the widget looks.
    """
    options = list(options)
    if key not in st.session_state:
        asked = st.query_params.get_all(key)
        said = [words(value) if value in options else value for value in asked]
        if said != asked:
            st.query_params[key] = said
            st.rerun()
    return {"options": options, "format_func": words, "key": key, "bind": "query-params"}


def pick(place: DeltaGenerator, label: str, options: Iterable[str], key: str) -> str:
    """One of the quantities that a figure may show."""
    return str(place.selectbox(label, **worded(key, options, lambda name: quantity(name).title)))


def runs_chosen(prefix: str = "") -> RunsChosen:
    """The runs that are shown: all of them where nothing is chosen. `prefix` keeps the choices of two pages apart."""
    runs = data.selected().runs
    places = st.columns([1, 1, 1, 2])
    chosen: dict[str, tuple[Any, ...]] = {}
    for place, column in zip(places, ("role", "status", "budget"), strict=False):
        options = sorted(runs[column].dropna().unique().tolist())
        picked = place.multiselect(
            column.capitalize(), options, format_func=formats.power if column == "budget" else str,
            key=prefix + column, placeholder="all", bind="query-params",
        )  # fmt: skip
        chosen[column] = tuple(picked)
    where = places[3].text_input(
        "Where",
        key=f"{prefix}where",
        bind="query-params",
        placeholder="n_params < 100000 AND loss < 4",
        help="A DuckDB condition over any column of the runs, such as d_model = 64 OR rate_factor != 1.",
    )
    return RunsChosen(roles=chosen["role"], statuses=chosen["status"], budgets=chosen["budget"], where=where)
