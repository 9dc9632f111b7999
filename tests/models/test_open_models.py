"""Open models against what was released: the parameters of the weights, and the sizes their cards state."""

import pytest

from workbench.models.counts import count, kv_cache_bytes
from workbench.models.open_models import OPEN_MODELS

RELEASED = {
    "llama-3.1-405b": 405_853_388_800,
    "llama-3.2-1b": 1_235_814_400,
    "llama-3.2-3b": 3_212_749_824,
    "mistral-large-2": 122_610_069_504,
    "qwen2.5-0.5b": 494_032_768,
    "qwen2.5-7b": 7_615_616_512,
    "qwen2.5-72b": 72_706_203_648,
    "gemma-2-2b": 2_614_341_888,
    "gemma-2-9b": 9_241_705_984,
    "gemma-2-27b": 27_227_128_320,
    "phi-3-mini": 3_821_079_552,
    "phi-3-medium": 13_960_238_080,
    "command-r-plus": 103_810_674_688,
}
"""Elements of the released weights, a tied head counted once."""


def test_every_open_model_has_a_released_count():
    assert set(OPEN_MODELS) == set(RELEASED)


@pytest.mark.parametrize(("name", "released"), RELEASED.items())
def test_an_open_model_has_the_released_parameters(name: str, released: int):
    # Command R+ has a gain for each head in the norms of queries and keys, ours one for all.
    assert count(OPEN_MODELS[name]).n_params == pytest.approx(released, rel=1e-5 if name == "command-r-plus" else 0)


def test_eight_key_heads_keep_a_sixteenth_of_the_cache():
    """Llama 3.1 405B: 126 layers × 2 × 8 heads × 128 × 2 bytes are 516 kB a token (Llama team 2024, table 3)."""
    assert kv_cache_bytes(OPEN_MODELS["llama-3.1-405b"], tokens=1) == 126 * 2 * 8 * 128 * 2 == 516_096


def test_gemmas_windows_nearly_halve_the_cache_of_a_long_text():
    config = OPEN_MODELS["gemma-2-9b"]
    dense = config.model_copy(update={"window": None, "window_pattern": "all"})
    assert kv_cache_bytes(config, 8192) == 0.75 * kv_cache_bytes(dense, 8192)
