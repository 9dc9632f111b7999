"""Attention against its formula in float64, written out with loops over heads and queries."""

import math

import pytest
import torch
from torch import Tensor

from tests.models.shapes import small
from workbench.errors import BadInput
from workbench.models.attend import PATHS, attend, banded, by_products, chosen, forced, fused
from workbench.models.attention import Attention
from workbench.models.attention_pattern import Pattern

HEADS = [pytest.param(4, 4, id="multi-head"), pytest.param(4, 2, id="grouped"), pytest.param(4, 1, id="multi-query")]
CAUSAL = Pattern(scale=0.4)
PATTERNS = {
    "causal": CAUSAL,
    "window": Pattern(0.4, window=2),
    "alibi": Pattern(0.4, slopes_H=(0.5, 0.25, 0.1, 0.05)),
    "alibi in a window": Pattern(0.4, window=3, slopes_H=(0.5, 0.25, 0.1, 0.05)),
    "soft cap": Pattern(0.4, softcap=0.7),
    "soft cap in a window": Pattern(0.4, window=2, softcap=0.7),
}


def can(path: str, pattern: Pattern, T: int, S: int) -> bool:
    """Whether a path is made for this: a fused kernel has no cap, strips need a window and a square."""
    if path == "banded":
        return pattern.window is not None and T == S and not pattern.softcap
    return path != "fused" or not pattern.softcap


def reference(q_BHTK: Tensor, k_BJSK: Tensor, v_BJSK: Tensor, pattern: Pattern) -> Tensor:
    """softmax(q·kᵀ·scale)·v over the keys a query sees, its own position the last (Vaswani et al. 2017)."""
    q, k, v = q_BHTK.double(), k_BJSK.double(), v_BJSK.double()
    B, H, T, K = q.shape
    J, S = k.shape[1:3]
    out = torch.zeros(B, H, T, K, dtype=torch.float64)
    for b in range(B):
        for h in range(H):
            j = h // (H // J)  # neighbouring queries share a key head (Ainslie et al. 2023)
            for t in range(T):
                last = S - T + t
                seen = range(max(0, last + 1 - pattern.window) if pattern.window else 0, last + 1)
                scores = torch.stack([q[b, h, t] @ k[b, j, s] * pattern.scale for s in seen])
                if pattern.softcap:
                    scores = pattern.softcap * torch.tanh(scores / pattern.softcap)
                if pattern.slopes_H:
                    scores = scores - pattern.slopes_H[h] * torch.tensor([last - s for s in seen])
                weights = scores.exp() / scores.exp().sum()
                out[b, h, t] = sum(w * v[b, j, s] for s, w in zip(seen, weights, strict=True))
    return out


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize(("H", "J"), HEADS)
@pytest.mark.parametrize(("T", "S"), [(7, 7), (3, 7), (1, 7), (1, 1)])
def test_every_path_equals_the_formula(path: str, name: str, H: int, J: int, T: int, S: int):
    pattern = PATTERNS[name]
    if not can(path, pattern, T, S):
        pytest.skip("not what the path is made for")
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(2, H, T, 6, generator=generator)
    k, v = torch.randn(2, 2, J, S, 6, generator=generator)
    torch.testing.assert_close(
        PATHS[path](q, k, v, pattern, 0.0).double(), reference(q, k, v, pattern), rtol=1e-5, atol=1e-6
    )
    torch.testing.assert_close(attend(q, k, v, pattern).double(), reference(q, k, v, pattern), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("path", [fused, banded])
@pytest.mark.parametrize("name", ["window", "alibi in a window"])
@pytest.mark.parametrize(("H", "J"), HEADS)
def test_paths_have_the_same_gradients(path, name: str, H: int, J: int):
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(2, H, 9, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    k, v = (torch.randn(2, J, 9, 4, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(2))
    weight = torch.randn(2, H, 9, 4, generator=generator, dtype=torch.float64)
    one = torch.autograd.grad((by_products(q, k, v, PATTERNS[name]) * weight).sum(), (q, k, v))
    other = torch.autograd.grad((path(q, k, v, PATTERNS[name]) * weight).sum(), (q, k, v))
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("path", [by_products, fused])
def test_half_precisions_stay_close_to_the_formula(path, dtype: torch.dtype):
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 2, 2, 16, 8, generator=generator).to(dtype)
    torch.testing.assert_close(path(q, k, v, CAUSAL).double(), reference(q, k, v, CAUSAL), rtol=2e-2, atol=2e-2)


def test_dropped_weights_leave_the_mean_as_it_was():
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 1, 4, 4, generator=generator)
    many_q, many_k, many_v = (x.expand(4000, -1, -1, -1) for x in (q, k, v))
    torch.manual_seed(0)
    for path in (by_products, fused):
        mean = path(many_q, many_k, many_v, CAUSAL, 0.2).mean(0, keepdim=True)
        torch.testing.assert_close(mean.double(), reference(q, k, v, CAUSAL), rtol=0, atol=0.06)


def test_the_bias_hides_what_comes_later_and_what_lies_before_the_window():
    bias = Pattern(1.0, window=2).bias(2, 4, torch.zeros(()))
    assert bias.tolist() == [[[-math.inf, 0, 0, -math.inf], [-math.inf, -math.inf, 0, 0]]]


@pytest.mark.parametrize(("T", "window", "path"), [(256, 64, "banded"), (256, 128, "fused"), (128, 16, "fused")])
def test_strips_are_taken_where_a_long_text_has_a_short_window(T: int, window: int, path: str):
    q, k = torch.zeros(2, 1, 1, T, 4)
    assert chosen(q, k, Pattern(0.5, window=window)) == path


def test_a_path_can_be_forced_and_one_that_cannot_do_it_says_so():
    q, k, v = torch.randn(3, 1, 2, 5, 4, generator=torch.Generator().manual_seed(0))
    with forced("banded"), pytest.raises(BadInput, match="'banded' needs a window"):
        attend(q, k, v, CAUSAL)
    with forced("fused"), pytest.raises(BadInput, match="no soft cap; use 'products' or 'flex'"):
        attend(q, k, v, PATTERNS["soft cap"])
    with pytest.raises(BadInput, match="attention path is 'fast'; it must be one of products, fused, banded, flex"):
        forced("fast").__enter__()


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
