"""Every run: filter, plot, sort, compare the configurations of some, see what tells good ones, take the table away."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from workbench.analyses import run_table, run_view, sweeps
from workbench.analyses.choosing import RunsChosen
from workbench.analyses.run_table import SMOOTHED, SMOOTHED_COLUMN
from workbench.analyses.run_view import COLORS, ParallelAsk, RunsAsk, X, Y
from workbench.analyses.scaling_runs import RUN_COLUMNS
from workbench.analyses.selection import Selection
from workbench.app import data, show
from workbench.app.choices import pick, runs_chosen, worded
from workbench.errors import BadInput
from workbench.reporting import formats
from workbench.reporting.figures.explore import quantity
from workbench.reporting.figures.pieces import plural
from workbench.store.schema import RUNS

# Style of a report's column → the format of a number that stays sortable.
FORMATS = {"count": "compact", "power": "%.2e", "integer": "localized", "loss": "%.4f", "seconds": "%.1f s"}

# Styles that a table which is not long writes as the report does.
WRITTEN = ("count", "power")

# Of a table longer than this the browser fetches the rows that it shows, and its rows cannot be ticked.
LONG = 50_000

# What stands under the figure.
PARTS = ("Table", "Parallel coordinates")


def page() -> None:
    """Filters, figure, table or parallel coordinates, failures."""
    show.title(
        "Runs",
        "Every run of the sweep, one point or one row each. Filter them, plot any number against any other, sort the "
        "table, tick runs to see where their configurations differ.",
    )
    selection = data.selected()
    if selection.runs.empty:
        show.block(sweeps.NO_RUNS)
        return
    filters = runs_chosen()
    runs = filters.of(selection.runs)
    st.caption(f"{plural(len(runs), 'run')} of {len(selection.runs):,} shown.")
    if runs.empty:
        st.info(run_view.NONE.text)
        return
    _points(filters)
    part = st.segmented_control(
        "Show", PARTS, default=PARTS[0], required=True, key="part", bind="query-params", label_visibility="collapsed"
    )
    if part == PARTS[0]:
        _under(runs)
    else:
        _across(filters)
    show.blocks(run_table.troubled(runs))


def _points(filters: RunsChosen) -> None:
    places = st.columns(3)
    x = pick(places[0], "Horizontal axis", X, "runs_x")
    y = pick(places[1], "Vertical axis", Y, "runs_y")
    color = pick(places[2], "Colour", COLORS, "runs_color")
    show.view("runs", RunsAsk(x=x, y=y, color=color, **filters.model_dump()))


@st.fragment
def _under(runs: pd.DataFrame) -> None:
    """The table and what is done with it, which leave the figures as they are."""
    show.guarded(lambda: _table(runs))


def _table(runs: pd.DataFrame) -> None:
    """A click on a heading sorts by it, a tick chooses a run."""
    selection = data.selected()
    every = run_table.columns(selection)
    with st.expander("Choose the columns of the table"):
        names = st.multiselect(
            "Columns, any key of the configurations among them", every, default=run_table.usual(selection),
            key="columns", bind="query-params",
        )  # fmt: skip
        places = st.columns(3)
        how = places[0].selectbox(
            "Smoothed training loss", ["no", *SMOOTHED], key="smoothed", bind="query-params",
            format_func=lambda name: "no such column" if name == "no" else f"{name} of the last points",
        )  # fmt: skip
        points = places[1].number_input("of the last", 1, 10_000, 20, key="last", bind="query-params")
    shown = run_table.table(selection, runs, list(dict.fromkeys(["run_id", *names])))
    if how != "no":
        smoothed = run_table.smoothed_loss(selection, str(how), int(points))
        shown.insert(1, SMOOTHED_COLUMN, shown["run_id"].map(smoothed))
    config = _columns(shown, f"{how} of the last {points} training losses", len(shown) <= LONG)
    if len(shown) > LONG:
        st.dataframe(shown, column_config=config, hide_index=True, lazy=True, placeholder="–")
    else:
        st.dataframe(
            _written(shown), column_config=config, hide_index=True, key="ticked", on_select=_compare_ticked,
            selection_mode="multi-row", placeholder="–",
        )  # fmt: skip
    st.session_state["table_ids"] = shown["run_id"]
    _downloads(runs)
    _compared()


def _written(shown: pd.DataFrame) -> Styler:
    """The table with sizes and compute as elsewhere, 15.3k and 5.8×10¹⁰; it still sorts by the numbers."""
    words = {column.key: column.style for column in RUN_COLUMNS if column.style in WRITTEN}
    how: dict[Any, Any] = {name: partial(formats.show, style=words[name]) for name in shown.columns if name in words}
    return shown.style.format(how)


def _compare_ticked() -> None:
    """Ticked rows are the runs to compare, which the address of the page keeps."""
    rows = st.session_state["ticked"]["selection"]["rows"]
    st.session_state["compare"] = " ".join(st.session_state["table_ids"].iloc[rows])


def _downloads(runs: pd.DataFrame) -> None:
    selection = data.selected()
    place = st.container(horizontal=True)
    for kind, mime in (("csv", "text/csv"), ("parquet", "application/octet-stream")):
        place.download_button(
            f"These runs as {'CSV' if kind == 'csv' else 'Parquet'}",
            partial(_content, selection, runs, kind),
            f"runs.{kind}",
            mime,
            key=f"runs-{kind}",
            on_click="ignore",
            help="Every column of the store and every key of the configurations, whatever the table shows.",
        )


def _content(selection: Selection, runs: pd.DataFrame, kind: str) -> bytes:
    """What is taken away, made when it is asked for."""
    return run_table.written(run_table.whole(selection, runs), kind)


def _compared() -> None:
    """Where the configurations of the chosen runs differ, or the configuration of the only one."""
    named = st.text_input(
        "Runs to compare", key="compare", bind="query-params", placeholder="tick runs in the table, or write ids here",
        help="One run shows its configuration; several, the keys in which they differ.",
    )  # fmt: skip
    ids = named.replace(",", " ").split()
    if not ids:
        return
    try:
        show.blocks(run_table.chosen(data.selected(), ids))
    except BadInput as error:
        show.trouble(error)


def _columns(shown: pd.DataFrame, smoothed: str, written: bool) -> dict[str, Any]:
    """Headings, meanings and formats of the table."""
    styled = {column.key: column for column in RUN_COLUMNS}
    found: dict[str, Any] = {}
    for column in RUNS:
        title = styled[column.name].title if column.name in styled else column.name
        style = FORMATS.get(styled[column.name].style) if column.name in styled else None
        if style is not None and not (written and styled[column.name].style in WRITTEN):
            found[column.name] = st.column_config.NumberColumn(title, help=column.meaning, format=style)
        else:
            found[column.name] = st.column_config.Column(title, help=column.meaning)
    found[SMOOTHED_COLUMN] = st.column_config.NumberColumn("smoothed training loss", help=smoothed, format="%.4f")
    return {name: found[name] for name in shown.columns if name in found}


def _across(filters: RunsChosen) -> None:
    show.sentence("Which settings go with a low loss? Each line is a run, each axis a setting or a result.")
    selection = data.selected()
    places = st.columns([5, 2])
    axes = places[0].multiselect(
        "Axes",
        **worded("axes", run_view.axes(selection), lambda name: quantity(name).title),
        default=list(run_view.DIMENSIONS),
    )
    color = pick(places[1], "Coloured by", Y, "axes_color")
    if len(axes) < 2:
        st.info("Choose two axes or more.")
        return
    show.view("parallel", ParallelAsk(axes=tuple(axes), color=color, **filters.model_dump()))


if __name__ == "__main__":
    page()
