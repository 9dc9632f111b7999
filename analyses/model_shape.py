"""Which model is asked about: one with a name, any of whose numbers may be changed by hand."""

from typing import Annotated, Any, Literal

from workbench.analyses.ask import Ask, one_of
from workbench.errors import BadInput
from workbench.models.config import Activation, ModelConfig, Position, WindowPattern
from workbench.models.counts import Precision
from workbench.models.on_paper import Experts
from workbench.models.open_models import MODELS
from workbench.validation import validated

BY_HAND = (
    "n_layer", "d_model", "n_head", "n_kv_head", "d_head", "d_ff", "vocab_size", "context", "position", "activation",
    "tie_embeddings", "window", "window_pattern",
)  # fmt: skip
"""Fields of a `ModelConfig` that may be changed."""


class ModelAsk(Ask):
    """A model, and what is to be done with it. A shape's field left out is the named model's own."""

    preset: Annotated[str, one_of(MODELS)] = "gpt2"
    n_layer: int | None = None
    d_model: int | None = None
    n_head: int | None = None
    n_kv_head: int | None = None
    d_head: int | None = None
    d_ff: int | None = None
    vocab_size: int | None = None
    context: int | None = None
    position: Position | None = None
    activation: Activation | None = None
    tie_embeddings: bool | None = None
    window: int | None = None
    """0 is none."""
    window_pattern: WindowPattern | None = None
    experts: int = 1
    """In place of each feed-forward; 1 is a dense model."""
    experts_per_token: int = 1
    tokens: float | None = None
    """To train on; 20 for each parameter where it is left out."""
    micro_batch: int = 1
    """Sequences that one step holds in memory."""
    precision: Precision = "bf16"
    recompute: bool = False
    """Activations are computed again in the backward pass (activation checkpointing)."""
    cached: int | None = None
    """Tokens in the KV cache; the context where it is left out."""
    bytes_per_number: Literal[1, 2, 4] = 2
    """Of the KV cache."""


def shape(ask: ModelAsk) -> ModelConfig:
    """The configuration asked for; an impossible one is refused in a sentence."""
    changed: dict[str, Any] = {key: value for key in BY_HAND if (value := getattr(ask, key)) is not None}
    if changed.get("window") == 0:
        changed |= {"window": None, "window_pattern": "all"}
    return validated(ModelConfig, MODELS[ask.preset].model_dump() | changed, "this shape")


def experts(ask: ModelAsk) -> Experts:
    """The experts asked for."""
    if ask.experts < 1:
        raise BadInput(f"experts is {ask.experts}; it must be at least 1, which is a dense model.")
    if not 1 <= ask.experts_per_token <= ask.experts:
        raise BadInput(
            f"experts_per_token is {ask.experts_per_token}; of {ask.experts} experts a token passes 1 to {ask.experts}."
        )
    return Experts(ask.experts, ask.experts_per_token)


def tokens(ask: ModelAsk, n_params: int) -> float:
    """D: what was asked for, or twenty tokens a parameter."""
    found = TOKENS_PER_PARAMETER * n_params if ask.tokens is None else ask.tokens
    if not 0 < found < float("inf"):
        raise BadInput(f"tokens is {found:g}; a run needs a positive number of tokens, such as 1e9.")
    return found


TOKENS_PER_PARAMETER = 20
"""About what Hoffmann et al. 2022 found to be compute-optimal, and a common start."""


def sequences(ask: ModelAsk) -> int:
    """Sequences of one step."""
    if ask.micro_batch < 1:
        raise BadInput(f"micro_batch is {ask.micro_batch}; a step holds at least 1 sequence.")
    return ask.micro_batch


def kept(ask: ModelAsk, config: ModelConfig) -> int:
    """Tokens in the KV cache."""
    if ask.cached is not None and ask.cached < 1:
        raise BadInput(f"cached is {ask.cached}; a cache holds at least 1 token.")
    return ask.cached or config.context
