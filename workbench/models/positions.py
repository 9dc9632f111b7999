"""How order enters: sinusoids added to the embeddings, or rotation of queries and keys.

Everything is computed from the positions it is given, in float32 and without buffers. K is the width of a head.
(The third way, a learned table, is an embedding of the decoder.)
"""

import torch
from torch import Tensor

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


def rotation(positions_T: Tensor, d_head: int, base: float) -> Rotation:
    """RoPE's tables (Su et al. 2021): the angle of pair i at position p is p · base^(−2i/K).

    The half-rotated convention of GPT-NeoX and Llama: coordinate i is paired with i + K/2, not with its neighbour.
    """
    angles = positions_T.to(torch.float32)[..., None] * wavelengths(d_head, base, positions_T.device)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)


def rotate(x_BHTK: Tensor, by: Rotation) -> Tensor:
    """Turn each pair (x_i, x_{i+K/2}) by its angle: (x₁·cos − x₂·sin, x₂·cos + x₁·sin)."""
    cos, sin = (table.to(x_BHTK.dtype) for table in by)
    # Rolled by half its width, x is (x₂, x₁). The fastest of five forms on a CPU, forward and backward together.
    return torch.addcmul(x_BHTK * cos, x_BHTK.roll(x_BHTK.shape[-1] // 2, dims=-1), sin)
