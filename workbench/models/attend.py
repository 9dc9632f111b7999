"""Causal attention on given queries, keys and values. `attend()` picks the fastest correct path for shape and device.

Shapes: B batch, T queries, S keys (S ≥ T: earlier ones come from a cache), H query heads, J key/value heads (H a
multiple of J: H/J neighbouring queries share one key), K width of a head, W window.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.errors import BadInput
from workbench.models.attention_pattern import Pattern

HAS_AVX512 = "AVX512" in torch.backends.cpu.get_cpu_capability()

BAND_FROM, BAND_LEAST = 4, 256
"""A window is worth a path of its own where the queries are this many times as many, and at least so many; `attend`."""

Path = Callable[[Tensor, Tensor, Tensor, Pattern, float], Tensor]
"""q (B, H, T, K), k and v (B, J, S, K), the pattern, the share of weights to drop → (B, H, T, K)."""

_forced: str | None = None


def attend(q_BHTK: Tensor, k_BJSK: Tensor, v_BJSK: Tensor, pattern: Pattern, dropout: float = 0.0) -> Tensor:
    """softmax(q·kᵀ·scale + causal mask)·v, (B, H, T, K), as `pattern` alters it. The T queries are the last of S.

    The rule follows measurements, in milliseconds of CPU time for forward + backward (forward alone), one thread:

        B, H, T, K        float32 on AVX2: products    fused            bfloat16 on AVX2: products    fused
        8, 2, 128, 16                   2.5 (1.0)      2.0 (0.6)                        22             6
        16, 4, 128, 32                 12.4 (4.7)     11.6 (3.5)                       112            40
        4, 6, 256, 64                  24.2 (8.8)     23.5 (6.7)                       253           123

    so on a CPU the fused kernel wins, by most in evaluation; a whole training step gains 4–17%. Where a CPU has AVX-512
    the half precisions go the other way: products were 2.2–2.4 times faster in bfloat16 at T = 256. Two strips of rows
    that skip the masked half of the keys gain 3–10% over fused at the two larger shapes and lose 4% at the smallest:
    not worth a third path. A window is another matter: milliseconds of forward + backward, float32 on AVX2, one thread,

        B, H, T, K        T = 4W: products   fused    strips      T = 8W: products   fused    strips
        8, 2, 128, 16                  4.9     1.9       2.4                   4.9     1.9       2.0
        16, 4, 128, 32                13.0    12.5      13.5                  16.7    11.9      14.1
        4, 6, 256, 64                 32.4    25.1      22.3                  26.2    25.2      18.9
        2, 6, 1024, 64                 357     251       147                   397     242        83

    and at T = 2W the fused kernel wins at all four. The fused kernel of the CPU has no batching rule for `vmap` and
    would loop: models side by side are more rows of the batch, and other function transforms take the products; so does
    a soft cap, which no fused kernel of PyTorch has.
    """
    if not torch.compiler.is_compiling() and torch._C._functorch.is_batchedtensor(q_BHTK):
        return cast(Tensor, _Folded.apply(q_BHTK, k_BJSK, v_BJSK, pattern, dropout))
    return PATHS[_forced or chosen(q_BHTK, k_BJSK, pattern)](q_BHTK, k_BJSK, v_BJSK, pattern, dropout)


def chosen(q_BHTK: Tensor, k_BJSK: Tensor, pattern: Pattern) -> str:
    """The path that `attend` takes where none is forced."""
    if pattern.softcap or prefers_products(q_BHTK):
        return "products"
    T, S = q_BHTK.shape[2], k_BJSK.shape[2]
    if pattern.window is not None and T == S >= max(BAND_LEAST, BAND_FROM * pattern.window):
        return "banded"
    return "fused"


@contextmanager
def forced(path: str | None) -> Iterator[None]:
    """Every `attend` inside takes this path, whatever is measured to be fastest; None lifts it."""
    global _forced
    if path is not None and path not in PATHS:
        raise BadInput(f"attention path is '{path}'; it must be one of {', '.join(PATHS)}.")
    before, _forced = _forced, path
    try:
        yield
    finally:
        _forced = before


def prefers_products(q_BHTK: Tensor) -> bool:
    """Whether two batched products and a softmax beat the fused kernel here; see `attend`."""
    if q_BHTK.device.type != "cpu":
        return False
    # The compiler cannot trace the question, and traces no transform that is open outside of it.
    if not torch.compiler.is_compiling() and torch._C._functorch.is_functorch_wrapped_tensor(q_BHTK):
        return True
    return HAS_AVX512 and q_BHTK.dtype in (torch.bfloat16, torch.float16)


def by_products(q_BHTK: Tensor, k_BJSK: Tensor, v_BJSK: Tensor, pattern: Pattern, dropout: float = 0.0) -> Tensor:
    """Two batched matrix products and a softmax; without a cap, scale and mask ride along in the first product."""
    B, H, T, K = q_BHTK.shape
    J, S = k_BJSK.shape[1:3]
    # The H/J queries that share a key are rows of one product, so that grouped keys are never copied.
    G = H // J
    q = q_BHTK.reshape(B * J, G * T, K)
    k, v = k_BJSK.reshape(B * J, S, K), v_BJSK.reshape(B * J, S, K)
    bias = pattern.bias(T, S, q)
    if pattern.slopes_H is None:
        bias = bias[0].repeat(G, 1)
    else:
        bias = bias.view(1, J, G * T, S).expand(B, -1, -1, -1).reshape(B * J, G * T, S)
    if pattern.softcap:
        scores = torch.bmm(q, k.transpose(1, 2)) * (pattern.scale / pattern.softcap)
        scores = scores.tanh() * pattern.softcap + bias
    else:
        scores = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=pattern.scale)
    weights = F.dropout(scores.softmax(dim=-1), dropout, training=dropout > 0)
    return torch.bmm(weights.to(v.dtype), v).view(B, H, T, K)


def fused(q_BHTK: Tensor, k_BJSK: Tensor, v_BJSK: Tensor, pattern: Pattern, dropout: float = 0.0) -> Tensor:
    """PyTorch's scaled dot-product attention, which picks among its own kernels."""
    _refuse_softcap(pattern, "fused")
    T, S = q_BHTK.shape[2], k_BJSK.shape[2]
    run = partial(
        F.scaled_dot_product_attention,
        dropout_p=dropout,
        scale=pattern.scale,
        enable_gqa=q_BHTK.shape[1] != k_BJSK.shape[1],
    )
    if pattern.plain and T == S:
        return run(q_BHTK, k_BJSK, v_BJSK, is_causal=True)
    if pattern.slopes_H is not None:
        return run(q_BHTK, k_BJSK, v_BJSK, attn_mask=pattern.bias(T, S, q_BHTK))
    # With a cache the mask is not a square's triangle, which is all `is_causal` knows; a lone query sees every key.
    alone = T == 1 and (pattern.window is None or pattern.window >= S)
    return run(q_BHTK, k_BJSK, v_BJSK, attn_mask=None if alone else pattern.mask(T, S, q_BHTK.device))


def banded(q_BHTK: Tensor, k_BJSK: Tensor, v_BJSK: Tensor, pattern: Pattern, dropout: float = 0.0) -> Tensor:
    """A window by strips: W queries at a time against their own W keys and the W before, T·2W scores, not T²."""
    _refuse_softcap(pattern, "banded")
    B, H, T, K = q_BHTK.shape
    W, S = pattern.window, k_BJSK.shape[2]
    if W is None or T != S:
        raise BadInput("attention path 'banded' needs a window and as many keys as queries; use 'fused' or 'products'.")
    strips = -(-T // W)

    def cut(x_BNTK: Tensor, before: int) -> Tensor:
        """(B, N, T, K) → (B·strips, N, W, K), so many zeros put before."""
        N, missing = x_BNTK.shape[1], max(strips * W - T - before, 0)
        x_BNTK = F.pad(x_BNTK, (0, 0, before, missing))[:, :, : strips * W]
        return x_BNTK.view(B, N, strips, W, K).transpose(1, 2).reshape(B * strips, N, W, K)

    def with_former(x_BNTK: Tensor) -> Tensor:
        """Each strip behind the one before it, the first behind zeros."""
        return torch.cat((cut(x_BNTK, W), cut(x_BNTK, 0)), dim=2)

    # Query i of a strip is at position W + i of its 2W keys; of the first strip's the first W do not exist.
    inner = Pattern(pattern.scale, W, pattern.slopes_H)
    bias = inner.bias(W, 2 * W, q_BHTK).expand(strips, -1, -1, -1)
    first = torch.arange(strips, device=q_BHTK.device) == 0
    missing = first[:, None, None, None] & (torch.arange(2 * W, device=q_BHTK.device) < W)
    bias = bias.masked_fill(missing, -torch.inf).repeat(B, 1, 1, 1)
    y = F.scaled_dot_product_attention(
        cut(q_BHTK, 0), with_former(k_BJSK), with_former(v_BJSK),
        attn_mask=bias, dropout_p=dropout, scale=pattern.scale, enable_gqa=k_BJSK.shape[1] != H,
    )  # fmt: skip
    return y.view(B, strips, H, W, K).transpose(1, 2).reshape(B, H, strips * W, K)[:, :, :T]


def flex(q_BHTK: Tensor, k_BJSK: Tensor, v_BJSK: Tensor, pattern: Pattern, dropout: float = 0.0) -> Tensor:
    """FlexAttention (Dong et al. 2412.05496): any pattern in one kernel, where it is compiled; blocks of keys that no
    query sees are skipped."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    if dropout:
        raise BadInput("attention path 'flex' has no dropout of attention weights; use 'products' or 'fused'.")
    T, S = q_BHTK.shape[2], k_BJSK.shape[2]
    window = pattern.window or S
    slopes_H = None if pattern.slopes_H is None else torch.tensor(pattern.slopes_H, device=q_BHTK.device)

    def seen(b: Tensor, h: Tensor, t: Tensor, s: Tensor) -> Tensor:
        del b, h
        ahead = s - (t + S - T)
        return (ahead <= 0) & (ahead > -window)

    def altered(score: Tensor, b: Tensor, h: Tensor, t: Tensor, s: Tensor) -> Tensor:
        del b
        if pattern.softcap:
            score = torch.tanh(score / pattern.softcap) * pattern.softcap
        return score if slopes_H is None else score + slopes_H[h] * (s - (t + S - T))

    mask = create_block_mask(seen, None, None, T, S, device=str(q_BHTK.device))
    grouped = q_BHTK.shape[1] != k_BJSK.shape[1]
    y = flex_attention(q_BHTK, k_BJSK, v_BJSK, altered, mask, scale=pattern.scale, enable_gqa=grouped)
    assert isinstance(y, Tensor)
    return y


class _Folded(torch.autograd.Function):
    """`attend` under `vmap`, the mapped dimension folded into the batch. Autograd sees the operations inside."""

    @staticmethod
    def forward(q: Tensor, k: Tensor, v: Tensor, pattern: Pattern, dropout: float) -> Tensor:
        return attend(q, k, v, pattern, dropout)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is kept."""

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], q: Tensor, k: Tensor, v: Tensor, pattern: Pattern, dropout: float
    ) -> tuple[Tensor, int]:
        def fold(x: Tensor, dim: int | None) -> Tensor:
            x = x.expand(info.batch_size, *x.shape) if dim is None else x.movedim(dim, 0)
            return x.flatten(0, 1)

        of_q, of_k, of_v, *_ = in_dims
        y = attend(fold(q, of_q), fold(k, of_k), fold(v, of_v), pattern, dropout)
        return y.unflatten(0, (info.batch_size, -1)), 0


PATHS: dict[str, Path] = {"products": by_products, "fused": fused, "banded": banded, "flex": flex}
"""Name → path; all give the same numbers."""


def _refuse_softcap(pattern: Pattern, path: str) -> None:
    if pattern.softcap:
        raise BadInput(f"attention path '{path}' has no soft cap; use 'products' or 'flex'.")
