"""Llama (Touvron et al. 2023): RoPE by halves, RMSNorm, a gate; grouped keys, head and biases where asked for."""

import re
from typing import Any

from workbench.models.config import ModelConfig
from workbench.models.formats.activations import GATE_NAMES, GATES
from workbench.models.formats.base import Format, Link, Mismatch, links_of, stacked
from workbench.models.formats.keys import Keys
from workbench.models.formats.rope import (
    ROPE_DEFAULTS,
    ROPE_HOLDS,
    ROPE_NEEDS,
    rope_fields,
    rope_scaling,
    whole_contexts,
)
from workbench.models.formats.shapes import one_bias, whole_heads

DEFAULTS = {
    "num_key_value_heads": None,
    "head_dim": None,
    "max_position_embeddings": 2048,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    "initializer_range": 0.02,
    "rope_theta": 10_000.0,
    "partial_rotary_factor": 1.0,
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": False,
    **ROPE_DEFAULTS,
}
"""Those of LlamaConfig; sizes must be given."""


def fields(keys: Keys) -> dict[str, Any]:
    """Our fields."""
    bias = keys.flag("attention_bias")
    if keys.flag("mlp_bias") != bias:
        keys.refuse("attention_bias", f"it should be as mlp_bias = {not bias}: biases in all linear maps or in none")
    width, heads = keys.integer("hidden_size"), keys.integer("num_attention_heads")
    kv_heads, head = keys.optional("num_key_value_heads"), keys.optional("head_dim")
    context = keys.integer("max_position_embeddings")
    return {
        "n_layer": keys.integer("num_hidden_layers"),
        "n_head": heads,
        "n_kv_head": None if kv_heads == heads else kv_heads,
        "d_model": width,
        "d_head": None if head is not None and head * heads == width else head,
        "d_ff": keys.integer("intermediate_size"),
        "vocab_size": keys.integer("vocab_size"),
        "context": context,
        "position": "rope",
        "activation": keys.one_of("hidden_act", GATES),
        "norm": "rmsnorm",
        "norm_epsilon": keys.number("rms_norm_eps"),
        "bias": bias,
        "tie_embeddings": keys.flag("tie_word_embeddings"),
        "init_std": keys.number("initializer_range"),
        **rope_fields(keys, "rope_theta", "partial_rotary_factor", context),
    }


def document(config: ModelConfig) -> dict[str, Any]:
    """The keys of config.json."""
    return {
        "vocab_size": config.vocab_size,
        "hidden_size": config.d_model,
        "intermediate_size": config.ff_dim,
        "num_hidden_layers": config.n_layer,
        "num_attention_heads": config.n_head,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "max_position_embeddings": config.context,
        "hidden_act": GATE_NAMES[config.activation],
        "rms_norm_eps": config.norm_epsilon,
        "initializer_range": config.init_std,
        "rope_theta": config.rope_base,
        "rope_scaling": rope_scaling(config),
        "attention_bias": config.bias,
        "mlp_bias": config.bias,
        "tie_word_embeddings": config.tie_embeddings,
    }


def shapes(config: ModelConfig) -> list[Mismatch]:
    """Field against field."""
    return whole_heads(config) + one_bias(config) + whole_contexts(config)


def links(config: ModelConfig) -> list[Link]:
    """Every tensor but the head: queries, keys and values below one another, the gate above the value."""
    bias, k = config.bias, config.head_dim
    qkv = stacked(config.n_head * k, config.kv_heads * k, config.kv_heads * k)
    up = stacked(config.ff_dim, config.ff_dim)
    found = [
        Link("token_embedding.weight", ("model.embed_tokens.weight",)),
        *links_of("final_norm", "model.norm", bias=False),
    ]
    for i in range(config.n_layer):
        ours, theirs = f"blocks.{i}", f"model.layers.{i}"
        attention = [f"{theirs}.self_attn.{name}_proj" for name in ("q", "k", "v", "o")]
        gate, value, down = [f"{theirs}.mlp.{name}_proj" for name in ("gate", "up", "down")]
        found += [
            *links_of(f"{ours}.norm_1", f"{theirs}.input_layernorm", bias=False),
            *links_of(f"{ours}.attention.qkv", *attention[:3], layout=qkv, bias=bias),
            *links_of(f"{ours}.attention.out", attention[3], bias=bias),
            *links_of(f"{ours}.norm_2", f"{theirs}.post_attention_layernorm", bias=False),
            *links_of(f"{ours}.feed_forward.up", gate, value, layout=up, bias=bias),
            *links_of(f"{ours}.feed_forward.down", down, bias=bias),
        ]
    return found


LLAMA = Format(
    model_type="llama",
    title="Llama",
    architecture="LlamaForCausalLM",
    prefix="model.",
    head="lm_head.weight",
    heads=frozenset({"lm_head.weight"}),
    buffers=re.compile(r"\.rotary_emb\.inv_freq$"),
    defaults=DEFAULTS,
    needs={"norm": ("rmsnorm",), "activation": tuple(GATE_NAMES), "norm_position": ("pre",), **ROPE_NEEDS},
    holds=frozenset(
        {
            "n_layer", "n_head", "n_kv_head", "d_model", "d_head", "d_ff", "vocab_size", "context", "norm_epsilon",
            "bias", "qkv_bias", "tie_embeddings",
        }
    ) | ROPE_HOLDS,
    shapes=shapes,
    fields=fields,
    document=document,
    links=links,
)  # fmt: skip
