"""Counts of what is not built, against published models."""

import pytest

from workbench.models.config import ModelConfig
from workbench.models.counts import count, forward_flops_by_group, kv_cache_bytes
from workbench.models.on_paper import (
    Experts,
    active_parameters,
    flops_with_experts,
    latent_cache_bytes,
    parameters_with_experts,
)
from workbench.models.open_models import OPEN_MODELS

MIXTRAL = ModelConfig(
    n_layer=32, d_model=4096, n_head=32, n_kv_head=8, d_ff=14_336, vocab_size=32_000, context=32_768,
    activation="swiglu", norm="rmsnorm", bias=False, tie_embeddings=False,
)  # fmt: skip
"""Mixtral 8x7B (Jiang et al. 2024, arXiv 2401.04088), whose released weights have 46,702,792,704 parameters."""

DEEPSEEK_V3 = MIXTRAL.model_copy(update={"n_layer": 61, "n_head": 128, "n_kv_head": None, "d_head": 128})


def test_mixtral_has_its_released_parameters_and_thirteen_billion_are_active():
    experts = Experts(8, 2)
    assert sum(parameters_with_experts(MIXTRAL, experts).values()) == 46_702_792_704
    assert active_parameters(MIXTRAL, experts) == pytest.approx(12.9e9, rel=0.002)


def test_one_expert_is_the_dense_model():
    assert sum(parameters_with_experts(MIXTRAL, Experts()).values()) == count(MIXTRAL).n_params
    assert active_parameters(MIXTRAL, Experts()) == count(MIXTRAL).n_params
    assert flops_with_experts(MIXTRAL, Experts()) == forward_flops_by_group(MIXTRAL)


def test_the_products_of_the_active_experts_and_the_router_are_counted():
    flops, dense = flops_with_experts(MIXTRAL, Experts(8, 2)), forward_flops_by_group(MIXTRAL)
    assert flops["feed_forward"] == 2 * dense["feed_forward"] + 2 * 32 * 4096 * 8
    assert flops["head"] == dense["head"]


def test_caches_are_those_that_deepseek_published():
    """Bytes a token in bf16: "Insights into DeepSeek-V3" (2025, arXiv 2505.09343), table 1."""
    assert latent_cache_bytes(DEEPSEEK_V3, 1) == 70_272
    assert kv_cache_bytes(OPEN_MODELS["qwen2.5-72b"], 1) == 327_680
    assert kv_cache_bytes(OPEN_MODELS["llama-3.1-405b"], 1) == 516_096
