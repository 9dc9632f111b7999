"""The sweep at a glance: its law, its frontier, its forecasts, and what is weak about it."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.analyses import scaling_report, sweeps
from workbench.analyses.run_view import RunsAsk
from workbench.analyses.scaling import ScalingStudy
from workbench.analyses.scaling_tables import interval_of
from workbench.app import data, show
from workbench.reporting import formats
from workbench.reporting.document import Bullets


def page() -> None:
    """Headline, figures, weaknesses, sweeps."""
    show.title(
        "Overview",
        f"The laws of {data.selected().name}: what these runs say of larger ones, and how far to trust it.",
    )
    if data.selected().runs.empty:
        show.block(sweeps.NO_RUNS)
        return
    above, picture = st.container(), st.empty()
    if not data.selected().studied:  # the fits take a while, of thousands of runs minutes
        with picture.container():
            show.sentence("The laws are being fitted; until they are there, the runs alone:")
            show.view("runs", RunsAsk())
    study = data.selected().study
    with above:
        _headline(study)
        for text in scaling_report.summary(study):
            show.sentence(text)
    with picture.container():
        show.blocks(show.named(data.part("laws"), "loss-against-compute"))
    if forecasts := data.part("forecasts"):
        st.subheader("Forecasts")
        show.blocks(forecasts)
    st.subheader("Is the sweep sound?")
    show.blocks(show.named(data.part("soundness"), "facts"))
    st.subheader("What these runs do not tell")
    show.block(Bullets(study.problems or ("Nothing was left open: every law could be fitted and is identified.",)))
    if manifests := data.selected().manifests:
        st.subheader("Sweeps")
        show.block(sweeps.table(data.everything().all_runs, manifests))


def _headline(study: ScalingStudy) -> None:
    """Four numbers."""
    cells = st.columns(4)
    best = float(study.table["loss"].min()) if len(study.table) else float("nan")
    _number(cells[0], "Runs fitted", f"{len(study.table):,}", "final losses")
    _number(cells[1], "Largest budget", formats.power(study.largest), "FLOPs")
    _number(cells[2], "Best loss", formats.show(best, "loss"), "nats per token, held out")
    fit = study.headline
    if fit is not None:
        low_to_high = formats.show(interval_of(fit, "a"), "interval")
        label = "Exponent of the best size, a" if fit.identified else "Exponent a, not determined"
        _number(cells[3], label, formats.number(fit.value("a")), f"{100 * fit.level:g}%: {low_to_high}")


def _number(cell: DeltaGenerator, label: str, value: str, below: str) -> None:
    cell.metric(label, value, below, delta_color="off", delta_arrow="off", border=True)


if __name__ == "__main__":
    page()
