"""A sweep while it trains: what goes on, what is left, every run's state, curves that grow, what failed."""

import streamlit as st

from workbench.analyses import live, live_view, views
from workbench.analyses.curve_view import X, Y
from workbench.analyses.live import Look, Watch
from workbench.analyses.live_left import left
from workbench.analyses.live_view import LiveAsk
from workbench.analyses.selection import Selection
from workbench.app import data, show
from workbench.app.choices import pick
from workbench.reporting.document import Text

POLL, SLOW = 1.5, 5.0
"""Seconds between two looks while something trains, and while it may begin to."""

# Between two looks nothing fades, and no runner is shown to run.
STEADY = """<style>
[data-testid="stMain"] [data-stale="true"] { opacity: 1 !important; transition: none !important; }
[data-testid="stStatusWidget"] { visibility: hidden; }
</style>"""


def page() -> None:
    """Choices, and a part that is drawn anew by itself, alone, as long as the sweep is not complete."""
    show.title(
        "Live sweep",
        "How far the sweep has come, and what each of its runs is doing: this page follows it while it trains.",
    )
    sweep = live.to_watch(data.selected().store, data.sweep())
    if sweep is None:
        _nothing()
        return
    _elsewhere(sweep)
    watch, selection = data.watch(sweep), data.selected()
    every = _pace(watch.look())
    st.html(STEADY)

    @st.fragment(run_every=every)
    def looking() -> None:
        show.guarded(lambda: _shown(watch, selection, every))

    looking()


def _pace(look: Look) -> float | None:
    """How often to look; never again where every run has ended, or the reader wants to look at one thing in peace."""
    if (look.complete and not look.training) or not st.session_state.get("live_follow", True):
        return None
    return POLL if look.training else SLOW


def _shown(watch: Watch, selection: Selection, every: float | None) -> None:
    """One look. Where the pace must change, the whole page is run once more."""
    look = watch.look()
    if _pace(look) != every:
        st.rerun(scope="app")
    remains = left(look)
    show.sentence(live_view.sentence(look, remains))
    st.progress(live_view.share(look, remains))
    show.metrics(live_view.numbers(look, remains))
    show.block(live_view.states_figure(look), views.command("live", selection, LiveAsk()), cite=None)
    show.blocks(live_view.under_way(look))
    st.subheader("Curves")
    ask = _ask()
    show.block(live_view.curves_figure(look, ask), views.command("live", selection, ask), cite=None)
    _failures(look)


def _failures(look: Look) -> None:
    """The last lines of what went wrong."""
    found = live_view.failures(look)
    if not found:
        return
    st.subheader("Failed and diverged")
    for title, code in found:
        with st.expander(title):
            show.block(code)
    if more := live_view.unshown_failures(look):
        st.caption(f"{more:,} more: `workbench sweep logs DEFINITION --store STORE` prints them.")


def _ask() -> LiveAsk:
    """The axes of the curves."""
    places = st.columns([2, 2, 3], vertical_alignment="bottom")
    x = pick(places[0], "Horizontal axis", X, "live_x")
    y = pick(places[1], "Vertical axis", Y, "live_y")
    with places[2].container(horizontal=True):
        log_x = st.toggle("log x", value=True, key="live_log_x", bind="query-params")
        log_y = st.toggle("log y", value=True, key="live_log_y", bind="query-params")
        st.toggle("follow", value=True, key="live_follow", help="Off: the page stands still, to zoom and to point.")
    return LiveAsk(x=x, y=y, log_x=log_x, log_y=log_y)


def _elsewhere(sweep: str) -> None:
    """A word on a sweep that trains while another is looked at."""
    store = data.selected().store
    if others := [name for name in live.in_training(store) if name != sweep]:
        st.info(f"Also in training: {', '.join(others)}. Choose it in the sidebar.")


def _nothing() -> None:
    """No sweep: look now and then whether one has been begun."""
    selection = data.selected()
    none = not live.names_of(selection.store)
    text = live_view.UNCHOSEN if not none else live_view.NOTHING if selection.runs.empty else live_view.NO_LIST
    show.block(Text(text, note=True))

    @st.fragment(run_every=SLOW)
    def waiting() -> None:
        if none and live.names_of(selection.store):
            st.rerun(scope="app")

    waiting()


if __name__ == "__main__":
    page()
