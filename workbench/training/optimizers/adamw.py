"""AdamW (Loshchilov & Hutter 1711.05101), as torch's fused kernel and as a plain formula for those who build on it."""

import math

import torch
from torch import Tensor

from workbench.models.build import Model
from workbench.training.config import TrainConfig
from workbench.training.optimizers.base import Group
from workbench.training.optimizers.groups import grouped, standard_options


def adamw(model: Model, settings: TrainConfig) -> torch.optim.AdamW:
    """Torch's, fused."""
    groups = grouped(model, standard_options(model.config, settings))
    return torch.optim.AdamW(groups, lr=0.0, betas=(settings.beta1, settings.beta2), eps=settings.epsilon, fused=True)


def adamw_update(parameter: Tensor, gradient: Tensor, m: Tensor, v: Tensor, step: int, group: Group) -> None:
    """θ ← θ − η·m̂/(√v̂ + ε), m̂ and v̂ the moments over 1 − βᵗ; parameter and moments change in place. No decay here."""
    beta1, beta2 = group["betas"]
    m.lerp_(gradient, 1 - beta1)
    v.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    root = v.sqrt().div_(math.sqrt(1 - beta2**step)).add_(group["eps"])
    parameter.addcdiv_(m, root, value=-group["lr"] / (1 - beta1**step))
