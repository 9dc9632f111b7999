"""Two or more groups of runs: how many times the compute one needs for the loss of another."""

import streamlit as st

from workbench.analyses import citing, compare_view, sweeps, views
from workbench.analyses.comparable import MEASURES, MOST
from workbench.analyses.compare_view import CompareAsk
from workbench.app import data, show
from workbench.app.choices import worded
from workbench.errors import BadInput
from workbench.fitting.record import CONVENTION_LABELS
from workbench.reporting.document import Text

# How groups are formed → what the choice is called. (Comments, for Streamlit prints strings that stand alone.)
WAYS = {"sweeps": "Sweeps", "key": "Values of a key", "where": "Conditions"}
AXES = {"loss": "the loss", "flops": "compute"}


def page() -> None:
    """How groups are formed, which, and the comparison."""
    show.title(
        "Compare",
        "How many times the compute one group of runs needs to reach the loss of another: sweeps, or runs that differ "
        "in one setting. The first group is the reference.",
    )
    if data.selected().runs.empty:
        show.block(sweeps.NO_RUNS)
        return
    groups = _groups()
    places = st.columns(4, vertical_alignment="bottom")
    measure = places[0].selectbox("What is compared", **worded("compare_measure", MEASURES, _measure))
    convention = places[1].selectbox("N counts", **worded("compare_n", CONVENTION_LABELS, _count))
    x = places[2].selectbox("Against", **worded("compare_x", AXES, AXES.__getitem__))
    share_e = places[3].toggle(
        "One irreducible loss",
        key="compare_e",
        bind="query-params",
        help="All groups have one E, so that the answer is one number at every loss. Without it each has its own.",
    )
    if groups is not None:
        settings = {"measure": measure, "convention": convention, "x": x, "share_e": share_e}
        try:
            _draw(groups.model_copy(update=settings))
        except BadInput as error:  # a choice that cannot be compared: the widgets stay, to choose another
            show.block(Text(str(error), note=True))


def _draw(ask: CompareAsk) -> None:
    """The comparison: of sweeps, whichever of them the sidebar chose."""
    runs = data.everything() if ask.sweeps else data.selected()
    show.blocks(
        data.blocks("compare", ask),
        views.command("compare", runs, ask),
        lambda figure: citing.citation(runs, figure),
    )


def _groups() -> CompareAsk | None:
    """The groups as they are asked for; None where too few are chosen."""
    named, keys = data.comparable_sweeps(), data.comparable_keys()
    ways = [way for way, there in (("sweeps", named), ("key", keys), ("where", True)) if there]
    way = st.segmented_control(
        "Groups", **worded("compare_way", ways, WAYS.__getitem__), default=ways[0], required=True
    )
    if way == "sweeps":
        chosen = st.multiselect(
            "Sweeps, the reference first", named, default=named[:2], max_selections=MOST, key="compare_sweeps",
            bind="query-params",
        )  # fmt: skip
        return _two(chosen, CompareAsk(sweeps=tuple(chosen)))
    if way == "key":
        return _by_key(keys)
    text = st.text_area(
        "A condition a line, the reference first",
        key="compare_where",
        bind="query-params",
        placeholder="activation = 'gelu'\nactivation = 'swiglu'",
        help="DuckDB conditions over any column of the runs.",
    )
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    if not named and not keys and not lines:
        st.info(compare_view.NOTHING)
        return None
    return _two(lines, CompareAsk(where=tuple(lines)))


def _by_key(keys: list[str]) -> CompareAsk | None:
    """The values of a key."""
    places = st.columns([1, 2])
    key = str(places[0].selectbox("Key", keys, key="compare_by", bind="query-params"))
    values = data.values_of(key)
    chosen = places[1].multiselect(
        "Values, the reference first", values, default=values[:MOST], max_selections=MOST, key="compare_values",
        bind="query-params",
    )  # fmt: skip
    return _two(chosen, CompareAsk(by=key, values=tuple(chosen)))


def _two(chosen: list[str], asked: CompareAsk) -> CompareAsk | None:
    """What is asked, of two groups or more."""
    if len(chosen) >= 2:
        return asked
    st.info("Choose two groups or more; the first is the one that the others are held against.")
    return None


def _measure(key: str) -> str:
    return "loss" if key == "loss" else MEASURES[key]


def _count(key: str) -> str:
    return f"{CONVENTION_LABELS[key]} parameters"


if __name__ == "__main__":
    page()
