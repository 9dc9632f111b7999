"""What the optimizers written here share: the walk over the parameters, decoupled decay, the count of steps."""

from typing import Any

import torch
from torch import Tensor

Group = dict[str, Any]
"""Options of some parameters: `lr`, `weight_decay`, and what the optimizer asks for."""

State = dict[str, Any]
"""What an optimizer keeps of one parameter: tensors, or dicts of tensors."""


class PlainOptimizer(torch.optim.Optimizer):
    """Decays every parameter, then lets `update` take its step, one parameter at a time."""

    def __init__(self, groups: list[Group]) -> None:
        super().__init__(groups, {"lr": 0.0, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """One step from the gradients that are there."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    self.update(parameter, parameter.grad, self.state[parameter], group)

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> None:
        """Change `parameter` and `state` in place."""
        raise NotImplementedError


def next_step(state: State) -> int:
    """Count a step of a parameter; the first is 1. The count is a tensor on the CPU: reading it waits for no device."""
    state["step"] = state.get("step", torch.zeros(())) + 1
    return int(state["step"])
