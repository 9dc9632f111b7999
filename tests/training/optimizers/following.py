"""A parameter led along fixed gradients, as a test of an optimizer needs it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

RATES = (0.01, 0.02, 0.03, 0.02, 0.01)
"""Rates change from step to step, as schedules have it."""


def start(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def gradients(*shape: int, steps: int = len(RATES), seed: int = 1) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator) for _ in range(steps)]


def follow(kind: Any, group: dict[str, Any], first: Tensor, along: Sequence[Tensor]) -> Tensor:
    """Where the optimizer takes a parameter."""
    parameter = torch.nn.Parameter(first.clone())
    optimizer = kind([{"params": [parameter], **group}])
    for gradient, rate in zip(along, RATES, strict=True):
        parameter.grad = gradient.clone()
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
    return parameter.detach()
