"""Sharpness-aware minimisation: descend along the gradient found a little way uphill (Foret et al. 2010.01412)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def uphill(parameters: Iterable[nn.Parameter], radius: float) -> Iterator[None]:
    """Inside, the parameters are θ + ρ·g/|g|, g the gradient they have now (equation 2); after it, θ to the bit.

    A gradient that is not finite makes a θ of NaN: the step's gradient shows it, and fp16 skips the step.
    """
    moving = [parameter for parameter in parameters if parameter.grad is not None]
    kept = [parameter.detach().clone() for parameter in moving]
    with torch.no_grad():
        gradients = [parameter.grad for parameter in moving if parameter.grad is not None]
        norm = nn.utils.get_total_norm(gradients).clamp(min=torch.finfo(torch.float32).tiny)
        for parameter, gradient in zip(moving, gradients, strict=True):
            parameter.add_(gradient / norm, alpha=radius)
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, before in zip(moving, kept, strict=True):
                parameter.copy_(before)
