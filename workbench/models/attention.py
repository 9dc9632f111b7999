"""Causal attention. All of it goes through one `attend()`, which picks the fastest correct path for shape and device.

Shapes: B batch, T queries, S keys (S ≥ T: earlier ones come from a cache), H query heads, J key/value heads (H a
multiple of J: H/J neighbouring queries share one key), K width of a head, D width.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.models.config import ModelConfig
from workbench.models.positions import Rotation, rotate

LayerCache = tuple[Tensor, Tensor]
"""Keys and values of one layer, each (B, J, S, K)."""

HAS_AVX512 = "AVX512" in torch.backends.cpu.get_cpu_capability()


def attend(q_BHTK: Tensor, k_BJSK: Tensor, v_BJSK: Tensor) -> Tensor:
    """softmax(q·kᵀ/√K + causal mask)·v, (B, H, T, K). The T queries are the last T of the S positions.

    The rule follows measurements, in milliseconds of CPU time for forward + backward (forward alone), one thread:

        B, H, T, K        float32 on AVX2: products    fused            bfloat16 on AVX2: products    fused
        8, 2, 128, 16                   2.5 (1.0)      2.0 (0.6)                        22             6
        16, 4, 128, 32                 12.4 (4.7)     11.6 (3.5)                       112            40
        4, 6, 256, 64                  24.2 (8.8)     23.5 (6.7)                       253           123

    so on a CPU the fused kernel wins, by most in evaluation; a whole training step gains 4–17%. Where a CPU has AVX-512
    the half precisions go the other way: products were 2.2–2.4 times faster in bfloat16 at T = 256. Two strips of rows
    that skip the masked half of the keys gain 3–10% over fused at the two larger shapes and lose 4% at the smallest:
    not worth a third path. The fused kernel of the CPU has no batching rule for `vmap` and would loop, so function
    transforms take the products.
    """
    if prefers_products(q_BHTK):
        return attend_by_products(q_BHTK, k_BJSK, v_BJSK)
    return attend_fused(q_BHTK, k_BJSK, v_BJSK)


def prefers_products(q_BHTK: Tensor) -> bool:
    """Whether two batched products and a softmax beat the fused kernel here; see `attend`."""
    if q_BHTK.device.type != "cpu":
        return False
    # The compiler cannot trace the question, and traces no transform that is open outside of it.
    if not torch.compiler.is_compiling() and torch._C._functorch.is_functorch_wrapped_tensor(q_BHTK):
        return True
    return HAS_AVX512 and q_BHTK.dtype in (torch.bfloat16, torch.float16)


def attend_by_products(q_BHTK: Tensor, k_BJSK: Tensor, v_BJSK: Tensor) -> Tensor:
    """Two batched matrix products and a softmax; scale and mask ride along in the first product."""
    B, H, T, K = q_BHTK.shape
    J, S = k_BJSK.shape[1:3]
    # The H/J queries that share a key are rows of one product, so that grouped keys are never copied.
    G = H // J
    q = q_BHTK.reshape(B * J, G * T, K)
    k, v = k_BJSK.reshape(B * J, S, K), v_BJSK.reshape(B * J, S, K)
    scores = torch.baddbmm(causal_bias(T, S, q).repeat(G, 1), q, k.transpose(1, 2), alpha=1 / math.sqrt(K))
    return torch.bmm(scores.softmax(dim=-1).to(v.dtype), v).view(B, H, T, K)


def attend_fused(q_BHTK: Tensor, k_BJSK: Tensor, v_BJSK: Tensor) -> Tensor:
    """PyTorch's scaled dot-product attention, which picks among its own kernels."""
    T, S = q_BHTK.shape[2], k_BJSK.shape[2]
    grouped = q_BHTK.shape[1] != k_BJSK.shape[1]
    if T == S:
        return F.scaled_dot_product_attention(q_BHTK, k_BJSK, v_BJSK, is_causal=True, enable_gqa=grouped)
    # With a cache the mask is not a square's triangle, which is all `is_causal` knows; a lone query sees every key.
    mask_TS = None if T == 1 else torch.ones(T, S, dtype=torch.bool, device=q_BHTK.device).tril(S - T)
    return F.scaled_dot_product_attention(q_BHTK, k_BJSK, v_BJSK, attn_mask=mask_TS, enable_gqa=grouped)


def causal_bias(T: int, S: int, like: Tensor) -> Tensor:
    """0 where query t may see key s (s ≤ t + S − T), −∞ elsewhere; dtype and device as `like`.

    Made anew each time (14 µs at 128 × 128): a table kept between calls would be state, and leak out of transforms.
    """
    return torch.full((T, S), -math.inf, dtype=like.dtype, device=like.device).triu(S - T + 1)


class Attention(nn.Module):
    """Project to queries, keys and values in one product, attend, project back."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.n_head, self.n_kv_head, self.d_head = config.n_head, config.kv_heads, config.head_dim
        self.qkv = nn.Linear(config.d_model, (self.n_head + 2 * self.n_kv_head) * self.d_head, bias=config.bias)
        self.out = nn.Linear(self.n_head * self.d_head, config.d_model, bias=config.bias)

    def forward(
        self, x_BTD: Tensor, rotation: Rotation | None = None, past: LayerCache | None = None
    ) -> tuple[Tensor, LayerCache]:
        """The attended stream, and this layer's keys and values including the past ones."""
        B, T, _ = x_BTD.shape
        H, J = self.n_head, self.n_kv_head
        qkv_BNTK = self.qkv(x_BTD).view(B, T, H + 2 * J, self.d_head).transpose(1, 2)
        qk_BNTK, v_BJSK = qkv_BNTK.split((H + J, J), dim=1)
        if rotation is not None:
            qk_BNTK = rotate(qk_BNTK, rotation)
        q_BHTK, k_BJSK = qk_BNTK.split((H, J), dim=1)
        if past is not None:
            k_BJSK = torch.cat((past[0], k_BJSK), dim=2)
            v_BJSK = torch.cat((past[1], v_BJSK), dim=2)
        y_BHTK = attend(q_BHTK, k_BJSK, v_BJSK)
        out_BTD = self.out(y_BHTK.transpose(1, 2).reshape(B, T, H * self.d_head))
        return out_BTD, (k_BJSK, v_BJSK)
