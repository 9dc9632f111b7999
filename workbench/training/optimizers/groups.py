"""Parameters that are treated alike: by their decay, their rate's scale, their ε, and what else an optimizer asks."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from workbench.models.config import ModelConfig
from workbench.models.parameterisation import scales
from workbench.training.config import TrainConfig
from workbench.training.optimizers.base import Group

Options = Callable[[str, Tensor], dict[str, Any]]
"""A parameter's name and itself → its options, all of them hashable."""


def grouped(model: nn.Module, options: Options) -> list[Group]:
    """The parameters of equal options together, matrices before vectors."""
    groups: dict[tuple[tuple[str, Any], ...], Group] = {}
    for name, parameter in sorted(model.named_parameters(), key=lambda item: item[1].ndim < 2):
        chosen = options(name, parameter)
        groups.setdefault(tuple(chosen.items()), {**chosen, "params": []})["params"].append(parameter)
    return list(groups.values())


def standard_options(config: ModelConfig, settings: TrainConfig) -> Options:
    """Matrices decay, vectors (biases, norm gains) do not; the parameterisation scales rate, decay and ε."""

    def options(name: str, parameter: Tensor) -> dict[str, Any]:
        scaled = scales(config, name)
        return {
            "weight_decay": settings.weight_decay * scaled.decay if parameter.ndim >= 2 else 0.0,
            "scale": scaled.rate,
            "eps": settings.epsilon * scaled.epsilon,
        }

    return options
