"""Training curves: any axes, smoothed or not, grouped by any keys, one line a run or folded into bands."""

import streamlit as st

from workbench.analyses import curve_view, sweeps
from workbench.analyses.curve_bands import BANDS
from workbench.analyses.curve_view import FOLDS, CurvesAsk, X, Y
from workbench.app import data, show
from workbench.app.choices import pick, runs_chosen, worded
from workbench.reporting.figures.explore import quantity

# Widths of the columns of choices, so that what is chosen can be read whole.
COLUMNS = (4, 5, 5, 5)


def page() -> None:
    """Axes, groups, smoothing, choice of runs, figure."""
    show.title(
        "Curves",
        "How the loss fell while each run trained. Choose the axes, smooth the lines, colour them by any key, and fold "
        "repeated runs into one line with a band.",
    )
    if data.selected().runs.empty:
        show.block(sweeps.NO_RUNS)
        return
    x, y, group, fold = _what()
    log_x, log_y, span, band, runs = _how(fold)
    filters = runs_chosen("curve_")
    show.view(
        "curves",
        CurvesAsk(
            x=x, y=y, group=group, fold=fold, band=band, span=span, log_x=log_x, log_y=log_y, runs=runs,
            **filters.model_dump(),
        ),
    )  # fmt: skip


def _what() -> tuple[str, str, tuple[str, ...], str]:
    """Axes and groups."""
    places = st.columns(COLUMNS)
    x = pick(places[0], "Horizontal axis", X, "curve_x")
    y = pick(places[1], "Vertical axis", Y, "curve_y")
    group = places[2].multiselect(
        "Group by", default=["n_params"],
        **worded("group", curve_view.groups(data.selected()), lambda key: quantity(key).title),
        help="The first key colours the lines, further ones change how they are dashed. Below the columns of the runs "
        "stand the keys of their configurations that vary.",
    )  # fmt: skip
    fold = places[3].selectbox(
        "Runs are drawn as", **worded("fold", FOLDS, FOLDS.__getitem__),
        help="Runs of one configuration differ in their seeds alone. A band shows how far the runs folded into one "
        "line lie apart.",
    )  # fmt: skip
    return x, y, tuple(group or ["n_params"]), str(fold)


def _how(fold: str) -> tuple[bool, bool, int, str, tuple[str, ...]]:
    """Scales, smoothing, the runs named, and what a band spans."""
    places = st.columns(COLUMNS, vertical_alignment="bottom")
    with places[0].container(horizontal=True):
        log_x = st.toggle("log x", value=True, key="log_x", bind="query-params")
        log_y = st.toggle("log y", value=True, key="log_y", bind="query-params")
    span = places[1].number_input(
        "Smoothing, points", 0, 10_000, 0, key="span", bind="query-params",
        help="The span s of an exponentially weighted mean over the recorded points, α = 2/(s + 1); 0 shows them as "
        "they were recorded.",
    )  # fmt: skip
    named = places[2].text_input(
        "Only these runs", key="curve_runs", bind="query-params", placeholder="all", help="Ids, with spaces between."
    )
    band = "range"
    if fold != "runs":
        band = places[3].selectbox("A band reaches", **worded("band", BANDS, BANDS.__getitem__))
    return log_x, log_y, int(span), str(band), tuple(named.replace(",", " ").split())


if __name__ == "__main__":
    page()
