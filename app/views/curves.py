"""Training curves: any axis, logarithmic or not, coloured by any key of the runs."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.analyses import sweeps
from workbench.analyses.exploring import CURVE_X, CURVE_Y, GROUPS, curves_figure
from workbench.app import data, show
from workbench.reporting import formats
from workbench.reporting.figures.explore import QUANTITIES


def page() -> None:
    """Axes, grouping, choice of runs, figure."""
    show.title("Curves", "How the loss fell while each run trained.")
    runs = data.runs()
    if runs.empty:
        show.block(sweeps.NO_RUNS)
        return
    places = st.columns(3)
    x = _pick(places[0], "Horizontal axis", CURVE_X, "curve_x")
    y = _pick(places[1], "Vertical axis", CURVE_Y, "curve_y")
    color = _pick(places[2], "Group by", GROUPS, "group")
    places = st.columns(3, vertical_alignment="bottom")
    with places[0].container(horizontal=True):
        log_x = st.toggle("log x", value=True, key="log_x", bind="query-params")
        log_y = st.toggle("log y", value=True, key="log_y", bind="query-params")
    budgets = sorted(runs["budget"].dropna().unique().tolist())
    wanted = places[1].multiselect("Budgets", budgets, format_func=formats.power, key="curve_budget", placeholder="all")
    if wanted:
        runs = runs[runs["budget"].isin(wanted)]
    picked = places[2].multiselect("Runs", runs["run_id"].tolist(), key="curve_runs", placeholder="all")
    if picked:
        runs = runs[runs["run_id"].isin(picked)]
    show.figure(curves_figure(runs, data.curves(), x, y, color, log_x, log_y))


def _pick(place: DeltaGenerator, label: str, options: tuple[str, ...], key: str) -> str:
    return str(place.selectbox(label, options, format_func=lambda o: QUANTITIES[o].title, key=key, bind="query-params"))


if __name__ == "__main__":
    page()
