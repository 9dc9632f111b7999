"""The names that `transformers` has for activations."""

ACTIVATIONS = {
    "gelu_new": "gelu-tanh",
    "gelu_pytorch_tanh": "gelu-tanh",
    "gelu_fast": "gelu-tanh",
    "gelu": "gelu",
    "relu": "relu",
    "relu2": "relu2",
}
"""Without a gate, theirs → ours; the first three are one formula, written three ways."""

NAMES = {"gelu-tanh": "gelu_new", "gelu": "gelu", "relu": "relu", "relu2": "relu2"}
"""Ours → theirs."""

GATES = {
    "silu": "swiglu",
    "swish": "swiglu",
    "gelu_new": "geglu",
    "gelu_pytorch_tanh": "geglu",
    "gelu_fast": "geglu",
}
"""Of a gate, theirs → ours."""

GATE_NAMES = {"swiglu": "silu", "geglu": "gelu_pytorch_tanh"}
"""Ours → theirs."""
