"""The KV cache of a shape under each kind of attention: its own, and what another would keep."""

import pandas as pd

from workbench.analyses.model_shape import ModelAsk, kept
from workbench.models.config import ModelConfig
from workbench.models.counts import kv_cache_bytes
from workbench.models.on_paper import latent_cache_bytes
from workbench.reporting.document import Block, Column, Table

GROUPS_OF = 8
"""Key/value heads that grouped-query models have (Llama 3, Mistral, Qwen2.5's largest)."""

COLUMNS = (
    Column("kind", "attention"),
    Column("per_token", "a token", "bytes"),
    Column("whole", "whole cache", "bytes"),
    Column("share", "of multi-head", "percent"),
    Column("how", "how it is counted"),
)


def cache(config: ModelConfig, ask: ModelAsk) -> list[Block]:
    """One row a kind, the model's own first."""
    many, size = kept(ask, config), ask.bytes_per_number
    rows = [(f"this model: {_kind(config)}", config, _how(config))]
    rows += [(name, other, _how(other)) for name, other in _others(config) if _keeps(other) != _keeps(config)]
    full = kv_cache_bytes(_attending(config, config.n_head), many, bytes_per_number=size)
    found = [
        (name, kv_cache_bytes(one, 1, bytes_per_number=size), kv_cache_bytes(one, many, bytes_per_number=size), how)
        for name, one, how in rows
    ]
    latent = (latent_cache_bytes(config, 1, size), latent_cache_bytes(config, many, size))
    found.append(("multi-head latent (MLA)", *latent, "L layers × a latent of 4·K and one rotated key of K/2 numbers"))
    frame = pd.DataFrame(found, columns=["kind", "per_token", "whole", "how"])
    frame.insert(3, "share", frame["whole"] / full)
    caption = (
        f"KV cache of one sequence after {many:,} tokens, {size} {'byte' if size == 1 else 'bytes'} a number: this "
        "model's, and what another kind of attention in the same shape would keep (MLA in DeepSeek-V2's proportions; "
        "it is counted only, no model here is built with it)"
    )
    return [Table.of("model-cache", caption, frame, COLUMNS)]


def _others(config: ModelConfig) -> list[tuple[str, ModelConfig]]:
    """Multi-head, grouped-query, multi-query, and a window in every second layer."""
    grouped = max((j for j in range(2, min(GROUPS_OF, config.n_head - 1) + 1) if config.n_head % j == 0), default=0)
    window = config.window or max(config.context // 4, 1)
    heads = [config.n_head, *([grouped] if grouped else []), 1]
    found = [(_kind(one), one) for one in (_attending(config, many) for many in heads)]
    half = {"window": window, "window_pattern": "alternate"}
    found.append((f"window of {window:,} in every second layer", config.model_copy(update=half)))
    return found


def _attending(config: ModelConfig, heads: int) -> ModelConfig:
    """The shape with so many key/value heads and no window."""
    return config.model_copy(update={"n_kv_head": heads, "window": None, "window_pattern": "all"})


def _keeps(config: ModelConfig) -> tuple[int, ...]:
    """What decides the size of the cache."""
    return config.kv_heads, *(config.window or 0 if config.windowed(i) else 0 for i in range(config.n_layer))


def _kind(config: ModelConfig) -> str:
    """What the field calls it."""
    heads = config.kv_heads
    name = (
        "multi-head (MHA)"
        if heads == config.n_head
        else "multi-query (MQA)"
        if heads == 1
        else f"grouped-query (GQA), {heads} groups"
    )
    return name if config.window is None else f"{name}, with windows"


def _how(config: ModelConfig) -> str:
    """A sentence on one row."""
    heads = config.kv_heads
    kind = "each of the H heads" if heads == config.n_head else "one head" if heads == 1 else f"{heads} heads"
    text = f"L layers × a key and a value of K numbers for {kind}"
    if config.window is None:
        return text
    where = "every layer keeps" if config.window_pattern == "all" else "every second layer keeps"
    return f"{text}; {where} the last {config.window:,} tokens alone"
