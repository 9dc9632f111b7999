"""Exact parameters and FLOPs of a `ModelConfig`, in closed form and without torch.

Symbols: L layers, D width, H query heads, J key/value heads, K width of a head, F feed-forward width, V vocabulary,
T context. Every number below is an integer and equals what torch counts; the tests hold them to it.

The FLOP convention: matrix products only, a multiply-add is 2 FLOPs; the output head is included (also when tied; the
embedding look-up is not a product); causal attention is counted dense, T² uncut, since that is what is computed, and a
window of W keys T·W uncut, which is what a kernel made for it computes (strips of plain products do up to twice that);
backward is twice forward (one product for each operand's gradient), so training is three times forward.
"""

from dataclasses import dataclass
from typing import Literal

from workbench.models.config import DECODER, ModelConfig

Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class Counts:
    """What a model weighs and costs, under every convention a scaling law may use."""

    n_params: int
    """All parameters; a tied head counts once."""
    n_params_non_embedding: int
    """Kaplan's N: without token and position embeddings and without an untied head; norms and biases kept."""
    n_params_active: int
    """Parameters a token passes through; all of them, since every part is dense."""
    flops_per_token_forward: int
    """Matrix products of one forward pass at the full context, over its tokens."""
    flops_per_token_training: int
    """Three times forward."""
    flops_per_token_6n: int
    """6·n_params: the usual approximation (Kaplan et al. 2020; Hoffmann et al. 2022), for 6ND."""
    flops_per_token_forward_kaplan: int
    """C_forward ≈ 2N + 2·n_layer·n_ctx·d_attn of Kaplan et al. 2020, table 1, N non-embedding. It leaves out the output
    head and takes half of dense attention's 4·n_layer·n_ctx·d_attn, as if the masked half cost nothing."""


def count(config: ModelConfig) -> Counts:
    """The exact counts of a configuration; of a registered model as torch's counter has them (own_counts.py)."""
    if config.architecture != DECODER:
        from workbench.models.own_counts import count_own  # torch, but for those who bring a model alone

        return count_own(config).counts
    groups = parameters_by_group(config)
    n_params = sum(groups.values())
    embedding = groups["token_embedding"] + groups["position_embedding"] + groups["head"]
    non_embedding = n_params - embedding
    forward = sum(forward_flops_by_group(config).values())
    d_attn = config.n_head * config.head_dim
    return Counts(
        n_params=n_params,
        n_params_non_embedding=non_embedding,
        n_params_active=n_params,
        flops_per_token_forward=forward,
        flops_per_token_training=3 * forward,
        flops_per_token_6n=6 * n_params,
        flops_per_token_forward_kaplan=2 * non_embedding + 2 * config.n_layer * config.context * d_attn,
    )


def parameters_by_group(config: ModelConfig) -> dict[str, int]:
    """Parameters of each kind of part; their sum is the model."""
    layers, d, f, v = config.n_layer, config.d_model, config.ff_dim, config.vocab_size
    qkv, d_attn = _qkv_width(config), config.n_head * config.head_dim
    up = 2 * f if config.gated else f
    bias = int(config.bias)
    norms = _norms_per_layer(config) * layers + (0 if config.norm_position == "post" else 1)
    norm_size = d * (2 if config.norm == "layernorm" and config.bias else 1)
    qk_norms = 2 * config.head_dim if config.qk_norm else 0
    gate = {"none": 0, "vector": d_attn, "input": d * d_attn}[config.attention_gate]
    return {
        "token_embedding": v * d,
        "position_embedding": config.context * d if config.position == "learned" else 0,
        "attention": layers * (d * qkv + d_attn * d + config.has_qkv_bias * qkv + bias * d + gate + qk_norms),
        "feed_forward": layers * (d * up + f * d + bias * (up + d)),
        "norms": norms * norm_size,
        "head": 0 if config.tie_embeddings else v * d,
    }


def forward_flops_by_group(config: ModelConfig) -> dict[str, int]:
    """FLOPs of one forward pass per token, at the full context, of each kind of matrix product."""
    layers, d, f = config.n_layer, config.d_model, config.ff_dim
    d_attn = config.n_head * config.head_dim
    up = 2 * f if config.gated else f
    gate = d_attn if config.attention_gate == "input" else 0
    return {
        "attention_projections": 2 * layers * d * (_qkv_width(config) + d_attn + gate),
        # QKᵀ and AV, for each query its keys; shared keys cost as much as own ones
        "attention_scores": 4 * sum(keys_per_query(config, layer) for layer in range(layers)) * d_attn,
        "feed_forward": 2 * layers * d * (up + f),
        "head": 2 * d * config.vocab_size,
    }


def keys_per_query(config: ModelConfig, layer: int) -> int:
    """Keys that each query of a layer is charged for: all T, or the window, both uncut at the beginning of the text."""
    return min(config.window, config.context) if config.window and config.windowed(layer) else config.context


def kv_cache_bytes(config: ModelConfig, tokens: int, batch: int = 1, bytes_per_number: int = 2) -> int:
    """Keys and values that generation keeps after so many tokens; a layer with a window keeps the window's."""
    kept = sum(
        min(tokens, config.window) if config.window and config.windowed(layer) else tokens
        for layer in range(config.n_layer)
    )
    return 2 * batch * kept * config.kv_heads * config.head_dim * bytes_per_number


def training_bytes(
    config: ModelConfig,
    micro_batch: int,
    precision: Precision = "fp32",
    keeps_weights: bool = True,
    recomputes: bool = False,
) -> int:
    """Estimate of the memory one training step needs, in bytes: the sum of `training_memory`."""
    return sum(training_memory(config, micro_batch, precision, keeps_weights, recomputes).values())


def training_memory(
    config: ModelConfig,
    micro_batch: int,
    precision: Precision = "fp32",
    keeps_weights: bool = True,
    recomputes: bool = False,
) -> dict[str, int]:
    """What one training step keeps, in bytes, by kind: state plus activations.

    State: 4 bytes each for weight, gradient and AdamW's two moments, 16·N; in bf16 or fp16 also a 2-byte copy, 18·N.

    Activations, per token: what autograd keeps for the backward pass, in elements of 4 bytes (2 in bf16 and fp16),

        L · [ 2n·D + (H+2J)·K + H·K·r + H·T·w + a·F ] + 3·V,

    where 2n·D are the inputs and outputs of a layer's n norms, the next terms the projections (r = 3 with RoPE's
    rotated copies, else 2; one more for an input gate, two for QK-norm), the attention weights (twice with a soft cap;
    dropout keeps a mask and the rest of them), and the feed-forward's activations (a = 1 for ReLU, which keeps its
    output alone, 4 for SwiGLU's gate, value, gated gate and product, else 2); 3·V are the logits, their log-softmax and
    their gradient, in 4 bytes always. A fused attention kernel does not keep the H·T weights (`keeps_weights` false);
    with them the estimate is from above. With activation checkpointing (`recomputes`) a layer keeps its input, D, and
    one at a time all the rest.
    """
    d, f, k = config.d_model, config.ff_dim, config.head_dim
    low = precision != "fp32"
    n_params = count(config).n_params
    copies = (3 if config.position == "rope" else 2) + (config.attention_gate == "input") + 2 * config.qk_norm
    weights = 0 if not keeps_weights else 1 + (config.attention_softcap > 0) + 1.25 * (config.dropout > 0)
    hidden = 4 if config.gated else {"relu": 1}.get(config.activation, 2)
    norms = 2 * _norms_per_layer(config) + 1.5 * (config.dropout > 0)
    attention = _qkv_width(config) + copies * config.n_head * k + weights * config.n_head * config.context
    per_layer = int(norms * d + attention + hidden * f)
    kept = per_layer + config.n_layer * d if recomputes else config.n_layer * per_layer
    tokens = micro_batch * config.context
    return {
        "weights": 4 * n_params,
        "copy": 2 * n_params if low else 0,
        "gradients": 4 * n_params,
        "optimizer": 8 * n_params,
        "activations": tokens * kept * (2 if low else 4),
        "logits": tokens * 3 * config.vocab_size * 4,
    }


def _qkv_width(config: ModelConfig) -> int:
    """(H + 2J)·K: the columns of the fused projection to queries, keys and values."""
    return (config.n_head + 2 * config.kv_heads) * config.head_dim


def _norms_per_layer(config: ModelConfig) -> int:
    return 1 if config.parallel else {"pre": 2, "post": 2, "sandwich": 4}[config.norm_position]
