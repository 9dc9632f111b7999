"""What a model is, in numbers: every field of `ModelConfig`, its default, and the shapes it refuses. Free of torch."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

Position = Literal["learned", "sinusoidal", "rope"]
Activation = Literal["relu", "gelu", "gelu-tanh", "swiglu"]
Norm = Literal["layernorm", "rmsnorm"]
NormPosition = Literal["pre", "post"]
FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]


class ModelConfig(BaseModel):
    """One decoder-only transformer. Frozen; an impossible shape is a `ValueError` of one sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    n_layer: StrictInt
    """Blocks, each attention then feed-forward."""
    n_head: StrictInt
    """Query heads of each attention."""
    d_model: StrictInt
    """Width of the residual stream."""
    vocab_size: StrictInt
    """Rows of the token embedding, and logits per position."""
    context: StrictInt = 128
    """Tokens a window holds: the T of every FLOP count, and the rows of a learned position table."""
    n_kv_head: StrictInt | None = None
    """Key/value heads: n_head for multi-head (the default), fewer for grouped-query, 1 for multi-query attention."""
    d_head: StrictInt | None = None
    """Width of one head; d_model / n_head when not given."""
    d_ff: StrictInt | None = None
    """Hidden width of the feed-forward; 4·d_model when not given, for SwiGLU 8/3·d_model (Shazeer 2020: three matrices
    at the parameters of two) rounded up to a multiple of 8."""
    position: Position = "rope"
    """How order enters: a learned table, Vaswani's sinusoids, or rotation of queries and keys."""
    rope_base: FiniteFloat = 10_000.0
    """Base of RoPE's wavelengths (Su et al. 2021)."""
    activation: Activation = "gelu-tanh"
    """Nonlinearity of the feed-forward; `gelu-tanh` is GPT-2's, and cheaper on a CPU than the exact one."""
    norm: Norm = "layernorm"
    """LayerNorm, or RMSNorm without a mean and a bias."""
    norm_position: NormPosition = "pre"
    """`pre`: x + f(norm(x)) and a final norm (GPT-2). `post`: norm(x + f(x)) and no final norm (GPT-1)."""
    bias: StrictBool = True
    """Biases in the blocks' linear maps and in LayerNorm; the output head never has one."""
    tie_embeddings: StrictBool = True
    """Whether the output head is the token embedding, transposed."""
    init_std: FiniteFloat = 0.02
    """Standard deviation of the initial weights (GPT-2)."""

    @property
    def kv_heads(self) -> int:
        """Key/value heads, resolved."""
        return self.n_head if self.n_kv_head is None else self.n_kv_head

    @property
    def head_dim(self) -> int:
        """Width of one head, resolved."""
        return self.d_model // self.n_head if self.d_head is None else self.d_head

    @property
    def ff_dim(self) -> int:
        """Hidden width of the feed-forward, resolved."""
        if self.d_ff is not None:
            return self.d_ff
        if self.activation == "swiglu":
            return -(-8 * self.d_model // 24) * 8  # ceil((8/3 · d_model) / 8) · 8
        return 4 * self.d_model

    @model_validator(mode="after")
    def _refuse_impossible_shapes(self) -> "ModelConfig":
        problem = _not_positive(self) or _heads(self) or _positions(self)
        if problem:
            raise ValueError(problem)
        return self


def _not_positive(config: ModelConfig) -> str | None:
    sizes = ("n_layer", "n_head", "d_model", "vocab_size", "context", "n_kv_head", "d_head", "d_ff")
    for name in sizes:
        value = getattr(config, name)
        if value is not None and value < 1:
            return f"{name} = {value} is not a size: it must be a whole number of at least 1."
    if config.init_std <= 0:
        return (
            f"init_std = {config.init_std:g} leaves every weight at zero or worse: it must be above 0; GPT-2 has 0.02."
        )
    if config.rope_base <= 1:
        return f"rope_base = {config.rope_base:g} gives no range of wavelengths: it must be above 1; 10000 is usual."
    return None


def _heads(config: ModelConfig) -> str | None:
    d, h, j = config.d_model, config.n_head, config.kv_heads
    if config.d_head is None and d % h:
        near = f"{d // h * h} or {(d // h + 1) * h}" if d > h else f"{h}"
        return (
            f"d_model = {d} is not divisible by n_head = {h}: d_model must be a multiple of {h}, such as {near}, "
            "or d_head must be given."
        )
    if h % j:
        divisors = ", ".join(str(k) for k in range(1, h + 1) if h % k == 0)
        return f"n_kv_head = {j} does not divide n_head = {h}: n_kv_head must be one of {divisors}."
    return None


def _positions(config: ModelConfig) -> str | None:
    if config.position == "rope" and config.head_dim % 2:
        k = config.head_dim
        origin = "" if config.d_head is not None else f" (d_model = {config.d_model} over n_head = {config.n_head})"
        return (
            f'd_head = {k}{origin} is odd, and position = "rope" rotates pairs: d_head must be even, '
            f"such as {k + 1}, or position another."
        )
    if config.position == "sinusoidal" and config.d_model % 2:
        return (
            f'd_model = {config.d_model} is odd, and position = "sinusoidal" pairs a sine with a cosine: d_model must '
            f"be even, such as {config.d_model + 1}, or position another."
        )
    return None
