"""GPT-2 (Radford et al. 2019): learned positions, LayerNorm, biases everywhere, as many key heads as query heads."""

import re
from typing import Any

from workbench.models.config import ModelConfig
from workbench.models.formats.activations import ACTIVATIONS, NAMES
from workbench.models.formats.base import TRANSPOSED, Format, Link, Mismatch, links_of
from workbench.models.formats.keys import Keys
from workbench.models.formats.shapes import filled_width, multi_head, one_bias

DEFAULTS = {
    "vocab_size": 50_257,
    "n_positions": 1024,
    "n_embd": 768,
    "n_layer": 12,
    "n_head": 12,
    "n_inner": None,
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "initializer_range": 0.02,
    "tie_word_embeddings": True,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
}
"""Those of GPT2Config."""


def fields(keys: Keys) -> dict[str, Any]:
    """Our fields. Dropout is not read: it is no part of the trained model."""
    keys.must_be("scale_attn_weights", True)
    keys.must_be("scale_attn_by_inverse_layer_idx", False)
    keys.must_be("add_cross_attention", False)
    return {
        "n_layer": keys.integer("n_layer"),
        "n_head": keys.integer("n_head"),
        "d_model": keys.integer("n_embd"),
        "d_ff": keys.optional("n_inner"),
        "vocab_size": keys.integer("vocab_size"),
        "context": keys.integer("n_positions"),
        "position": "learned",
        "activation": keys.one_of("activation_function", ACTIVATIONS),
        "norm": "layernorm",
        "norm_epsilon": keys.number("layer_norm_epsilon"),
        "bias": True,
        "tie_embeddings": keys.flag("tie_word_embeddings"),
        "init_std": keys.number("initializer_range"),
    }


def document(config: ModelConfig) -> dict[str, Any]:
    """The keys of config.json."""
    return {
        "vocab_size": config.vocab_size,
        "n_positions": config.context,
        "n_embd": config.d_model,
        "n_layer": config.n_layer,
        "n_head": config.n_head,
        "n_inner": config.ff_dim,
        "activation_function": NAMES[config.activation],
        "layer_norm_epsilon": config.norm_epsilon,
        "initializer_range": config.init_std,
        "tie_word_embeddings": config.tie_embeddings,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
    }


def shapes(config: ModelConfig) -> list[Mismatch]:
    """Field against field."""
    return multi_head(config) + filled_width(config) + one_bias(config)


def links(config: ModelConfig) -> list[Link]:
    """Every tensor but the head. Its matrices are those of a Conv1D: transposed."""
    found = [
        Link("token_embedding.weight", ("transformer.wte.weight",)),
        Link("position_embedding.weight", ("transformer.wpe.weight",)),
        *links_of("final_norm", "transformer.ln_f", bias=True),
    ]
    modules = {
        "attention.qkv": "attn.c_attn",
        "attention.out": "attn.c_proj",
        "feed_forward.up": "mlp.c_fc",
        "feed_forward.down": "mlp.c_proj",
    }
    for i in range(config.n_layer):
        ours, theirs = f"blocks.{i}", f"transformer.h.{i}"
        for k in (1, 2):
            found += links_of(f"{ours}.norm_{k}", f"{theirs}.ln_{k}", bias=True)
        for name, module in modules.items():
            found += links_of(f"{ours}.{name}", f"{theirs}.{module}", layout=TRANSPOSED, bias=True)
    return found


GPT2 = Format(
    model_type="gpt2",
    title="GPT-2",
    architecture="GPT2LMHeadModel",
    prefix="transformer.",
    head="lm_head.weight",
    heads=frozenset({"lm_head.weight"}),
    buffers=re.compile(r"\.attn\.(masked_)?bias$"),
    defaults=DEFAULTS,
    needs={
        "position": ("learned",),
        "norm": ("layernorm",),
        "norm_position": ("pre",),
        "activation": tuple(NAMES),
        "bias": (True,),
    },
    holds=frozenset(
        {
            "n_layer", "n_head", "n_kv_head", "d_model", "d_head", "d_ff", "vocab_size", "context", "norm_epsilon",
            "qkv_bias", "tie_embeddings", "rope_base", "rope_factor",
        }
    ),
    shapes=shapes,
    fields=fields,
    document=document,
    links=links,
)  # fmt: skip
