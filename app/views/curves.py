"""Training curves: any axis, logarithmic or not, coloured by any key of the runs."""

import streamlit as st

from workbench.analyses import sweeps
from workbench.analyses.curve_view import GROUPS, CurvesAsk, X, Y
from workbench.app import data, show
from workbench.app.choices import pick
from workbench.reporting import formats


def page() -> None:
    """Axes, grouping, choice of runs, figure."""
    show.title("Curves", "How the loss fell while each run trained.")
    runs = data.selected().runs
    if runs.empty:
        show.block(sweeps.NO_RUNS)
        return
    places = st.columns(3)
    x = pick(places[0], "Horizontal axis", X, "curve_x")
    y = pick(places[1], "Vertical axis", Y, "curve_y")
    group = pick(places[2], "Group by", GROUPS, "group")
    places = st.columns(3, vertical_alignment="bottom")
    with places[0].container(horizontal=True):
        log_x = st.toggle("log x", value=True, key="log_x", bind="query-params")
        log_y = st.toggle("log y", value=True, key="log_y", bind="query-params")
    budgets = places[1].multiselect(
        "Budgets", sorted(runs["budget"].dropna().unique().tolist()), format_func=formats.power, key="curve_budget",
        placeholder="all", bind="query-params",
    )  # fmt: skip
    picked = places[2].multiselect(
        "Runs", runs["run_id"].tolist(), key="curve_runs", placeholder="all", bind="query-params"
    )
    ask = CurvesAsk(x=x, y=y, group=group, log_x=log_x, log_y=log_y, budgets=tuple(budgets), runs=tuple(picked))
    show.view("curves", ask)


if __name__ == "__main__":
    page()
