"""The runs to train next: what they should pin down, for how much; then the proposal and its definition."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.analyses import next_view, sweeps
from workbench.analyses.next_view import NextAsk
from workbench.app import data, show
from workbench.app.choices import worded
from workbench.fitting.design.targets import AT_COMPUTE
from workbench.reporting import theme
from workbench.reporting.figures.next_runs import PLANES

# Target → what it is called. (A comment, for Streamlit prints strings that stand alone.)
TARGETS = {
    "a": "exponent a of N_opt ∝ C^a",
    "alpha": "exponent α of model size",
    "beta": "exponent β of data",
    "E": "irreducible loss E",
    "loss": "best loss at a compute",
    "n-opt": "best N at a compute",
    "losses": "best losses up to a compute",
}


def page() -> None:
    """The wish, then the proposal and its definition to take away."""
    show.title(
        "Next",
        "Which runs to train next: those that would narrow the interval of one number most for a budget, and a few "
        "that check the law.",
    )
    if data.selected().runs.empty:
        show.block(sweeps.NO_RUNS)
        return
    show.view("next", _ask())


def _ask() -> NextAsk:
    places = st.columns([3, 2, 3, 2], vertical_alignment="bottom")
    target = str(places[0].selectbox("Pin down", **worded("target", TARGETS, TARGETS.__getitem__)))
    flops = _flops(places[1], "Budget [FLOPs]", f"{next_view.spent(data.selected()):g}", "budget_flops")
    at = _flops(places[3], "At compute C [FLOPs]", "10 × largest", "at") if target in AT_COMPUTE else None
    plane = places[2].selectbox("Draw in", **worded("plane", PLANES, lambda name: PLANES[name].words))
    with st.expander("More choices"):
        more = st.columns(3)
        law = more[0].selectbox(
            "Law", **worded("next_law", next_view.LAW_CHOICES, lambda name: theme.LAW_NAMES.get(name, name))
        )
        robust = more[1].number_input(
            "Share of the budget that checks the law", value=0.2, step=0.05, key="robust", bind="query-params"
        )
        most = more[2].number_input("Most runs", value=20, step=1, key="max_runs", bind="query-params")
    return NextAsk(target=str(target), at=at, flops=flops, law=law, robust=robust, max_runs=int(most), plane=str(plane))


def _flops(place: DeltaGenerator, label: str, default: str, key: str) -> float | None:
    return place.number_input(label, value=None, format="%.4g", placeholder=default, key=key, bind="query-params")


if __name__ == "__main__":
    page()
