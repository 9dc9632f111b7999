"""Open dense models: name → configuration, from the model cards and the configurations released with the weights.

Their counts are tested against the released ones. What a configuration here leaves out changes no count: the rescaled
RoPE frequencies of Llama 3.1, the two factors of Phi-3's long contexts, Gemma's gain of 1 + w in each norm. Command R+
normalises queries and keys with a gain for each head, which adds 0.001% to ours of one for all.
"""

from typing import Any

from workbench.models.config import ModelConfig
from workbench.models.presets import PRESETS


def _llama(**fields: Any) -> ModelConfig:
    """RMSNorm before each half, SwiGLU, RoPE, no biases (Touvron et al. 2023)."""
    common: dict[str, Any] = {"activation": "swiglu", "norm": "rmsnorm", "bias": False, "tie_embeddings": False}
    return ModelConfig(**(common | fields))


def _gemma2(n_layer: int, d_model: int, n_head: int, n_kv_head: int, d_head: int, d_ff: int) -> ModelConfig:
    """Norms around each half, a window in every second layer, soft caps (Gemma team 2024, table 1)."""
    return _llama(
        n_layer=n_layer, d_model=d_model, n_head=n_head, n_kv_head=n_kv_head, d_head=d_head, d_ff=d_ff,
        vocab_size=256_000, context=8192, activation="geglu", norm_position="sandwich", norm_epsilon=1e-6,
        window=4096, window_pattern="alternate", attention_softcap=50.0, head_softcap=30.0,
        embedding_scale=True, tie_embeddings=True,
    )  # fmt: skip


OPEN_MODELS: dict[str, ModelConfig] = {
    "llama-3.1-405b": _llama(
        n_layer=126, d_model=16_384, n_head=128, n_kv_head=8, d_ff=53_248,
        vocab_size=128_256, context=131_072, rope_base=500_000.0,
    ),
    "llama-3.2-1b": _llama(
        n_layer=16, d_model=2048, n_head=32, n_kv_head=8, d_ff=8192,
        vocab_size=128_256, context=131_072, rope_base=500_000.0, tie_embeddings=True,
    ),
    "llama-3.2-3b": _llama(
        n_layer=28, d_model=3072, n_head=24, n_kv_head=8, d_ff=8192,
        vocab_size=128_256, context=131_072, rope_base=500_000.0, tie_embeddings=True,
    ),
    "mistral-large-2": _llama(
        n_layer=88, d_model=12_288, n_head=96, n_kv_head=8, d_ff=28_672,
        vocab_size=32_768, context=131_072, rope_base=1_000_000.0,
    ),
    "qwen2.5-0.5b": _llama(
        n_layer=24, d_model=896, n_head=14, n_kv_head=2, d_ff=4864,
        vocab_size=151_936, context=32_768, rope_base=1_000_000.0, qkv_bias=True, norm_epsilon=1e-6,
        tie_embeddings=True,
    ),
    "qwen2.5-7b": _llama(
        n_layer=28, d_model=3584, n_head=28, n_kv_head=4, d_ff=18_944,
        vocab_size=152_064, context=131_072, rope_base=1_000_000.0, qkv_bias=True, norm_epsilon=1e-6,
    ),
    "qwen2.5-72b": _llama(
        n_layer=80, d_model=8192, n_head=64, n_kv_head=8, d_ff=29_568,
        vocab_size=152_064, context=131_072, rope_base=1_000_000.0, qkv_bias=True, norm_epsilon=1e-6,
    ),
    "gemma-2-2b": _gemma2(26, 2304, 8, 4, 256, 9216),
    "gemma-2-9b": _gemma2(42, 3584, 16, 8, 256, 14_336),
    "gemma-2-27b": _gemma2(46, 4608, 32, 16, 128, 36_864),
    "phi-3-mini": _llama(n_layer=32, d_model=3072, n_head=32, d_ff=8192, vocab_size=32_064, context=4096),
    "phi-3-medium": _llama(
        n_layer=40, d_model=5120, n_head=40, n_kv_head=10, d_ff=17_920, vocab_size=32_064, context=4096
    ),
    "command-r-plus": _llama(
        n_layer=64, d_model=12_288, n_head=96, n_kv_head=8, d_ff=33_792,
        vocab_size=256_000, context=131_072, rope_base=75_000_000.0,
        norm="layernorm", parallel=True, qk_norm=True, tie_embeddings=True,
    ),
}  # fmt: skip

MODELS = PRESETS | OPEN_MODELS
"""Every configuration that has a name."""
