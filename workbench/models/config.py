"""What a model is, in numbers: every field of `ModelConfig` and its default; refusals.py has the shapes it refuses.

Free of torch.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

Position = Literal["learned", "sinusoidal", "rope", "alibi", "none"]
RopePairing = Literal["half", "interleaved"]
RopeScaling = Literal["none", "linear", "ntk", "yarn", "longrope"]
AttentionGate = Literal["none", "vector", "input"]
WindowPattern = Literal["all", "alternate"]
Activation = Literal["relu", "gelu", "gelu-tanh", "swiglu", "geglu", "relu2"]
Norm = Literal["layernorm", "rmsnorm"]
NormPosition = Literal["pre", "post", "sandwich"]
ResidualInit = Literal["scaled", "plain"]
Parameterisation = Literal["standard", "mup", "completep"]
DECODER = "decoder"
"""The architecture that is ours: the one every other field of `ModelConfig` describes."""

FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]


class ModelConfig(BaseModel):
    """One decoder-only transformer, or a registered model. Frozen; an impossible shape is a one-sentence `ValueError`.

    A registered model is handed all of it and reads what it likes; n_layer, n_head and d_model are 1 where it is not
    told.
    """

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
    """Hidden width of the feed-forward; 4·d_model when not given, for SwiGLU and GEGLU 8/3·d_model (Shazeer 2020: three
    matrices at the parameters of two) rounded up to a multiple of 8."""
    position: Position = "rope"
    """How order enters: a learned table, Vaswani's sinusoids, rotation of queries and keys, ALiBi's penalty on distance
    (Press et al. 2021), or by the causal mask alone."""
    rope_base: FiniteFloat = 10_000.0
    """Base of RoPE's wavelengths (Su et al. 2021)."""
    rope_pairing: RopePairing = "half"
    """Which coordinates turn together: i with i + K/2 (GPT-NeoX, Llama), or neighbours (Su et al., GPT-J)."""
    rope_scaling: RopeScaling = "none"
    """How a context `rope_factor` times longer than the trained one is reached: rope_scaling.py has the formulas."""
    rope_factor: FiniteFloat = 1.0
    """Context over the context that the frequencies were trained at."""
    rope_factors: tuple[FiniteFloat, ...] | None = None
    """Of `longrope`: what each of the K/2 frequencies is divided by."""
    activation: Activation = "gelu-tanh"
    """Nonlinearity of the feed-forward; `gelu-tanh` is GPT-2's; on CPUs with AVX2 the exact one is much faster."""
    norm: Norm = "layernorm"
    """LayerNorm, or RMSNorm without a mean and a bias."""
    norm_position: NormPosition = "pre"
    """`pre`: x + f(norm(x)) and a final norm (GPT-2). `post`: norm(x + f(x)) and no final norm (GPT-1). `sandwich`:
    x + norm(f(norm(x))) and a final norm (Ding et al. 2021, Gemma 2)."""
    norm_epsilon: FiniteFloat = 1e-5
    """What is added under the root of a norm."""
    parallel: StrictBool = False
    """Attention and feed-forward side by side on one norm: x + f(norm(x)) + g(norm(x)) (GPT-J, PaLM)."""
    attention_gate: AttentionGate = "none"
    """σ(g) on the attended heads before they are projected: g one learned vector, or a linear map of the block's input
    (Qiu et al. 2025)."""
    qk_norm: StrictBool = False
    """RMSNorm with a gain over each query and key (Henry et al. 2020, Dehghani et al. 2023), before they are turned."""
    window: StrictInt | None = None
    """Keys each query sees, its own included (sliding window: Child et al. 2019, Beltagy et al. 2020); unset, all."""
    window_pattern: WindowPattern = "all"
    """Which layers have the window: all, or every second, the first being dense (GPT-3's dense and banded ones)."""
    attention_softcap: FiniteFloat = 0.0
    """cap · tanh(score / cap) on the attention scores (Gemma 2 has 50); 0 is none."""
    head_softcap: FiniteFloat = 0.0
    """The same on the output logits (Gemma 2 has 30)."""
    embedding_scale: StrictBool = False
    """Token embeddings times √d_model (Vaswani et al. 2017, Gemma); sinusoidal positions have it always."""
    dropout: FiniteFloat = 0.0
    """Share of the embeddings, attention weights and residual branches dropped in training (GPT-2 has 0.1)."""
    bias: StrictBool = True
    """Biases in the blocks' linear maps and in LayerNorm; the output head never has one."""
    qkv_bias: StrictBool | None = None
    """Biases of queries, keys and values alone (Qwen2.5); unset, as `bias`."""
    tie_embeddings: StrictBool = True
    """Whether the output head is the token embedding, transposed."""
    init_std: FiniteFloat = 0.02
    """Standard deviation of the initial weights (GPT-2)."""
    residual_init: ResidualInit = "scaled"
    """Projections into the residual stream over √(2·n_layer) at the start (GPT-2), or like all others."""
    parameterisation: Parameterisation = "standard"
    """How initial weights, rates and scales follow width (`mup`) and depth (`completep`): parameterisation.py."""
    base_width: StrictInt | None = None
    """The d_model at which `mup` and `completep` are the standard parameterisation."""
    base_depth: StrictInt | None = None
    """The n_layer at which `completep` is."""
    base_d_head: StrictInt | None = None
    """The d_head at which attention is scaled by 1/√d_head under `mup`: elsewhere by √base/d_head; unset, d_head's."""
    architecture: str = DECODER
    """`decoder`, or the name under which a model of your own is registered: own-models.md."""
    settings: dict[str, Any] = {}
    """A registered model's own settings, validated by it."""
    fingerprint: str = ""
    """Of a registered model's source: filled in; where it is given, the source must be that one."""

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
        if self.gated:
            return -(-8 * self.d_model // 24) * 8  # ceil((8/3 · d_model) / 8) · 8
        return 4 * self.d_model

    @property
    def gated(self) -> bool:
        """Whether the feed-forward's hidden map is a gate and a value, side by side."""
        return self.activation in ("swiglu", "geglu")

    def windowed(self, layer: int) -> bool:
        """Whether a layer's queries see only a window of keys."""
        return self.window is not None and (self.window_pattern == "all" or layer % 2 == 1)

    @property
    def has_qkv_bias(self) -> bool:
        """Whether queries, keys and values have biases, resolved."""
        return self.bias if self.qkv_bias is None else self.qkv_bias

    @property
    def width_ratio(self) -> float:
        """d_model over the base width of the parameterisation; 1 under the standard one."""
        return self.d_model / (self.base_width or self.d_model)

    @property
    def depth_ratio(self) -> float:
        """n_layer over the base depth of CompleteP; 1 elsewhere."""
        return self.n_layer / (self.base_depth or self.n_layer)

    @model_validator(mode="before")
    @classmethod
    def _shapeless(cls, data: Any) -> Any:
        """A registered model need not have layers, heads or a width."""
        if isinstance(data, dict) and data.get("architecture", DECODER) != DECODER:
            return {"n_layer": 1, "n_head": 1, "d_model": 1, **data}
        return data

    @model_validator(mode="after")
    def _refuse_impossible_shapes(self) -> "ModelConfig":
        from workbench.models.refusals import refusal

        problem = refusal(self)
        if problem:
            raise ValueError(problem)
        return self
