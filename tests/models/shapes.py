"""Small configurations over every axis, for tests of what must hold for all of them."""

from typing import Any

from hypothesis import strategies as st

from workbench.models.config import ModelConfig


def small(**fields: Any) -> ModelConfig:
    """A model of a few hundred parameters; any field can be given."""
    return ModelConfig(**({"n_layer": 2, "n_head": 4, "d_model": 16, "vocab_size": 37, "context": 12} | fields))


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    """Any possible model, small."""
    n_kv_head = draw(st.integers(1, 3))
    n_head = n_kv_head * draw(st.integers(1, 3))
    d_head = draw(st.sampled_from((None, 2, 6)))
    width = 2 * n_head * draw(st.integers(1, 2)) if d_head is None else 2 * draw(st.integers(2, 12))
    return ModelConfig(
        n_layer=draw(st.integers(1, 3)),
        n_head=n_head,
        d_model=width,
        vocab_size=draw(st.integers(2, 40)),
        context=draw(st.integers(2, 9)),
        n_kv_head=draw(st.sampled_from((None, n_kv_head))),
        d_head=d_head,
        d_ff=draw(st.sampled_from((None, 1, 7))),
        position=draw(st.sampled_from(("learned", "sinusoidal", "rope"))),
        activation=draw(st.sampled_from(("relu", "gelu", "gelu-tanh", "swiglu"))),
        norm=draw(st.sampled_from(("layernorm", "rmsnorm"))),
        norm_position=draw(st.sampled_from(("pre", "post"))),
        bias=draw(st.booleans()),
        tie_embeddings=draw(st.booleans()),
    )
