"""AdamW with both moments in 8 bits (Dettmers et al. 2110.02861): 2.03 bytes of state per parameter in place of 8."""

from typing import Any

import torch
from torch import Tensor

from workbench.models.build import Model
from workbench.training.config import TrainConfig
from workbench.training.optimizers.adamw import adamw_update
from workbench.training.optimizers.base import Group, PlainOptimizer, State, next_step
from workbench.training.optimizers.blockwise import dequantise, quantise
from workbench.training.optimizers.groups import grouped, standard_options

SMALLEST = 4096
"""Numbers a parameter must have to be quantised, as in bitsandbytes: the rest weigh little and matter much."""


def adamw_8bit(model: Model, settings: TrainConfig) -> "AdamW8bit":
    """For a model and its settings."""
    groups = grouped(model, standard_options(model.config, settings))
    return AdamW8bit([{**group, "betas": (settings.beta1, settings.beta2)} for group in groups])


class AdamW8bit(PlainOptimizer):
    """Moments are opened to float32 for the step of their parameter and closed again after it."""

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> None:
        """AdamW's step."""
        step = next_step(state)
        m, v = (_opened(state.get(key), parameter, key) for key in SIGNED)
        adamw_update(parameter, gradient, m, v, step, group)
        for key, moment in (("exp_avg", m), ("exp_avg_sq", v)):
            state[key] = moment if parameter.numel() < SMALLEST else quantise(moment, SIGNED[key])


SIGNED = {"exp_avg": True, "exp_avg_sq": False}
"""A moment's name in the state, as torch has it → whether it has a sign."""


def _opened(kept: Any, parameter: Tensor, key: str) -> Tensor:
    if kept is None:
        return torch.zeros_like(parameter)
    return kept if isinstance(kept, Tensor) else dequantise(kept, parameter.shape, SIGNED[key])
