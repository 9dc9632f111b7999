"""Muon: momentum, made orthogonal, for the matrices of the blocks; AdamW for all else (Jordan et al. 2024).

B ← μ·B + G, then θ ← θ − η · 0.2·√max(rows, columns) · O, with O the nearest orthogonal matrix to μ·B + G (Nesterov).
The factor makes an update as large as AdamW's are (root mean square 0.2), so that AdamW's rate and decay carry over
(Liu et al. 2502.16982, section 2.2).

A matrix that holds several maps side by side (queries, keys and values; the gate and value of SwiGLU and GEGLU) is
split, and each map made orthogonal by itself: as one matrix they would share their singular directions, and the update
would depend on whether a model was written with them fused.

Newton–Schulz runs in float32, not in the bfloat16 of Jordan's code: an optimizer's arithmetic does not change with the
precision of the run. It adds 5·d_model/B of a step's FLOPs at most, for a batch of B tokens; see docs/LOG.md for times.
"""

from typing import Any

import torch
from torch import Tensor

from workbench.models.build import Model
from workbench.models.config import ModelConfig
from workbench.models.parameterisation import hidden
from workbench.training.config import TrainConfig
from workbench.training.optimizers.adamw import adamw_update
from workbench.training.optimizers.base import Group, PlainOptimizer, State, next_step
from workbench.training.optimizers.groups import grouped, standard_options

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic a·x + b·x³ + c·x⁵, steep at 0: it takes singular values to about 0.7–1.2, not to 1, in few steps."""

ITERATIONS = 5


def muon(model: Model, settings: TrainConfig) -> "Muon":
    """For a model and its settings."""
    standard = standard_options(model.config, settings)

    def options(name: str, parameter: Tensor) -> dict[str, Any]:
        return {**standard(name, parameter), "rows": map_rows(model.config, name, parameter)}

    shared = {"betas": (settings.beta1, settings.beta2), "momentum": settings.resolved_momentum}
    return Muon([{**group, **shared} for group in grouped(model, options)])


def map_rows(config: ModelConfig, name: str, parameter: Tensor) -> tuple[int, ...]:
    """Rows of each map in a matrix of a block, in order; none for a parameter that is not one."""
    if not hidden(name) or parameter.ndim < 2:
        return ()
    if name.endswith("attention.qkv.weight"):
        keys = config.kv_heads * config.head_dim
        return (config.n_head * config.head_dim, keys, keys)
    if name.endswith("feed_forward.up.weight") and len(parameter) == 2 * config.ff_dim:
        return (config.ff_dim, config.ff_dim)
    return (parameter.shape[-2],)


class Muon(PlainOptimizer):
    """Groups with `rows` take orthogonal steps, the others AdamW's."""

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: Group) -> None:
        """Muon's step, or AdamW's."""
        if not group["rows"]:
            if not state:
                state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
            adamw_update(parameter, gradient, state["exp_avg"], state["exp_avg_sq"], next_step(state), group)
            return
        if not state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        momentum = state["momentum_buffer"].mul_(group["momentum"]).add_(gradient)
        ahead = gradient.add(momentum, alpha=group["momentum"])
        for map_, direction in zip(parameter.split(group["rows"], -2), ahead.split(group["rows"], -2), strict=True):
            size = 0.2 * max(map_.shape[-2:]) ** 0.5
            map_.add_(orthogonal(direction), alpha=-group["lr"] * size)


def orthogonal(g_MN: Tensor) -> Tensor:
    """About U·Vᵀ of g = U·S·Vᵀ, by Newton–Schulz iterations in the precision of `g`: nothing but matrix products."""
    a, b, c = COEFFICIENTS
    tall = g_MN.shape[-2] > g_MN.shape[-1]
    x = g_MN.mT if tall else g_MN
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)  # no singular value is above 1: the quintic needs that
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x
