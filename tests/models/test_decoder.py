"""The decoder against a plain float64 transcription of the whole model, and against itself with a cache."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn import functional as F

from tests.models.shapes import AXES, configs, small
from tests.models.transcription import transcription
from workbench.errors import BadInput
from workbench.models.config import ModelConfig
from workbench.models.decoder import Decoder, build

POSITIONS = ["learned", "sinusoidal", "rope", "alibi", "none"]
BY_NUMBER = POSITIONS[:3]
"""Those that read the positions they are given; the others know only which token comes before which."""


def some_ids(config: ModelConfig, batch: int = 3) -> Tensor:
    return torch.randint(config.vocab_size, (batch, config.context), generator=torch.Generator().manual_seed(7))


def lively(config: ModelConfig, seed: int = 0) -> Decoder:
    """A decoder whose every parameter is drawn anew, biases and gains too, large enough for all parts to matter."""
    model, generator = build(config, seed), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)
    return model


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_equals_the_transcription(axis: str):
    config = small(**AXES[axis])
    model = lively(config).double().eval()
    weights = {name: p.detach() for name, p in model.named_parameters()}
    ids = some_ids(config, batch=1)
    expected = transcription(config, weights, ids[0].tolist())
    torch.testing.assert_close(model(ids)[0], expected, rtol=1e-4, atol=1e-4)


@given(configs())
@settings(max_examples=50, deadline=None)
def test_logits_equal_the_transcription(config: ModelConfig):
    model = lively(config)
    weights = {name: p.detach().double() for name, p in model.named_parameters()}
    ids = some_ids(config, batch=2)
    expected = torch.stack([transcription(config, weights, row) for row in ids.tolist()])
    torch.testing.assert_close(model(ids).double(), expected, rtol=1e-3, atol=1e-3)
    double = model.double()(ids)
    torch.testing.assert_close(double, expected, rtol=1e-4, atol=1e-4)  # position tables are float32 by design


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("n_kv_head", [4, 2, 1])
@pytest.mark.parametrize("norm_position", ["pre", "post"])
def test_generation_with_a_cache_gives_the_same_logits(position: str, n_kv_head: int, norm_position: str):
    config = small(position=position, n_kv_head=n_kv_head, norm_position=norm_position)
    model, ids = lively(config), some_ids(config)
    cache, pieces = model.empty_cache(len(ids)), []
    for part in ids.split([5, 1, 1, 3, 2], dim=1):
        logits, cache = model(part, cache=cache)
        pieces.append(logits)
    torch.testing.assert_close(torch.cat(pieces, dim=1), model(ids), rtol=1e-4, atol=1e-5)
    assert cache[0][0].shape == (3, n_kv_head, 12, 4)


def test_a_cache_is_not_changed_by_being_used():
    config = small()
    model, ids = lively(config), some_ids(config)
    _, cache = model(ids[:, :6], cache=model.empty_cache(3))
    before = [key.clone() for layer in cache for key in layer]
    model(ids[:, 6:], cache=cache)
    assert all(torch.equal(a, b) for a, b in zip(before, (key for layer in cache for key in layer), strict=True))


@pytest.mark.parametrize("position", BY_NUMBER)
def test_positions_default_to_those_in_order(position: str):
    config = small(position=position)
    model, ids = lively(config), some_ids(config)
    expected = model(ids)
    torch.testing.assert_close(model(ids, positions=torch.arange(12)), expected)
    torch.testing.assert_close(model(ids, positions=torch.arange(12).expand(3, 12)), expected)
    assert not torch.allclose(model(ids, positions=torch.arange(12).flip(0)), expected, atol=1e-2)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_later_token_changes_no_earlier_logit(position: str):
    config = small(position=position)
    model, ids = lively(config), some_ids(config)
    changed = ids.clone()
    changed[:, 7] = (changed[:, 7] + 1) % config.vocab_size
    before, after = model(ids), model(changed)
    torch.testing.assert_close(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7:], after[:, 7:], atol=1e-2)


def test_a_learned_table_refuses_a_window_longer_than_itself():
    config = small(position="learned")
    with pytest.raises(BadInput, match=r"A window of 13 tokens does not fit context = 12 .* give at most 12 tokens"):
        build(config, 0)(torch.zeros(1, 13, dtype=torch.long))
    model = build(config, 0)
    _, cache = model(torch.zeros(1, 12, dtype=torch.long), cache=model.empty_cache(1))
    with pytest.raises(BadInput, match="A window of 13 tokens"):
        model(torch.zeros(1, 1, dtype=torch.long), cache=cache)


def test_computed_positions_go_beyond_the_context():
    assert build(small(), 0)(torch.zeros(1, 20, dtype=torch.long)).shape == (1, 20, 37)


def test_a_seed_is_a_model_and_the_global_random_state_is_left_alone():
    before = torch.get_rng_state()
    one, same, other = build(small(), 0), build(small(), 0), build(small(), 1)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.token_embedding.weight, other.token_embedding.weight)


def test_initial_weights_are_gpt2s():
    config = small(n_layer=8, d_model=128, vocab_size=500, context=64, position="learned", tie_embeddings=False)
    for name, parameter in build(config, 0).named_parameters():
        if name.endswith("bias"):
            assert parameter.eq(0).all()
        elif "norm" in name:
            assert parameter.eq(1).all()
        else:
            residual = name.endswith(("attention.out.weight", "feed_forward.down.weight"))
            std = 0.02 / 4 if residual else 0.01 if name == "position_embedding.weight" else 0.02
            assert parameter.std().item() == pytest.approx(std, rel=0.05), name
            assert abs(parameter.mean().item()) < 4 * std / math.sqrt(parameter.numel()), name


def test_only_matrices_and_embeddings_have_two_dimensions():
    """The optimizer decays what has two dimensions."""
    for name, parameter in build(small(position="learned"), 0).named_parameters():
        assert parameter.ndim == (1 if "norm" in name or name.endswith("bias") else 2), name


def squared(model: Decoder) -> Callable[[dict[str, Tensor], Tensor], Tensor]:
    return lambda weights, ids: functional_call(model, weights, (ids,)).square().mean()


@pytest.mark.parametrize("fields", [{}, {"n_kv_head": 2, "position": "learned"}, {"norm": "rmsnorm"}])
def test_a_stack_of_models_trains_as_each_alone(fields: dict[str, Any]):
    config = small(**fields)
    models, ids = [lively(config, seed) for seed in range(3)], some_ids(config)
    weights, _ = stack_module_state(models)
    loss = squared(models[0])
    gradients = vmap(grad(loss), in_dims=(0, None))(weights, ids)
    for k, model in enumerate(models):
        model(ids).square().mean().backward()
        for name, parameter in model.named_parameters():
            torch.testing.assert_close(gradients[name][k], parameter.grad, rtol=1e-3, atol=1e-5)


def test_it_compiles_as_one_graph():
    config = small(n_layer=1, n_kv_head=2)
    model, ids = lively(config), some_ids(config)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(ids), model(ids), rtol=1e-4, atol=1e-5)
    torch.compiler.reset()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_mixed_precision_stays_close_to_float32(dtype: torch.dtype):
    config = small()
    model, ids = build(config, 0), some_ids(config)
    expected = F.cross_entropy(model(ids).flatten(0, 1), ids.flatten())
    with torch.autocast("cpu", dtype=dtype):
        mixed = F.cross_entropy(model(ids).flatten(0, 1).float(), ids.flatten())
    assert mixed.item() == pytest.approx(expected.item(), rel=1e-3)
    mixed.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
