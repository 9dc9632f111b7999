"""Every run: filter, sort, plot any column against any other, read a configuration, take the table away."""

import json
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.analyses import sweeps
from workbench.analyses.exploring import runs_figure
from workbench.analyses.scaling_runs import RUN_COLUMNS
from workbench.app import data, show
from workbench.fitting.tables.canonical import filtered
from workbench.reporting import formats
from workbench.reporting.figures.explore import QUANTITIES
from workbench.reporting.figures.pieces import plural
from workbench.store.schema import RUNS

# Style of a report's column → the format of a number that stays sortable.
FORMATS = {"count": "compact", "power": "scientific", "integer": "localized", "loss": "%.4f", "seconds": "%.1f s"}
X = ("flops", "n_params", "n_params_non_embedding", "tokens", "steps", "learning_rate", "seconds")
Y = ("loss", "bpb", "train_loss", "seconds", "learning_rate", "n_params", "tokens")
COLORS = ("n_params", "budget", "tokens", "role", "status", "sweep", "n_layer", "d_model", "rate_factor", "seed_init")


def page() -> None:
    """Filters, figure, table, one run."""
    show.title(
        "Runs", "Every run of the sweep, one point or one row each. Filter them, and plot any number against any other."
    )
    runs = data.selected().runs
    if runs.empty:
        show.block(sweeps.NO_RUNS)
        return
    chosen = _filtered(runs)
    st.caption(f"{plural(len(chosen), 'run')} of {len(runs):,} shown.")
    if chosen.empty:
        st.info("No run passes these filters; take one away.")
        return
    axes = st.columns(3)
    x = _pick(axes[0], "Horizontal axis", X, "x")
    y = _pick(axes[1], "Vertical axis", Y, "y")
    color = _pick(axes[2], "Colour", COLORS, "color")
    show.figure(runs_figure(chosen, x, y, color))
    _table(chosen)
    _one_run(chosen)


def _pick(place: DeltaGenerator, label: str, options: tuple[str, ...], key: str) -> str:
    return str(
        place.selectbox(
            label, options, format_func=lambda o: QUANTITIES[o].title, key=f"runs_{key}", bind="query-params"
        )
    )


def _filtered(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs that pass every filter; an empty filter lets all pass."""
    places = st.columns([1, 1, 1, 2])
    kept = runs
    for place, column in zip(places, ("role", "status", "budget"), strict=False):
        options = sorted(runs[column].dropna().unique().tolist())
        write = formats.power if column == "budget" else str
        wanted = place.multiselect(column.capitalize(), options, format_func=write, key=column, placeholder="all")
        if wanted:
            kept = kept[kept[column].isin(wanted)]
    where = places[3].text_input(
        "Where",
        key="where",
        bind="query-params",
        placeholder="n_params < 100000 AND loss < 4",
        help="A DuckDB condition over any column of the runs, such as d_model = 64 OR rate_factor != 1.",
    )
    return filtered(kept, where, "the runs") if where else kept


def _table(runs: pd.DataFrame) -> None:
    known = [column.name for column in RUNS if column.name in runs.columns]
    with st.expander("Choose the columns of the table"):
        shown = st.multiselect("Columns", known, default=[column.key for column in RUN_COLUMNS], key="columns")
    st.dataframe(runs, column_order=shown, column_config=_columns(), hide_index=True)
    st.download_button(
        "These runs with every column (CSV)", runs.to_csv(index=False), "runs.csv", "text/csv", on_click="ignore"
    )


def _columns() -> dict[str, Any]:
    """Headings, meanings and formats of the table."""
    styled = {column.key: column for column in RUN_COLUMNS}
    found: dict[str, Any] = {}
    for column in RUNS:
        title = styled[column.name].title if column.name in styled else column.name
        style = FORMATS.get(styled[column.name].style) if column.name in styled else None
        if style is not None:
            found[column.name] = st.column_config.NumberColumn(title, help=column.meaning, format=style)
        else:
            found[column.name] = st.column_config.Column(title, help=column.meaning)
    return found


def _one_run(runs: pd.DataFrame) -> None:
    with st.expander("The configuration of one run"):
        chosen = st.selectbox("Run", runs["run_id"].tolist(), key="run")
        row = runs[runs["run_id"] == chosen].iloc[0]
        if isinstance(row["error"], str) and row["error"]:
            st.error(row["error"])
        st.json(json.loads(row["config"]))


if __name__ == "__main__":
    page()
