"""The laws: one at a time under an objective and a count of N, then all side by side."""

import streamlit as st

from workbench.analyses import one_law, sweeps
from workbench.app import data, show
from workbench.fitting import LAW_NAMES
from workbench.fitting.fit import conventions_of
from workbench.fitting.objectives import OBJECTIVES
from workbench.fitting.record import CONVENTION_LABELS, Fit
from workbench.reporting import theme
from workbench.reporting.document import Block


def page() -> None:
    """Choices, the law, its picture, its residuals, isoFLOP curves, frontier, all laws."""
    show.title(
        "Fits", "Each scaling law with its intervals, what it misses, and how it divides compute between N and D."
    )
    if data.runs().empty:
        show.block(sweeps.NO_RUNS)
        return
    places = st.columns(3)
    law = places[0].selectbox(
        "Law", LAW_NAMES, format_func=lambda name: theme.LAW_NAMES.get(name, name), key="law", bind="query-params"
    )
    objective = places[1].selectbox(
        "Objective",
        list(OBJECTIVES),
        key="objective",
        bind="query-params",
        help="What the parametric laws minimise. "
        + "; ".join(f"{name}: {text}" for name, text in OBJECTIVES.items())
        + ". The isoFLOP minima and the envelope have their own.",
    )
    study = data.study(str(objective))
    convention = places[2].selectbox(
        "N counts",
        conventions_of(study.table) or ("n",),
        format_func=lambda name: f"{CONVENTION_LABELS.get(name, name)} parameters",
        key="convention",
        bind="query-params",
    )
    fit = one_law.chosen(study, str(law), str(convention))
    st.header(theme.LAW_NAMES.get(str(law), str(law)))
    if isinstance(fit, str):
        st.warning(fit)
    else:
        _one(fit, one_law.picture(study, fit))
    isoflop = study.fits.get("isoflop", str(convention))
    if law != "isoflop" and (blocks := one_law.isoflop(study, isoflop)):
        st.subheader("IsoFLOP curves")
        show.blocks(blocks)
    if isinstance(fit, Fit) and (blocks := one_law.frontier(study, fit)):
        st.subheader("Frontier")
        show.blocks(blocks)
    st.header("All laws side by side")
    show.blocks(show.named(data.part("allocation", str(objective)), "exponents"))
    show.blocks(show.named(data.part("laws", str(objective)), "parameters"))
    st.header("Back-test of the parametric law")
    show.blocks(data.part("back-test", str(objective)))


def _one(fit: Fit, picture: list[Block]) -> None:
    """Numbers, picture and residuals of a fit."""
    show.blocks(one_law.numbers(fit))
    show.blocks(picture)
    if residuals := one_law.residuals(fit):
        st.subheader("Residuals")
        show.blocks(residuals)


if __name__ == "__main__":
    page()
