"""Attention against its formula in float64, written out with loops over heads and queries."""

import math

import pytest
import torch
from torch import Tensor

from tests.models.shapes import small
from workbench.models.attention import Attention, attend, attend_by_products, attend_fused, causal_bias

PATHS = [attend, attend_by_products, attend_fused]
HEADS = [pytest.param(4, 4, id="multi-head"), pytest.param(4, 2, id="grouped"), pytest.param(4, 1, id="multi-query")]


def reference(q_BHTK: Tensor, k_BJSK: Tensor, v_BJSK: Tensor) -> Tensor:
    """softmax(q·kᵀ/√K)·v over the keys up to the query's own position (Vaswani et al. 2017)."""
    q, k, v = q_BHTK.double(), k_BJSK.double(), v_BJSK.double()
    B, H, T, K = q.shape
    J, S = k.shape[1:3]
    out = torch.zeros(B, H, T, K, dtype=torch.float64)
    for b in range(B):
        for h in range(H):
            j = h // (H // J)  # neighbouring queries share a key head (Ainslie et al. 2023)
            for t in range(T):
                seen = S - T + t + 1
                scores = torch.stack([q[b, h, t] @ k[b, j, s] for s in range(seen)]) / math.sqrt(K)
                weights = scores.exp() / scores.exp().sum()
                out[b, h, t] = sum(w * v[b, j, s] for s, w in enumerate(weights))
    return out


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("H", "J"), HEADS)
@pytest.mark.parametrize(("T", "S"), [(7, 7), (3, 7), (1, 7), (1, 1)])
def test_every_path_equals_the_formula(path, H: int, J: int, T: int, S: int):
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(2, H, T, 6, generator=generator)
    k, v = torch.randn(2, 2, J, S, 6, generator=generator)
    torch.testing.assert_close(path(q, k, v).double(), reference(q, k, v), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("H", "J"), HEADS)
def test_both_paths_have_the_same_gradients(H: int, J: int):
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(2, H, 9, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    k, v = (torch.randn(2, J, 9, 4, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(2))
    weight = torch.randn(2, H, 9, 4, generator=generator, dtype=torch.float64)
    one = torch.autograd.grad((attend_by_products(q, k, v) * weight).sum(), (q, k, v))
    other = torch.autograd.grad((attend_fused(q, k, v) * weight).sum(), (q, k, v))
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("path", PATHS)
def test_half_precisions_stay_close_to_the_formula(path, dtype: torch.dtype):
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 2, 2, 16, 8, generator=generator).to(dtype)
    torch.testing.assert_close(path(q, k, v).double(), reference(q, k, v), rtol=2e-2, atol=2e-2)


def test_the_bias_hides_what_comes_later():
    bias = causal_bias(2, 4, torch.zeros(()))
    assert bias.tolist() == [[0, 0, 0, -math.inf], [0, 0, 0, 0]]


def test_heads_in_another_order_give_the_same_output():
    """Heads are summed by the output projection, so their order is no part of the function."""
    config = small(position="learned")
    module = Attention(config)
    x_BTD = torch.randn(2, 5, 16)
    before = module(x_BTD)[0]
    order = torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        module.qkv.weight.copy_(module.qkv.weight.view(3, 4, 4, 16)[:, order].reshape(48, 16))
        module.qkv.bias.copy_(module.qkv.bias.view(3, 4, 4)[:, order].reshape(48))
        module.out.weight.copy_(module.out.weight.view(16, 4, 4)[:, order].reshape(16, 16))
    torch.testing.assert_close(module(x_BTD)[0], before)
