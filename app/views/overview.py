"""The sweep at a glance: what was trained, what it says of larger budgets, and what is weak about it."""

import streamlit as st

from workbench.analyses import live, overview, overview_words, sweeps
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.overview import LossesAsk
from workbench.app import data, show


def page() -> None:
    """Cost and sweeps, the losses, then whatever needs a fit: the law's answer and its weaknesses."""
    show.title(
        "Overview",
        "Many small models were trained, of different sizes and on different amounts of text. Their losses say how a "
        "larger budget of compute is best spent, and this page says what they say, and how far to trust it.",
    )
    selection = data.selected()
    if selection.runs.empty:
        _nothing()
        return
    show.metrics(overview.cost(selection))
    _sweeps()
    if selection.sweep is not None and selection.sweep in live.in_training(selection.store):
        st.info(
            "This sweep is in training: below are its runs that have ended. The page Live sweep follows the others."
        )
    if text := overview_words.others(selection):
        show.sentence(text)
    first = st.empty()
    if not overview.answer_known(selection):
        # The runs are there at once; the figure with the law's line takes their place.
        with first.container():
            show.view("loss-against-compute", LossesAsk(law=False))
    with st.spinner("Fitting the law, with intervals …"):
        fit, _ = overview.answers(selection)
        data.blocks("loss-against-compute", LossesAsk())
    first.empty()
    show.view("loss-against-compute", LossesAsk())
    st.subheader("How a larger budget is best spent")
    show.blocks(overview_words.answer(selection))
    if fit is not None and fit.identified:
        show.view("frontier", LawAsk(law=fit.law))
    st.subheader("How far to trust it")
    with st.spinner("Testing the law on runs held out …"):
        blocks = overview_words.weak(selection)
    show.blocks(blocks)


def _sweeps() -> None:
    """Every sweep of the store, with what it cost."""
    selection = data.everything()
    if manifests := selection.manifests:
        show.block(sweeps.table(selection.all_runs, manifests, live.in_training(selection.store)))
    else:
        st.caption("This store has runs and no list of a sweep: they are shown as one.")


def _nothing() -> None:
    """No run has ended: what to do, and where to look meanwhile."""
    show.block(sweeps.NO_RUNS)
    if live.names_of(data.selected().store):
        _sweeps()
        show.sentence("A sweep has been begun: the page Live sweep shows its runs while they train.")


if __name__ == "__main__":
    page()
