"""Stochastic gradient descent with momentum (Polyak 1964; Sutskever et al. 2013), not Nesterov's; decay decoupled."""

from torch import Tensor

from workbench.models.build import Model
from workbench.training.config import TrainConfig
from workbench.training.optimizers.base import Group, PlainOptimizer, State
from workbench.training.optimizers.groups import grouped, standard_options


def sgd(model: Model, settings: TrainConfig) -> "Sgd":
    """For a model and its settings."""
    groups = grouped(model, standard_options(model.config, settings))
    return Sgd([{**group, "momentum": settings.resolved_momentum} for group in groups])


class Sgd(PlainOptimizer):
    """b ← μ·b + g; θ ← θ − η·b: torch's convention, in which a momentum of 0.9 makes steps ten times as long."""

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> None:
        """One step."""
        if group["momentum"] == 0:
            parameter.add_(gradient, alpha=-group["lr"])
            return
        if not state:
            state["momentum_buffer"] = gradient.clone()
        else:
            state["momentum_buffer"].mul_(group["momentum"]).add_(gradient)
        parameter.add_(state["momentum_buffer"], alpha=-group["lr"])
