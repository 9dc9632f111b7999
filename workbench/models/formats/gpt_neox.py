"""GPT-NeoX (Black et al. 2022) with its blocks in sequence: RoPE by halves, LayerNorm, biases everywhere.

It is the format of the default model. Pythia's own checkpoints have parallel blocks and turn a quarter of each head.
"""

import re
from typing import Any

from workbench.models.config import ModelConfig
from workbench.models.formats.activations import ACTIVATIONS, NAMES
from workbench.models.formats.base import Format, Link, Mismatch, by_head, links_of
from workbench.models.formats.keys import Keys
from workbench.models.formats.rope import (
    ROPE_DEFAULTS,
    ROPE_HOLDS,
    ROPE_NEEDS,
    rope_fields,
    rope_scaling,
    whole_contexts,
)
from workbench.models.formats.shapes import filled_width, multi_head, one_bias

DEFAULTS = {
    "max_position_embeddings": 2048,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "initializer_range": 0.02,
    "rotary_emb_base": 10_000.0,
    "rotary_pct": 0.25,
    "use_parallel_residual": True,
    "attention_bias": True,
    "tie_word_embeddings": False,
    **ROPE_DEFAULTS,
}
"""Those of GPTNeoXConfig; sizes must be given."""


def fields(keys: Keys) -> dict[str, Any]:
    """Our fields. Dropout is not read: it is no part of the trained model."""
    keys.must_be("use_parallel_residual", False)
    keys.must_be("attention_bias", True)
    context = keys.integer("max_position_embeddings")
    return {
        "n_layer": keys.integer("num_hidden_layers"),
        "n_head": keys.integer("num_attention_heads"),
        "d_model": keys.integer("hidden_size"),
        "d_ff": keys.integer("intermediate_size"),
        "vocab_size": keys.integer("vocab_size"),
        "context": context,
        "position": "rope",
        "activation": keys.one_of("hidden_act", ACTIVATIONS),
        "norm": "layernorm",
        "norm_epsilon": keys.number("layer_norm_eps"),
        "bias": True,
        "tie_embeddings": keys.flag("tie_word_embeddings"),
        "init_std": keys.number("initializer_range"),
        **rope_fields(keys, "rotary_emb_base", "rotary_pct", context),
    }


def document(config: ModelConfig) -> dict[str, Any]:
    """The keys of config.json."""
    return {
        "vocab_size": config.vocab_size,
        "hidden_size": config.d_model,
        "intermediate_size": config.ff_dim,
        "num_hidden_layers": config.n_layer,
        "num_attention_heads": config.n_head,
        "max_position_embeddings": config.context,
        "hidden_act": NAMES[config.activation],
        "layer_norm_eps": config.norm_epsilon,
        "initializer_range": config.init_std,
        "rotary_emb_base": config.rope_base,
        "rotary_pct": 1.0,
        "rope_scaling": rope_scaling(config),
        "use_parallel_residual": False,
        "attention_bias": True,
        "tie_word_embeddings": config.tie_embeddings,
        "attention_dropout": 0.0,
        "hidden_dropout": 0.0,
    }


def shapes(config: ModelConfig) -> list[Mismatch]:
    """Field against field."""
    return multi_head(config) + filled_width(config) + one_bias(config) + whole_contexts(config)


def links(config: ModelConfig) -> list[Link]:
    """Every tensor but the head."""
    qkv = by_head(config.n_head)
    found = [
        Link("token_embedding.weight", ("gpt_neox.embed_in.weight",)),
        *links_of("final_norm", "gpt_neox.final_layer_norm", bias=True),
    ]
    for i in range(config.n_layer):
        ours, theirs = f"blocks.{i}", f"gpt_neox.layers.{i}"
        found += [
            *links_of(f"{ours}.norm_1", f"{theirs}.input_layernorm", bias=True),
            *links_of(f"{ours}.attention.qkv", f"{theirs}.attention.query_key_value", layout=qkv, bias=True),
            *links_of(f"{ours}.attention.out", f"{theirs}.attention.dense", bias=True),
            *links_of(f"{ours}.norm_2", f"{theirs}.post_attention_layernorm", bias=True),
            *links_of(f"{ours}.feed_forward.up", f"{theirs}.mlp.dense_h_to_4h", bias=True),
            *links_of(f"{ours}.feed_forward.down", f"{theirs}.mlp.dense_4h_to_h", bias=True),
        ]
    return found


GPT_NEOX = Format(
    model_type="gpt_neox",
    title="GPT-NeoX",
    architecture="GPTNeoXForCausalLM",
    prefix="gpt_neox.",
    head="embed_out.weight",
    heads=frozenset({"embed_out.weight", "lm_head.weight"}),
    buffers=re.compile(r"\.attention\.((masked_)?bias|rotary_emb\.inv_freq)$"),
    defaults=DEFAULTS,
    needs={
        "norm": ("layernorm",),
        "norm_position": ("pre",),
        "activation": tuple(NAMES),
        "bias": (True,),
        **ROPE_NEEDS,
    },
    holds=frozenset(
        {
            "n_layer", "n_head", "n_kv_head", "d_model", "d_head", "d_ff", "vocab_size", "context", "norm_epsilon",
            "qkv_bias", "tie_embeddings",
        }
    ) | ROPE_HOLDS,
    shapes=shapes,
    fields=fields,
    document=document,
    links=links,
)  # fmt: skip
