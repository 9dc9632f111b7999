"""Small configurations over every axis, for tests of what must hold for all of them."""

from typing import Any, get_args

from hypothesis import strategies as st
from pydantic import BaseModel

from workbench.models.config import ModelConfig


def small(**fields: Any) -> ModelConfig:
    """A model of a few hundred parameters; any field can be given."""
    return ModelConfig(**({"n_layer": 2, "n_head": 4, "d_model": 16, "vocab_size": 37, "context": 12} | fields))


AXES: dict[str, dict[str, Any]] = {
    "learned positions": {"position": "learned"},
    "sinusoidal positions": {"position": "sinusoidal"},
    "ALiBi": {"position": "alibi"},
    "no positions": {"position": "none"},
    "interleaved RoPE": {"rope_pairing": "interleaved"},
    "position interpolation": {"rope_scaling": "linear", "rope_factor": 2.0},
    "NTK-aware RoPE": {"rope_scaling": "ntk", "rope_factor": 2.0},
    "YaRN": {"rope_scaling": "yarn", "rope_factor": 4.0, "d_head": 8},
    "LongRoPE": {"rope_scaling": "longrope", "rope_factor": 3.0, "rope_factors": (1.0, 2.5)},
    "grouped queries": {"n_kv_head": 2},
    "one key head": {"n_kv_head": 1},
    "gate vector": {"attention_gate": "vector"},
    "input gate": {"attention_gate": "input"},
    "QK-norm": {"qk_norm": True},
    "sliding window": {"window": 3},
    "alternating window": {"window": 2, "window_pattern": "alternate"},
    "ALiBi in a window": {"position": "alibi", "window": 3},
    "attention soft cap": {"attention_softcap": 2.0},
    "logit soft cap": {"head_softcap": 3.0},
    "ReLU": {"activation": "relu"},
    "exact GELU": {"activation": "gelu"},
    "SwiGLU": {"activation": "swiglu"},
    "GEGLU": {"activation": "geglu"},
    "squared ReLU": {"activation": "relu2"},
    "RMSNorm": {"norm": "rmsnorm"},
    "Post-LN": {"norm_position": "post"},
    "sandwich": {"norm_position": "sandwich"},
    "parallel": {"parallel": True},
    "untied": {"tie_embeddings": False},
    "no biases": {"bias": False},
    "biases of queries, keys and values": {"bias": False, "qkv_bias": True},
    "scaled embeddings": {"embedding_scale": True},
    "plain residual initialisation": {"residual_init": "plain"},
    "dropout": {"dropout": 0.1},
    "muP": {"parameterisation": "mup", "base_width": 8, "base_d_head": 2},
    "CompleteP": {"parameterisation": "completep", "base_width": 8, "base_depth": 1},
}
"""Every axis by name, each as what it changes of `small()`."""


def choices(model: type[BaseModel]) -> list[tuple[str, Any]]:
    """Every value of every field of a config that chooses between techniques by name or by yes and no."""
    found: list[tuple[str, Any]] = []
    for name, field in model.model_fields.items():
        values = get_args(field.annotation)
        found += [(name, value) for value in values if isinstance(value, str)]
        found += [(name, True)] if field.annotation is bool else []
    return found


BASES: tuple[dict[str, Any], ...] = (
    {},
    {"parameterisation": "mup", "base_width": 3},
    {"parameterisation": "completep", "base_width": 5, "base_depth": 2},
)


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    """Any possible model, small."""
    n_kv_head = draw(st.integers(1, 3))
    n_head = n_kv_head * draw(st.integers(1, 3))
    d_head = draw(st.sampled_from((None, 2, 6)))
    width = 2 * n_head * draw(st.integers(1, 2)) if d_head is None else 2 * draw(st.integers(2, 12))
    parallel = draw(st.booleans())
    window = draw(st.sampled_from((None, None, 1, 3)))
    position: Any = draw(st.sampled_from(("learned", "sinusoidal", "rope", "alibi", "none")))
    more: dict[str, Any] = draw(rope_fields()) if position == "rope" else {}
    more |= draw(st.sampled_from(BASES))
    return ModelConfig(
        n_layer=draw(st.integers(1, 3)),
        n_head=n_head,
        d_model=width,
        vocab_size=draw(st.integers(2, 40)),
        context=draw(st.integers(2, 9)),
        n_kv_head=draw(st.sampled_from((None, n_kv_head))),
        d_head=d_head,
        d_ff=draw(st.sampled_from((None, 1, 7))),
        position=position,
        activation=draw(st.sampled_from(("relu", "gelu", "gelu-tanh", "swiglu", "geglu", "relu2"))),
        norm=draw(st.sampled_from(("layernorm", "rmsnorm"))),
        norm_position="pre" if parallel else draw(st.sampled_from(("pre", "post", "sandwich"))),
        parallel=parallel,
        attention_gate=draw(st.sampled_from(("none", "vector", "input"))),
        qk_norm=draw(st.booleans()),
        window=window,
        window_pattern="all" if window is None else draw(st.sampled_from(("all", "alternate"))),
        attention_softcap=draw(st.sampled_from((0.0, 5.0))),
        head_softcap=draw(st.sampled_from((0.0, 5.0))),
        embedding_scale=draw(st.booleans()),
        bias=draw(st.booleans()),
        qkv_bias=draw(st.sampled_from((None, True, False))),
        tie_embeddings=draw(st.booleans()),
        **more,
    )


def rope_fields() -> st.SearchStrategy[dict[str, Any]]:
    """Pairings, and the ways to a longer context that any width of a head can have."""
    scaled = st.sampled_from(("linear", "ntk", "yarn"))
    scaling = st.fixed_dictionaries({"rope_scaling": scaled, "rope_factor": st.sampled_from((1.0, 4.0))})
    pairing = st.fixed_dictionaries({"rope_pairing": st.sampled_from(("half", "interleaved"))})
    return st.one_of(pairing, scaling)
