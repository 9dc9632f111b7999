"""Lion: the sign of a momentum, one moment kept (Chen et al. 2302.06675, algorithm 2)."""

import torch
from torch import Tensor

from workbench.models.build import Model
from workbench.training.config import TrainConfig
from workbench.training.optimizers.base import Group, PlainOptimizer, State
from workbench.training.optimizers.groups import grouped, standard_options


def lion(model: Model, settings: TrainConfig) -> "Lion":
    """For a model and its settings. Every coordinate moves by η, so the rate is a fraction of AdamW's and the decay,
    which is multiplied by it, wants to be as much larger (section 5 of the paper)."""
    groups = grouped(model, standard_options(model.config, settings))
    return Lion([{**group, "betas": (settings.beta1, settings.beta2)} for group in groups])


class Lion(PlainOptimizer):
    """c = β₁·m + (1 − β₁)·g; θ ← θ − η·sign(c); m ← β₂·m + (1 − β₂)·g."""

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> None:
        """Lion's step."""
        beta1, beta2 = group["betas"]
        if not state:
            state["exp_avg"] = torch.zeros_like(parameter)
        m = state["exp_avg"]
        parameter.add_(m.lerp(gradient, 1 - beta1).sign_(), alpha=-group["lr"])
        m.lerp_(gradient, 1 - beta2)
