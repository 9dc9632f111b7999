"""What more than one format cannot hold, field against field."""

from workbench.models.config import ModelConfig
from workbench.models.formats.base import Mismatch


def multi_head(config: ModelConfig) -> list[Mismatch]:
    """A fused matrix of three equal parts: as many key/value heads as query heads."""
    return (
        []
        if config.kv_heads == config.n_head
        else [Mismatch("n_kv_head", config.kv_heads, f"n_head = {config.n_head}")]
    )


def filled_width(config: ModelConfig) -> list[Mismatch]:
    """The width of a head is not written down: it is d_model / n_head."""
    if config.n_head * config.head_dim == config.d_model:
        return []
    return [Mismatch("d_head", config.head_dim, f"d_model / n_head = {config.d_model / config.n_head:g}")]


def whole_heads(config: ModelConfig) -> list[Mismatch]:
    """`transformers` refuses a width that the heads do not divide, even where a head's width is given."""
    if config.d_model % config.n_head == 0:
        return []
    return [Mismatch("d_model", config.d_model, f"a multiple of n_head = {config.n_head}")]


def one_bias(config: ModelConfig) -> list[Mismatch]:
    """Biases in all linear maps or in none."""
    return (
        [] if config.has_qkv_bias == config.bias else [Mismatch("qkv_bias", config.qkv_bias, f"bias = {config.bias}")]
    )
