"""A configuration resolves what is left out, and refuses impossible shapes with a sentence."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.models.shapes import small


def test_what_is_left_out_follows_from_the_width():
    config = small(n_head=4, d_model=48)
    assert (config.kv_heads, config.head_dim, config.ff_dim) == (4, 12, 192)


@pytest.mark.parametrize(("width", "hidden"), [(48, 128), (64, 176), (768, 2048), (4096, 10928)])
def test_swiglu_is_eight_thirds_wide_rounded_up_to_a_multiple_of_eight(width: int, hidden: int):
    assert small(d_model=width, activation="swiglu").ff_dim == hidden
    assert hidden % 8 == 0 and 0 <= hidden - 8 * width / 3 < 8


def test_what_is_given_stands():
    config = small(n_head=6, n_kv_head=2, d_head=10, d_ff=33)
    assert (config.kv_heads, config.head_dim, config.ff_dim) == (2, 10, 33)


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        small().n_layer = 3


SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({"n_layer": 0}, "n_layer = 0 is not a size: it must be a whole number of at least 1."),
    ({"n_head": -1}, "n_head = -1 is not a size"),
    ({"d_model": 0}, "d_model = 0 is not a size"),
    ({"vocab_size": 0}, "vocab_size = 0 is not a size"),
    ({"context": -5}, "context = -5 is not a size"),
    ({"n_kv_head": 0}, "n_kv_head = 0 is not a size"),
    ({"d_head": 0}, "d_head = 0 is not a size"),
    ({"d_ff": -2}, "d_ff = -2 is not a size"),
    ({"init_std": 0.0}, "init_std = 0 leaves every weight at zero or worse: it must be above 0"),
    ({"rope_base": 1.0}, "rope_base = 1 gives no range of wavelengths: it must be above 1"),
    ({"d_model": 18}, "d_model = 18 is not divisible by n_head = 4: d_model must be a multiple of 4, such as 16 or 20"),
    ({"d_model": 2}, "d_model = 2 is not divisible by n_head = 4: d_model must be a multiple of 4, such as 4,"),
    ({"n_kv_head": 3}, "n_kv_head = 3 does not divide n_head = 4: n_kv_head must be one of 1, 2, 4."),
    ({"n_kv_head": 8}, "n_kv_head = 8 does not divide n_head = 4"),
    ({"d_head": 5}, 'd_head = 5 is odd, and position = "rope" rotates pairs: d_head must be even, such as 6'),
    ({"d_model": 12}, "d_head = 3 (d_model = 12 over n_head = 4) is odd"),
    ({"norm_epsilon": 0.0}, "norm_epsilon = 0 leaves a norm of zeros undefined: it must be above 0."),
    ({"dropout": 1.0}, "dropout = 1 is no share to drop: it must be at least 0 and below 1."),
    ({"head_softcap": -1.0}, "head_softcap = -1 is no cap: it must be above 0, or 0 for none."),
    ({"window": 0}, "window = 0 is not a size"),
    ({"window_pattern": "alternate"}, 'window_pattern = "alternate" says which layers have a window'),
    ({"parallel": True, "norm_position": "post"}, "parallel = true has one norm before both halves"),
    (
        {"position": "learned", "rope_scaling": "yarn"},
        'rope_scaling = "yarn" needs position = "rope"; it is "learned".',
    ),
    ({"rope_factor": 2.0}, "rope_factor = 2 needs a rope_scaling"),
    ({"rope_scaling": "linear", "rope_factor": 0.5}, "rope_factor = 0.5 shortens the context"),
    ({"rope_scaling": "longrope", "rope_factor": 2.0}, 'rope_factors belong to rope_scaling = "longrope", which needs'),
    ({"rope_scaling": "longrope", "rope_factors": (1.0,)}, "rope_factors holds 1 numbers, the least 1; it must hold"),
    ({"parameterisation": "mup"}, 'parameterisation = "mup" needs base_width'),
    ({"base_depth": 2}, 'base_depth = 2 means nothing under parameterisation = "standard"; leave it out.'),
    (
        {"d_model": 15, "n_head": 3, "position": "sinusoidal"},
        'd_model = 15 is odd, and position = "sinusoidal" pairs a sine with a cosine: d_model must be even, such as 16',
    ),
]


@pytest.mark.parametrize(("fields", "sentence"), SENTENCES)
def test_an_impossible_shape_is_refused_with_a_sentence(fields: dict[str, Any], sentence: str):
    with pytest.raises(ValidationError) as caught:
        small(**fields)
    (error,) = caught.value.errors()
    assert error["msg"].startswith(f"Value error, {sentence}")
    assert error["msg"].endswith(".")


WRONG_TYPES: list[tuple[dict[str, Any], str]] = [
    ({"n_layer": "2"}, "n_layer"),
    ({"n_layer": True}, "n_layer"),
    ({"n_layer": 2.0}, "n_layer"),
    ({"bias": "yes"}, "bias"),
    ({"init_std": float("nan")}, "init_std"),
    ({"position": "rotary"}, "position"),
    ({"n_layers": 2}, "n_layers"),
]


@pytest.mark.parametrize(("fields", "key"), WRONG_TYPES)
def test_a_wrong_type_or_an_unknown_key_is_refused_by_name(fields: dict[str, Any], key: str):
    with pytest.raises(ValidationError) as caught:
        small(**fields)
    assert [error["loc"] for error in caught.value.errors()] == [(key,)]


def test_odd_heads_are_possible_without_rotation():
    assert small(d_head=5, position="learned").head_dim == 5
