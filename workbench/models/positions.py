"""How order enters: sinusoids added to the embeddings, rotation of queries and keys, or ALiBi's slopes.

Everything is computed from the positions it is given, in float32 and without buffers. K is the width of a head.
(A learned table is an embedding of the decoder.)
"""

import math

import torch
from torch import Tensor

from workbench.models.config import ModelConfig, RopePairing
from workbench.models.rope_scaling import frequencies

Rotation = tuple[Tensor, Tensor]
"""Cosines and signed sines, each (..., T, K), to `rotate` by."""


def wavelengths(width: int, base: float, device: torch.device) -> Tensor:
    """Angular frequencies base^(−2i/width), i = 0 … width/2 − 1."""
    i = torch.arange(0, width, 2, device=device, dtype=torch.float32)
    return base ** (-i / width)


def sinusoids(positions_T: Tensor, d_model: int) -> Tensor:
    """PE(p, 2i) = sin(p / 10000^(2i/D)), PE(p, 2i+1) = cos of the same (Vaswani et al. 2017, section 3.5)."""
    angles = positions_T.to(torch.float32)[..., None] * wavelengths(d_model, 10_000.0, positions_T.device)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)


def rotation(positions_T: Tensor, config: ModelConfig) -> Rotation:
    """RoPE's tables (Su et al. 2021): the angle of pair i at position p is p · θ_i.

    Paired by halves (GPT-NeoX, Llama), coordinate i turns with i + K/2; interleaved (GPT-J), 2i turns with 2i + 1.
    """
    theta, factor = frequencies(config, positions_T.device)
    angles = positions_T.to(torch.float32)[..., None] * theta
    cos, sin = angles.cos() * factor, angles.sin() * factor
    if config.rope_pairing == "half":
        return torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)
    return torch.stack((cos, cos), dim=-1).flatten(-2), torch.stack((-sin, sin), dim=-1).flatten(-2)


def rotate(x_BHTK: Tensor, by: Rotation, pairing: RopePairing = "half") -> Tensor:
    """Turn each pair (x₁, x₂) by its angle: (x₁·cos − x₂·sin, x₂·cos + x₁·sin)."""
    cos, sin = (table.to(x_BHTK.dtype) for table in by)
    half = x_BHTK.shape[-1] // 2
    if pairing == "interleaved":
        swapped = x_BHTK.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)
    elif torch.compiler.is_compiling():  # whose roll costs a fifth of a small model's step
        swapped = torch.cat((x_BHTK[..., half:], x_BHTK[..., :half]), dim=-1)
    else:  # the fastest of five forms on a CPU, forward and backward together
        swapped = x_BHTK.roll(half, dims=-1)
    return torch.addcmul(x_BHTK * cos, swapped, sin)


def alibi_slopes(n_head: int) -> list[float]:
    """ALiBi's slope of each head (Press et al. 2108.12409, section 3): 2^(−8i/H) for a power of two H; else those of
    the next lower power, and every second of the next higher one, as in their released code."""
    lower = 2 ** math.floor(math.log2(n_head))
    slopes = [2 ** (-8 * (i + 1) / lower) for i in range(lower)]
    return slopes + [2 ** (-4 * (2 * i + 1) / lower) for i in range(n_head - lower)]
