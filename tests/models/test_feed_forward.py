"""Activations against their definitions, through the standard library's `math`."""

import math
from collections.abc import Callable

import pytest
import torch

from tests.models.shapes import small
from workbench.models.feed_forward import ACTIVATIONS, FeedForward

POINTS = (-6.0, -1.5, -0.3, 0.0, 0.7, 2.0, 8.0)
DEFINITIONS: dict[str, Callable[[float], float]] = {
    "relu": lambda x: max(x, 0.0),
    "relu2": lambda x: max(x, 0.0) ** 2,
    "gelu": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "gelu-tanh": lambda x: x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_an_activation_equals_its_definition(name: str):
    out = ACTIVATIONS[name](torch.tensor(POINTS, dtype=torch.float64))
    expected = torch.tensor([DEFINITIONS[name](x) for x in POINTS], dtype=torch.float64)
    torch.testing.assert_close(out, expected)


def test_swiglu_gates_the_second_half_by_the_first():
    gate, value = torch.tensor(POINTS, dtype=torch.float64), torch.arange(7, dtype=torch.float64)
    expected = torch.tensor([g / (1 + math.exp(-g)) * v for g, v in zip(POINTS, value.tolist(), strict=True)])
    torch.testing.assert_close(ACTIVATIONS["swiglu"](torch.cat((gate, value))), expected.double())


def test_geglu_gates_by_a_gelu():
    gate, value = torch.tensor(POINTS, dtype=torch.float64), torch.arange(7, dtype=torch.float64)
    expected = [DEFINITIONS["gelu-tanh"](g) * v for g, v in zip(POINTS, value.tolist(), strict=True)]
    torch.testing.assert_close(ACTIVATIONS["geglu"](torch.cat((gate, value))), torch.tensor(expected).double())


def test_every_activation_has_a_definition_here():
    assert set(ACTIVATIONS) == set(DEFINITIONS) | {"swiglu", "geglu"}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_feed_forward_is_two_maps_around_the_activation(activation: str):
    module = FeedForward(small(activation=activation))
    x = torch.randn(3, 5, 16)
    hidden = ACTIVATIONS[activation](x @ module.up.weight.T + module.up.bias)
    torch.testing.assert_close(module(x), hidden @ module.down.weight.T + module.down.bias)
