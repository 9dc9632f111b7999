"""Block-wise dynamic quantisation: numbers in 8 bits, relative to the largest of their block.

Dettmers et al. 2110.02861. A code is a dynamic exponent and a fraction in 8 bits: the smaller the number, the more bits
say how small it is and the fewer what it is, from 1 down to about 1e-6 of the block's largest. Shapes: N numbers in
⌈N/256⌉ blocks.
"""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 256
"""Numbers that share one largest: an outlier spoils the precision of these alone."""

EXPONENTS = 7
"""Powers of ten that a code reaches down."""

Quantised = dict[str, Tensor]
"""`codes`: N bytes; `absmax`: the largest size in each block, float32."""


def quantise(x: Tensor, signed: bool) -> Quantised:
    """The nearest codes of `x`. Unsigned, what is above 0 stays above 0."""
    n = x.numel()
    blocks = F.pad(x.flatten(), (0, -n % BLOCK)).view(-1, BLOCK)
    absmax = blocks.abs().amax(dim=1)
    relative = blocks / absmax.clamp(min=torch.finfo(x.dtype).tiny)[:, None]
    return {"codes": _nearest(relative.flatten()[:n], signed), "absmax": absmax}


def dequantise(quantised: Quantised, shape: torch.Size, signed: bool) -> Tensor:
    """The numbers (float32) that the codes stand for."""
    codes, absmax = quantised["codes"], quantised["absmax"]
    relative = _table(signed, codes.device).index_select(0, codes.int())
    blocks = F.pad(relative, (0, -len(codes) % BLOCK)).view(-1, BLOCK) * absmax[:, None]
    return blocks.flatten()[: len(codes)].view(shape)


def dynamic_codes(signed: bool) -> Tensor:
    """The 256 numbers of a code, ascending (256,): bitsandbytes' `create_dynamic_map`.

    At the i-th power of ten from below, [0.1, 1] is cut into 2^i equal parts (2^(i+1) without a sign), and the codes
    are their middles; 0 and 1 are codes of their own.
    """
    numbers = [0.0, 1.0]
    for i in range(EXPONENTS):
        edges = torch.linspace(0.1, 1, 2 ** (i if signed else i + 1) + 1, dtype=torch.float64)
        middles = ((edges[:-1] + edges[1:]) / 2 * 10.0 ** (i + 1 - EXPONENTS)).tolist()
        numbers += middles + [-middle for middle in middles if signed]
    return torch.tensor(sorted(numbers), dtype=torch.float32)


@lru_cache(maxsize=8)
def _table(signed: bool, device: torch.device) -> Tensor:
    return dynamic_codes(signed).to(device)


def _nearest(relative_N: Tensor, signed: bool) -> Tensor:
    """The codes nearest to numbers in [−1, 1], as bytes.

    The upper half of a float32 (sign, exponent, 7 bits of the fraction) leaves two neighbouring codes at most, and one
    comparison decides: eight times as fast on a CPU as a search among the boundaries.
    """
    lower, boundaries = _lookup(signed, relative_N.device)
    halves = (relative_N.contiguous().view(torch.int32) >> 16) + 2**15
    codes = lower.index_select(0, halves)
    return (codes + (relative_N > boundaries.index_select(0, codes))).to(torch.uint8)


@lru_cache(maxsize=8)
def _lookup(signed: bool, device: torch.device) -> tuple[Tensor, Tensor]:
    """Upper half → the lower code (65536,); code → where it ends, half-way to the next (256,).

    Unsigned, only 0 itself is rounded to 0: a second moment of 0 beside a first that is not would make a step of any
    size (the zero-point problem of Li et al. 2309.01507).
    """
    codes = dynamic_codes(signed)
    boundaries = (codes[:-1] + codes[1:]) / 2
    if not signed:
        boundaries[0] = 0.0
    halves = torch.arange(-(2**15), 2**15, dtype=torch.int32) << 16
    smallest = torch.where(halves < 0, halves | 0xFFFF, halves).view(torch.float32)
    lower = torch.bucketize(smallest, boundaries, out_int32=True)
    return lower.to(device), torch.cat((boundaries, torch.tensor([torch.inf]))).to(device)
