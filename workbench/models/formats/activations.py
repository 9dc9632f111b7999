"""The names that `transformers` has for the activations of a feed-forward without a gate."""

ACTIVATIONS = {
    "gelu_new": "gelu-tanh",
    "gelu_pytorch_tanh": "gelu-tanh",
    "gelu_fast": "gelu-tanh",
    "gelu": "gelu",
    "relu": "relu",
    "relu2": "relu2",
}
"""Theirs → ours; the first three are one formula, written three ways."""

NAMES = {"gelu-tanh": "gelu_new", "gelu": "gelu", "relu": "relu", "relu2": "relu2"}
"""Ours → theirs."""
