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

from tests.models.shapes import configs, small
from workbench.errors import BadInput
from workbench.models.config import ModelConfig
from workbench.models.decoder import Decoder, build

POSITIONS = ["learned", "sinusoidal", "rope"]


def some_ids(config: ModelConfig, batch: int = 3) -> Tensor:
    return torch.randint(config.vocab_size, (batch, config.context), generator=torch.Generator().manual_seed(7))


def lively(config: ModelConfig, seed: int = 0) -> Decoder:
    """A decoder whose every parameter is drawn anew, biases and gains too, large enough for all parts to matter."""
    model, generator = build(config, seed), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)
    return model


def transcription(config: ModelConfig, w: dict[str, Tensor], ids: list[int]) -> Tensor:
    """Logits (T, V) of one sequence, from the formulas, in float64 and with no module of torch."""
    T, D, K = len(ids), config.d_model, config.head_dim
    H, J = config.n_head, config.kv_heads

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", torch.zeros(()))

    def norm(x: Tensor, name: str) -> Tensor:
        if config.norm == "rmsnorm":
            return x / ((x * x).mean(-1, keepdim=True) + 1e-5).sqrt() * w[f"{name}.weight"]
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / ((centred * centred).mean(-1, keepdim=True) + 1e-5).sqrt()
        return scaled * w[f"{name}.weight"] + w.get(f"{name}.bias", torch.zeros(()))

    def activation(x: Tensor) -> Tensor:
        if config.activation == "swiglu":
            gate, value = x[:, : config.ff_dim], x[:, config.ff_dim :]
            return gate / (1 + (-gate).exp()) * value
        if config.activation == "relu":
            return x * (x > 0)
        if config.activation == "gelu":
            return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))
        return x / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    def turned(x: Tensor) -> Tensor:
        z = torch.complex(x[:, : K // 2], x[:, K // 2 :])
        i = torch.arange(K // 2, dtype=torch.float64)
        angles = torch.arange(T, dtype=torch.float64)[:, None] * config.rope_base ** (-2 * i / K)
        z = z * torch.exp(1j * angles)
        return torch.cat((z.real, z.imag), dim=-1)

    def attention(x: Tensor, name: str) -> Tensor:
        heads = linear(x, f"{name}.qkv").split(K, dim=-1)
        outs = []
        for h in range(H):
            j = h // (H // J)
            q, k, v = heads[h], heads[H + j], heads[H + J + j]
            if config.position == "rope":
                q, k = turned(q), turned(k)
            scores = (q @ k.T / math.sqrt(K)).exp() * torch.ones(T, T).tril()
            outs.append(scores / scores.sum(-1, keepdim=True) @ v)
        return linear(torch.cat(outs, dim=-1), f"{name}.out")

    def feed_forward(x: Tensor, name: str) -> Tensor:
        return linear(activation(linear(x, f"{name}.up")), f"{name}.down")

    x = w["token_embedding.weight"][ids]
    if config.position == "learned":
        x = x + w["position_embedding.weight"][:T]
    if config.position == "sinusoidal":
        p, i = torch.arange(T, dtype=torch.float64)[:, None], torch.arange(D // 2, dtype=torch.float64)
        angles = p / 10_000 ** (2 * i / D)
        x = x * math.sqrt(D) + torch.stack((angles.sin(), angles.cos()), dim=-1).reshape(T, D)
    for n in range(config.n_layer):
        name = f"blocks.{n}"
        if config.norm_position == "pre":
            x = x + attention(norm(x, f"{name}.norm_1"), f"{name}.attention")
            x = x + feed_forward(norm(x, f"{name}.norm_2"), f"{name}.feed_forward")
        else:
            x = norm(x + attention(x, f"{name}.attention"), f"{name}.norm_1")
            x = norm(x + feed_forward(x, f"{name}.feed_forward"), f"{name}.norm_2")
    if config.norm_position == "pre":
        x = norm(x, "final_norm")
    return x @ w["token_embedding.weight" if config.tie_embeddings else "head.weight"].T


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


@pytest.mark.parametrize("position", POSITIONS)
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
