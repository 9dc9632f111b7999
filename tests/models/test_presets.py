"""The presets against published counts."""

import pytest

from workbench.models.config import ModelConfig
from workbench.models.counts import count
from workbench.models.presets import PRESETS

EXACT = {
    "gpt1": 116_534_784,
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
}
"""The released weights, to the parameter."""

MILLIONS = {
    "gpt3-small": 125,
    "gpt3-medium": 356,
    "gpt3-large": 760,
    "gpt3-xl": 1_320,
    "gpt3-2.7b": 2_650,
    "gpt3-6.7b": 6_660,
    "gpt3-13b": 12_850,
    "gpt3-175b": 174_600,
}
"""Brown et al. 2020, table D.1: three digits, or four."""


def rounded_like(value: float, published: int) -> int:
    unit = 10 if 1_000 <= published < 100_000 else 100 if published >= 100_000 else 1
    return round(value / unit) * unit


def test_every_preset_has_a_published_count():
    assert set(PRESETS) == set(EXACT) | set(MILLIONS)


@pytest.mark.parametrize(("name", "n_params"), EXACT.items())
def test_gpt1_and_gpt2_have_exactly_the_published_parameters(name: str, n_params: int):
    assert count(PRESETS[name]).n_params == n_params


@pytest.mark.parametrize(("name", "millions"), MILLIONS.items())
def test_gpt3_has_its_tables_parameters_to_their_rounding(name: str, millions: int):
    assert rounded_like(count(PRESETS[name]).n_params / 1e6, millions) == millions


def test_gpt3_xl_at_its_tables_word_would_be_another_model():
    literal = PRESETS["gpt3-xl"].model_copy(update={"n_head": 24, "d_head": 128})
    assert round(count(literal).n_params / 1e6) == 1_517


def test_gpt3_13b_at_its_tables_width_would_be_another_model():
    literal = ModelConfig(**(PRESETS["gpt3-13b"].model_dump() | {"d_model": 5140, "d_head": 128}))
    assert round(count(literal).n_params / 1e6) == 12_936
