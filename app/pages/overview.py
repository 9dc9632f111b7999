"""The sweep at a glance: its law, its frontier, its forecasts, and what is weak about it."""

import streamlit as st

from workbench.analyses import scaling_report, sweeps
from workbench.analyses.scaling import ScalingStudy
from workbench.analyses.scaling_tables import interval_of
from workbench.app import data, show
from workbench.reporting import formats
from workbench.reporting.document import Bullets


def page() -> None:
    """Headline, figures, weaknesses, sweeps."""
    show.title(
        "Overview", f"The laws of {data.name()}: what these runs say about larger ones, and how far to trust it."
    )
    if data.runs().empty:
        show.block(sweeps.NO_RUNS)
        return
    study = data.study()
    _headline(study)
    for text in scaling_report.summary(study):
        show.sentence(text)
    show.blocks(show.named(data.part("laws"), "loss-against-compute"))
    if forecasts := data.part("forecasts"):
        st.subheader("Forecasts")
        show.blocks(forecasts)
    st.subheader("Is the sweep sound?")
    show.blocks(show.named(data.part("soundness"), "facts"))
    st.subheader("What these runs do not tell")
    show.block(Bullets(study.problems or ("Nothing was left open: every law could be fitted and is identified.",)))
    if manifests := data.manifests():
        st.subheader("Sweeps")
        show.block(sweeps.table(data.all_runs(), manifests))


def _headline(study: ScalingStudy) -> None:
    """Four numbers."""
    cells = st.columns(4)
    losses = study.table.get("loss", [])
    cells[0].metric("Runs fitted", f"{len(losses):,}", border=True)
    cells[1].metric("Largest budget [FLOPs]", formats.power(study.largest, 2), border=True)
    cells[2].metric(
        "Best loss [nats/token]", formats.show(float(min(losses, default=float("nan"))), "loss"), border=True
    )
    fit = study.headline
    if fit is not None:
        cells[3].metric(
            f"Exponent of N_opt, {100 * fit.level:g}% {formats.show(interval_of(fit, 'a'), 'interval')}",
            formats.number(fit.value("a")),
            border=True,
        )


if __name__ == "__main__":
    page()
