"""A budget in FLOPs, hours or money: the model it buys by the fitted law, and what other models would cost."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from workbench.analyses import sweeps
from workbench.analyses.budgets import UNITS, Budget, BudgetAsk
from workbench.analyses.one_law import COMMANDS, name_of
from workbench.analyses.published_views import SHOWN, PublishedAsk
from workbench.analyses.what_if import WhatIfAsk
from workbench.app import data, show
from workbench.app.choices import worded
from workbench.fitting.forecasts.surface import ALLOCATING
from workbench.fitting.record import CONVENTION_LABELS

# Laws offered: those of N and D alone that take a minute to understand.
LAWS = tuple(name for name in ("chinchilla", "chinchilla-tied", "kaplan-nd") if name in ALLOCATING)


def page() -> None:
    """The budget, what to do with it, the answer; then the fit beside published laws."""
    show.title(
        "What if",
        "What would more compute buy? Name a budget: a law fitted to these runs says how large a model to train on how "
        "many tokens, and the loss to expect. Then see what changes when the model is smaller, data are few, or many "
        "tokens are to be served.",
    )
    if data.selected().runs.empty:
        show.block(sweeps.NO_RUNS)
        return
    budget = _budget()
    ask = {**budget, **_departures()}
    show.view("what-if", WhatIfAsk(**ask))
    st.header("Beside published laws")
    show.sentence(
        "What others found at far larger scale: how the best size and its tokens grow with compute. The slopes are "
        "what compares."
    )
    shown = st.segmented_control(
        "Compare",
        **worded("compare", SHOWN, {"allocation": "size and tokens", "loss": "loss"}.__getitem__),
        default="allocation",
        required=True,
    )
    show.view("published", PublishedAsk(law=str(ask["law"]), convention=str(ask["convention"]), show=str(shown)))


def _budget() -> dict[str, Any]:
    """The law, the unit, the amount; device and price where the unit needs them."""
    places = st.columns(4)
    units = worded("unit", UNITS, UNITS.__getitem__)
    unit = str(places[0].selectbox("Budget in", **units, on_change=_keep_the_budget))
    amount = places[1].number_input(
        f"Amount [{UNITS[unit]}]",
        min_value=0.0,
        value=None,
        format="%.4g",
        key=f"amount_{unit}",
        placeholder={"flops": "e.g. 1e15", "hours": "e.g. 1", "money": "e.g. 10"}[unit],
        help="Left empty: ten times the largest budget of the runs.",
        bind="query-params",
    )
    law = places[2].selectbox("Law", help=COMMANDS, **worded("what_law", LAWS, name_of))
    convention = places[3].selectbox(
        "N counts",
        **worded("what_convention", CONVENTION_LABELS, lambda name: f"{CONVENTION_LABELS[name]} parameters"),
    )
    ask: dict[str, Any] = {"unit": unit, "amount": amount or None, "law": law, "convention": convention}
    with st.expander("Device and price: assumptions to edit", expanded=unit != "flops"):
        fields = st.columns(3)
        ask["device_flops"] = 1e12 * _number(
            fields[0], "Peak of one device [TFLOP/s]", "device_flops", 1e-12, "989 is an H100's dense bfloat16."
        )
        ask["utilisation"] = _number(
            fields[1], "Share of the peak reached", "utilisation", 1.0, "0.3 to 0.5 is common for large models.", 1.0
        )
        ask["price"] = _number(fields[2], "US dollars for a device-hour", "price", 1.0, "Ask your provider.")
    return ask


def _keep_the_budget() -> None:
    """The amount typed, in the unit now chosen. Only the field of the unit before was on the page until now."""
    state = st.session_state
    for unit in UNITS:
        if unit != state["unit"] and state.get(f"amount_{unit}"):
            before = BudgetAsk(
                unit=unit,
                amount=state[f"amount_{unit}"],
                device_flops=1e12 * state["device_flops"],
                utilisation=state["utilisation"],
                price=state["price"],
            )
            state[f"amount_{state['unit']}"] = Budget.of(before, 0.0).amount(state["unit"])


def _number(place: DeltaGenerator, label: str, field: str, scale: float, note: str, most: float | None = None) -> float:
    """A field of the budget, opening with its default."""
    opening = float(BudgetAsk.model_fields[field].default) * scale
    found = place.number_input(
        label, min_value=1e-6, max_value=most, value=opening, format="%.4g", key=field, help=note, bind="query-params"
    )
    return float(found)


def _departures() -> dict[str, Any]:
    """What is other than the best model for the budget; empty fields ask for nothing."""
    places = st.columns(4)
    by = places[0].selectbox(
        "Another model, by",
        **worded("by", ("ratio", "size"), {"ratio": "tokens per parameter", "size": "parameters N"}.__getitem__),
        help="Over-training: a smaller model on more tokens, at the same compute.",
    )
    wanted = _optional(
        places[1],
        {"ratio": "Tokens per parameter", "size": "Parameters N"}[str(by)],
        f"what_{by}",
        {"ratio": "e.g. 20", "size": "e.g. 1e6"}[str(by)],
    )
    unique = _optional(
        places[2],
        "Distinct tokens there are",
        "unique_tokens",
        "empty: no limit",
        "Beyond them, tokens are seen again.",
    )
    served = _optional(
        places[3], "Tokens to be served", "inference_tokens", "empty: none", "Read and written over the model's life."
    )
    if unique is not None and unique < 1e3:
        st.warning("Distinct tokens: give at least 1,000.")
        unique = None
    return {str(by): wanted, "unique_tokens": unique, "inference_tokens": served}


def _optional(place: DeltaGenerator, label: str, key: str, empty: str, note: str | None = None) -> float | None:
    """A number that may be left out."""
    found = place.number_input(
        label, min_value=0.0, value=None, format="%.4g", key=key, placeholder=empty, help=note, bind="query-params"
    )
    return float(found) if found else None


if __name__ == "__main__":
    page()
