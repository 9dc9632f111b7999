"""Frequencies for a longer context, held against the formulas and against another library's."""

import math

import pytest
import torch

from tests.models.shapes import small
from workbench.models.rope_scaling import frequencies

CPU = torch.device("cpu")
LONG = {"d_head": 64, "context": 8192, "rope_factor": 4.0}


def test_interpolation_divides_every_frequency():
    plain, one = frequencies(small(d_head=64), CPU)
    scaled, other = frequencies(small(rope_scaling="linear", **LONG), CPU)
    torch.testing.assert_close(scaled, plain / 4)
    assert one == other == 1.0


def test_ntk_keeps_the_fastest_and_interpolates_the_slowest():
    plain, _ = frequencies(small(d_head=64), CPU)
    scaled, _ = frequencies(small(rope_scaling="ntk", **LONG), CPU)
    assert scaled[0] == plain[0]
    torch.testing.assert_close(scaled[-1], plain[-1] / 4)
    assert (scaled[1:-1] < plain[1:-1]).all() and (scaled[1:-1] > plain[1:-1] / 4).all()


def test_yarn_keeps_what_turns_often_and_interpolates_what_turns_less_than_once():
    plain, _ = frequencies(small(d_head=64), CPU)
    scaled, factor = frequencies(small(rope_scaling="yarn", **LONG), CPU)
    turns = 2048 * plain / (2 * math.pi)
    torch.testing.assert_close(scaled[turns > 40], plain[turns > 40])
    torch.testing.assert_close(scaled[turns < 0.9], plain[turns < 0.9] / 4)
    assert factor == pytest.approx(0.1 * math.log(4) + 1)


def test_longrope_divides_by_what_it_is_given():
    given = tuple(1.0 + k for k in range(32))
    plain, _ = frequencies(small(d_head=64), CPU)
    scaled, factor = frequencies(small(rope_scaling="longrope", rope_factors=given, **LONG), CPU)
    torch.testing.assert_close(scaled, plain / torch.tensor(given))
    assert factor == pytest.approx(math.sqrt(1 + math.log(4) / math.log(2048)))


@pytest.mark.parametrize("kind", ["linear", "yarn", "longrope"])
def test_another_library_has_the_same_frequencies(kind: str):
    transformers = pytest.importorskip("transformers")
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    given = tuple(1.0 + 0.1 * k for k in range(32))
    theirs = {"rope_type": kind, "factor": 4.0, "rope_theta": 10_000.0, "original_max_position_embeddings": 2048}
    if kind == "longrope":
        theirs |= {"long_factor": list(given), "short_factor": list(given)}
    config = transformers.LlamaConfig(
        hidden_size=256, num_attention_heads=4, max_position_embeddings=8192, rope_parameters=theirs
    )
    expected, their_factor = ROPE_INIT_FUNCTIONS[kind](config, CPU, seq_len=8192)
    fields = {"rope_factors": given} if kind == "longrope" else {}
    ours, our_factor = frequencies(small(rope_scaling=kind, **LONG, **fields), CPU)
    torch.testing.assert_close(ours, expected)
    assert our_factor == pytest.approx(their_factor)
