"""The laws: one at a time, fitted as chosen and seen from every side; then all of them side by side."""

import streamlit as st

from workbench.analyses import law_fits, sweeps
from workbench.analyses.ask import Ask
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.one_law import COMMANDS, name_of
from workbench.app import data, show
from workbench.app.choices import worded
from workbench.fitting import LAWS
from workbench.fitting.isoflop.curves import SHAPES
from workbench.fitting.record import CONVENTION_LABELS
from workbench.fitting.solving.objectives import OBJECTIVES
from workbench.fitting.uncertainty.methods import METHODS

# Corners of the Huber loss; the third is Hoffmann's. (A comment, for Streamlit prints strings that stand alone.)
DELTAS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)

# Part of the page → its views, each with a heading and a sentence on what it shows.
PARTS = {
    "Fit": (
        ("law", "", ""),
        ("isoflop", "IsoFLOP curves", "Each curve is one budget of compute, spent on models of different sizes."),
    ),
    "Map": (
        ("contour", "Loss over size and data", ""),
        ("frontier", "How compute divides", "The best size and number of tokens for each compute."),
    ),
    "Residuals": (
        ("law-residuals", "What the law misses", ""),
        ("diagnostics", "Does the parametric law hold?", ""),
    ),
    "Uncertainty": (
        ("profile", "Each parameter's profile", ""),
        ("cloud", "Parameters together", ""),
    ),
    "Back-test": (
        ("law-backtest", "The largest compute, held out", "What the law would have said before these runs were made."),
        ("laws-compared", "Which law forecasts best?", ""),
    ),
    "All side by side": (
        (
            "conventions",
            "Every approach, every count of N",
            "As in the report, whatever is chosen above: the Huber objective with δ = 0.001.",
        ),
    ),
}

# Views of all laws: nothing is asked of them.
OF_ALL = ("conventions", "diagnostics", "laws-compared")


def page() -> None:
    """Choices, then the part of the page that is asked for."""
    show.title(
        "Laws",
        "A scaling law is a formula for the loss of a run from its size N, its tokens D or its compute C. Choose one: "
        "its parameters with intervals, how well it holds, and how far to trust what it says of larger runs.",
    )
    if data.selected().runs.empty:
        show.block(sweeps.NO_RUNS)
        return
    ask = _ask()
    part = st.segmented_control(
        "Show", list(PARTS), default="Fit", required=True, key="part", bind="query-params", label_visibility="collapsed"
    )
    first = st.empty()
    if part == "Fit" and not law_fits.known(data.selected(), ask):
        # The runs are there at once; the figure with the fit takes their place.
        with first.container():
            show.view("law-points", ask)
    for index, (name, heading, says) in enumerate(PARTS[str(part)]):
        blocks = data.blocks(name, Ask() if name in OF_ALL else ask)
        if index == 0:
            first.empty()
        if heading and blocks:
            st.subheader(heading)
        if says and blocks:
            show.sentence(says)
        if not (name == "isoflop" and ask.law == "isoflop"):
            show.view(name, Ask() if name in OF_ALL else ask)


def _ask() -> LawAsk:
    """What the widgets ask for; each appears only where the law takes it."""
    selection = data.selected()
    places = st.columns(4)
    law = str(
        places[0].selectbox(
            "Law", **worded("law", law_fits.choices(law_fits.points(selection)), name_of),
            help="Every law whose columns these runs have. isoFLOP minima and the envelope are procedures. "
            + COMMANDS,
        )
    )  # fmt: skip
    convention = places[1].selectbox(
        "N counts",
        **worded("convention", law_fits.conventions(selection), _count),
        help="Total: everything. Non-embedding: without the tables of tokens and positions, as Kaplan counts.",
    )
    ask = LawAsk(law=law, convention=str(convention))
    if law == "isoflop":
        shape = places[2].selectbox("Shape of the curves", list(SHAPES), key="shape", bind="query-params")
        return ask.model_copy(update={"shape": str(shape)})
    if law not in LAWS:
        return ask
    objective = places[2].selectbox(
        "Objective",
        list(OBJECTIVES),
        key="objective",
        bind="query-params",
        help="What is minimised. " + "; ".join(f"{name}: {text}" for name, text in OBJECTIVES.items()),
    )
    intervals = places[3].selectbox(
        "Intervals by",
        ["auto", *METHODS],
        key="intervals",
        bind="query-params",
        help="The method behind the intervals. auto: whole configurations or sizes resampled where the design or the "
        "misses ask for it, else the profile.",
    )
    ask = ask.model_copy(update={"objective": str(objective), "intervals": str(intervals)})
    if objective != "huber":
        return ask
    delta = places[2].select_slider(
        "δ of the Huber loss", DELTAS, value=1e-3, format_func=lambda value: f"{value:g}", key="delta",
        bind="query-params",
    )  # fmt: skip
    return ask.model_copy(update={"delta": float(delta)})


def _count(name: str) -> str:
    return f"{CONVENTION_LABELS.get(name, name)} parameters"


if __name__ == "__main__":
    page()
