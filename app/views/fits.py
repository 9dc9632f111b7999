"""The laws: one at a time, fitted as chosen, then all side by side as the report has them."""

import streamlit as st

from workbench.analyses import one_law, sweeps
from workbench.analyses.one_law import Ask
from workbench.analyses.scaling import ScalingStudy
from workbench.app import data, show
from workbench.fitting import LAWS
from workbench.fitting.fit import conventions_of
from workbench.fitting.isoflop.curves import SHAPES
from workbench.fitting.record import CONVENTION_LABELS, Fit
from workbench.fitting.solving.objectives import OBJECTIVES
from workbench.fitting.uncertainty.methods import METHODS
from workbench.reporting import theme
from workbench.reporting.document import Block

# Corners of the Huber loss; the third is Hoffmann's. (A comment, for Streamlit prints strings that stand alone.)
DELTAS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)


def page() -> None:
    """Choices, the law, its picture, its residuals, isoFLOP curves, frontier; then the report's view of all laws."""
    show.title(
        "Fits", "Each scaling law with its intervals, what it misses, and how it divides compute between N and D."
    )
    if data.selected().runs.empty:
        show.block(sweeps.NO_RUNS)
        return
    study = data.selected().study
    ask = _ask(study)
    fit = data.asked(ask)
    st.header(_name(ask.law))
    if isinstance(fit, str):
        st.warning(fit.replace("$", "\\$"))
    else:
        _one(fit, one_law.picture(study, fit))
    isoflop = study.fits.get("isoflop", ask.convention)
    if ask.law != "isoflop" and (blocks := one_law.isoflop(study, isoflop)):
        st.subheader("IsoFLOP curves")
        show.blocks(blocks)
    if isinstance(fit, Fit) and (blocks := one_law.frontier(study, fit)):
        st.subheader("Frontier")
        show.blocks(blocks)
    _side_by_side()


def _ask(study: ScalingStudy) -> Ask:
    """What the widgets ask for; each appears only where the law takes it."""
    places = st.columns(4)
    conventions = conventions_of(study.table)
    law = str(
        places[0].selectbox(
            "Law", one_law.choices(study), format_func=_name, key="law", bind="query-params",
            help="Every law whose columns these runs have. isoFLOP minima and the envelope are procedures.",
        )
    )  # fmt: skip
    convention = places[1].selectbox(
        "N counts",
        conventions or ("n",),
        format_func=lambda name: f"{CONVENTION_LABELS.get(name, name)} parameters",
        key="convention",
        bind="query-params",
    )
    ask = Ask(law, str(convention))
    if law == "isoflop":
        shape = places[2].selectbox("Shape of the curves", list(SHAPES), key="shape", bind="query-params")
        return Ask(law, str(convention), shape=str(shape))
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
    delta = ask.delta
    if objective == "huber":
        delta = float(
            places[2].select_slider(
                "δ of the Huber loss", DELTAS, value=1e-3, format_func=lambda value: f"{value:g}", key="delta"
            )
        )
    return Ask(law, str(convention), str(objective), delta, str(intervals))


def _name(law: str) -> str:
    return theme.LAW_NAMES.get(law, law)


def _one(fit: Fit, picture: list[Block]) -> None:
    """Numbers, picture and residuals of a fit."""
    show.blocks(one_law.numbers(fit))
    show.blocks(picture)
    if residuals := one_law.residuals(fit):
        st.subheader("Residuals")
        show.blocks(residuals)


def _side_by_side() -> None:
    """The report's parts: under its own settings, whatever is chosen above."""
    st.header("All laws side by side")
    show.sentence("From here on as in the report: the Huber objective with δ = 0.001, intervals chosen by the design.")
    show.blocks(show.named(data.part("allocation"), "exponents"))
    show.blocks(show.named(data.part("laws"), "parameters"))
    st.header("Does the parametric law hold?")
    show.blocks(data.part("diagnostics"))
    st.header("Back-test of the parametric law")
    show.blocks(data.part("back-test"))
    if compared := data.part("compared"):
        st.header("Which law forecasts best?")
        show.blocks(compared)


if __name__ == "__main__":
    page()
