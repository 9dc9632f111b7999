"""Optimizers: one file each, and the table that names them.

Decay is decoupled in all of them (θ ← θ − η·λ·θ beside the step) and touches matrices alone. Each group of parameters
has a `scale`: its rate is the schedule's times that. State is tensors, in one level of dicts or two, so that a
checkpoint can keep any of it.
"""

from collections.abc import Callable

import torch

from workbench.models.build import Model
from workbench.training.config import Optimizer, TrainConfig
from workbench.training.optimizers.adamw import adamw
from workbench.training.optimizers.adamw_8bit import adamw_8bit
from workbench.training.optimizers.lion import lion
from workbench.training.optimizers.muon import muon
from workbench.training.optimizers.sgd import sgd

OPTIMIZERS: dict[Optimizer, Callable[[Model, TrainConfig], torch.optim.Optimizer]] = {
    "adamw": adamw,
    "adamw-8bit": adamw_8bit,
    "lion": lion,
    "muon": muon,
    "sgd": sgd,
}
"""Name → what makes it for a model and its settings."""


def build_optimizer(model: Model, settings: TrainConfig) -> torch.optim.Optimizer:
    """The optimizer that the settings name; its rate is set before each step."""
    return OPTIMIZERS[settings.optimizer](model, settings)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give each group its rate for the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)


def state_bytes(optimizer: torch.optim.Optimizer) -> int:
    """What its state takes, in bytes."""
    return sum(_bytes(value) for state in optimizer.state.values() for value in state.values())


def _bytes(value: object) -> int:
    if isinstance(value, dict):
        return sum(_bytes(part) for part in value.values())
    return value.nbytes if isinstance(value, torch.Tensor) else 0
