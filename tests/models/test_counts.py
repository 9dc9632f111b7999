"""Closed-form counts against torch's own: `numel`, `FlopCounterMode`, and what autograd keeps."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tests.models.shapes import AXES, choices, configs, small
from workbench.models import attend
from workbench.models.config import ModelConfig
from workbench.models.counts import count, forward_flops_by_group, kv_cache_bytes, parameters_by_group, training_bytes
from workbench.models.decoder import build


@pytest.mark.parametrize(("name", "value"), choices(ModelConfig))
def test_every_technique_of_a_model_is_an_axis_of_these_tests(name: str, value: Any):
    assert any(getattr(small(**fields), name) == value for fields in ({}, *AXES.values()))


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_has_its_count(axis: str):
    config = small(**AXES[axis])
    assert count(config).n_params == sum(p.numel() for p in build(config, seed=0).parameters())
    check_flops(config)


@given(configs())
@settings(max_examples=60, deadline=None)
def test_parameters_equal_the_sum_over_the_module(config: ModelConfig):
    model = build(config, seed=0)
    counts = count(config)
    assert counts.n_params == sum(p.numel() for p in model.parameters())
    embedding = [model.token_embedding, model.position_embedding, model.head]
    without = counts.n_params - sum(p.numel() for m in embedding if m is not None for p in m.parameters())
    assert counts.n_params_non_embedding == without
    assert counts.n_params_active == counts.n_params


@given(configs())
@settings(max_examples=40, deadline=None)
def test_flops_equal_torchs_counter(config: ModelConfig):
    check_flops(config)


def check_flops(config: ModelConfig) -> None:
    """The counter sees only matrix products, as the convention does: look-ups, norms and softmax are free in both.

    It differs from the convention where a kernel is fused: it counts nothing for fused attention on a CPU, and so is
    held to the mathematical kernel, which computes the masked half too. Backward is exactly twice forward even in the
    first layer, because the embeddings below it are trained and need its input's gradient.
    """
    config = config.model_copy(update={"window": None, "window_pattern": "all"})  # a mask's half is computed too
    model = build(config, seed=0)
    batch = 2
    ids_BT = torch.randint(config.vocab_size, (batch, config.context))
    tokens = batch * config.context
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        logits_BTV = model(ids_BT)
        forward = counter.get_total_flops()
        F.cross_entropy(logits_BTV.flatten(0, 1), ids_BT.flatten()).backward()
        training = counter.get_total_flops()
    counts = count(config)
    assert forward == counts.flops_per_token_forward * tokens
    assert training == counts.flops_per_token_training * tokens


@given(configs())
@settings(max_examples=40, deadline=None)
def test_a_window_is_charged_for_the_keys_in_it(config: ModelConfig):
    """Counted pair by pair, the keys before the beginning of the text included, as the masked ones are without it."""
    dense = forward_flops_by_group(config.model_copy(update={"window": None, "window_pattern": "all"}))
    pairs = 0
    for layer in range(config.n_layer):
        window = config.window if config.window and config.windowed(layer) else config.context
        pairs += sum(max(-config.context, t - window) < s <= t for t in [0] for s in range(-config.context, 1))
    scores = forward_flops_by_group(config)["attention_scores"]
    assert scores == dense["attention_scores"] * pairs // (config.n_layer * config.context)


def test_a_cache_keeps_what_windows_can_still_see():
    config = small(window=5, window_pattern="alternate", n_kv_head=2)
    assert kv_cache_bytes(config, tokens=12, batch=3) == 2 * 3 * (12 + 5) * 2 * 4 * 2
    cache = build(small(n_kv_head=2), 0).empty_cache(3)
    _, cache = build(small(n_kv_head=2), 0)(torch.zeros(3, 12, dtype=torch.long), cache=cache)
    assert sum(x.nbytes for layer in cache for x in layer) == kv_cache_bytes(small(n_kv_head=2), 12, 3, 4)


def test_the_path_of_products_costs_what_the_closed_form_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attend, "prefers_products", lambda q: True)
    config = small(n_kv_head=2)
    with FlopCounterMode(display=False) as counter:
        build(config, seed=0)(torch.zeros(3, config.context, dtype=torch.long))
    assert counter.get_total_flops() == count(config).flops_per_token_forward * 3 * config.context


def test_six_n_and_kaplans_forward_stand_beside_the_exact_count():
    config = small(n_layer=3, n_head=4, d_head=6)
    counts = count(config)
    assert counts.flops_per_token_6n == 6 * counts.n_params
    # C_forward ≈ 2N + 2·n_layer·n_ctx·d_attn (Kaplan et al. 2020, equation 2.2)
    assert counts.flops_per_token_forward_kaplan == 2 * counts.n_params_non_embedding + 2 * 3 * 12 * 24


def test_kaplans_forward_lacks_the_head_half_of_attention_and_nothing_else():
    """Without biases and norms in N, the approximation differs from the exact count by two terms one can name."""
    config = small(bias=False)
    counts, flops, groups = count(config), forward_flops_by_group(config), parameters_by_group(config)
    missing = flops["head"] + flops["attention_scores"] // 2 - 2 * groups["norms"]
    assert counts.flops_per_token_forward == counts.flops_per_token_forward_kaplan + missing


def wide(**fields: Any) -> ModelConfig:
    """Wide enough for the activations to be most of what is kept."""
    return small(**({"n_layer": 3, "d_model": 64, "context": 64} | fields))


MEMORY = [
    wide(),
    wide(n_layer=1, d_model=32, vocab_size=1000),
    wide(activation="swiglu", norm="rmsnorm", n_kv_head=2),
    *(wide(**fields) for name, fields in AXES.items() if name not in ("LongRoPE", "YaRN")),
]


@pytest.mark.parametrize("config", MEMORY)
def test_memory_is_near_what_a_training_step_holds(config: ModelConfig, monkeypatch: pytest.MonkeyPatch):
    """Activations within 20% of the storage that autograd saves, plus the logits and their gradient."""
    monkeypatch.setattr(attend, "prefers_products", lambda q: True)
    model, batch = build(config, seed=0), 4
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    saved: dict[int, int] = {}
    alive = []

    def pack(x: torch.Tensor) -> torch.Tensor:
        alive.append(x)
        saved[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    ids_BT = torch.randint(config.vocab_size, (batch, config.context))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        logits_BTV = model(ids_BT)
        F.cross_entropy(logits_BTV.flatten(0, 1), ids_BT.flatten())
    activations = sum(size for address, size in saved.items() if address not in own)
    activations += 2 * logits_BTV.nbytes  # the logits themselves and their gradient
    state = 16 * count(config).n_params
    assert training_bytes(config, batch) - state == pytest.approx(activations, rel=0.2)


def test_memory_grows_with_the_batch_and_shrinks_with_precision():
    config = small(d_model=64, context=64)
    one, two = training_bytes(config, 1), training_bytes(config, 2)
    assert two - one == one - 16 * count(config).n_params
    assert training_bytes(config, 8, "bf16") < training_bytes(config, 8, "fp32")


def test_counting_does_not_import_torch():
    code = "import sys, workbench.models.presets, workbench.models.counts; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
