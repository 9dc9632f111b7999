"""Any model's parameters, FLOPs and memory: one with a name, or a shape set by hand."""

from typing import Any, get_args

import streamlit as st

from workbench.analyses.model_shape import ModelAsk
from workbench.app import show
from workbench.models.config import Activation, ModelConfig, Position, WindowPattern
from workbench.models.counts import Precision
from workbench.models.open_models import MODELS

# Field of a shape → what it is called. (A comment, for Streamlit prints strings that stand alone.)
NUMBERS = {
    "n_layer": "Layers",
    "d_model": "Width",
    "n_head": "Heads",
    "n_kv_head": "Key/value heads",
    "d_head": "Width of a head",
    "d_ff": "Feed-forward width",
    "vocab_size": "Vocabulary",
    "context": "Context [tokens]",
    "window": "Window [tokens], 0 for none",
}
CHOICES = {
    "position": ("Positions", get_args(Position)),
    "activation": ("Activation", get_args(Activation)),
    "tie_embeddings": ("Output head tied to the embedding", (True, False)),
    "window_pattern": ("Layers with the window", get_args(WindowPattern)),
}
COLUMNS = 5


def page() -> None:
    """The model, what is done with it, what is changed about it; then the card."""
    show.title(
        "Models",
        "What a model weighs, what training it costs, and what it keeps in memory. Every number says how it is "
        "counted; none needs a run.",
    )
    places = st.columns([2, 1, 1, 1], vertical_alignment="bottom")
    preset = str(places[0].selectbox("Model", list(MODELS), index=1, key="preset", bind="query-params"))
    tokens = places[1].number_input(
        "Tokens D to train on", value=None, format="%.4g", placeholder="20 × N", key="tokens",
        bind="query-params",
    )  # fmt: skip
    batch = places[2].number_input("Sequences in a step", value=1, step=1, key="micro_batch", bind="query-params")
    precision = places[3].selectbox("Precision", get_args(Precision), index=1, key="precision", bind="query-params")
    recompute = st.toggle(
        "Recompute activations in the backward pass", key="recompute", bind="query-params",
        help="Activation checkpointing: a layer keeps its input alone, which saves memory and costs a forward pass.",
    )  # fmt: skip
    ask = {"tokens": tokens, "micro_batch": int(batch), "precision": precision, "recompute": recompute}
    # A link that changes the shape opens on what it changed.
    with st.expander("Set the shape by hand", expanded=any(key in st.query_params for key in (*NUMBERS, *CHOICES))):
        ask |= _shape(MODELS[preset]) | _beyond(MODELS[preset])
    show.view("model", ModelAsk(preset=preset, **ask))


def _shape(config: ModelConfig) -> dict[str, Any]:
    """What is changed; an empty field is the model's own, which it shows in grey."""
    st.caption("An empty field is the chosen model’s own value, shown in grey.")
    resolved = {"n_kv_head": config.kv_heads, "d_head": config.head_dim, "d_ff": config.ff_dim}
    own = config.model_dump() | resolved | {"window": config.window or 0}
    places = st.columns(COLUMNS)
    found: dict[str, Any] = {}
    for index, (field, label) in enumerate(NUMBERS.items()):
        found[field] = places[index % COLUMNS].number_input(
            label, value=None, min_value=0, step=1, placeholder=f"{own[field]}", key=field, bind="query-params"
        )
    for index, (field, (label, options)) in enumerate(CHOICES.items(), start=len(NUMBERS)):
        found[field] = places[index % COLUMNS].selectbox(
            label, options, index=None, placeholder=_word(own[field]), format_func=_word, key=field,
            bind="query-params",
        )  # fmt: skip
    return found


def _word(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _beyond(config: ModelConfig) -> dict[str, Any]:
    """A mixture in place of the feed-forward, and how long the KV cache is and of what."""
    st.caption("Experts are counted on paper: the workbench trains dense models.")
    places = st.columns(COLUMNS)
    experts = places[0].number_input("Experts", value=1, step=1, key="experts", bind="query-params")
    active = places[1].number_input(
        "Experts for each token", value=1, step=1, key="experts_per_token", bind="query-params"
    )
    cached = places[2].number_input(
        "Tokens in the KV cache", value=None, step=1, min_value=0, placeholder=f"{config.context}", key="cached",
        bind="query-params",
    )  # fmt: skip
    size = places[3].selectbox("Bytes a number in it", (1, 2, 4), index=1, key="bytes_per_number", bind="query-params")
    return {
        "experts": int(experts),
        "experts_per_token": int(active),
        "cached": cached,
        "bytes_per_number": size,
    }


if __name__ == "__main__":
    page()
