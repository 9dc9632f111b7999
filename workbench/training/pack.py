"""Several models of one shape in one batched model: a step of all of them is one forward and one backward pass.

Small steps are mostly the cost of starting kernels. Side by side, K models start each kernel once; each has its own
weights, data, rate and optimizer state, and what one of them does no other one sees.

Shapes: K models, B windows of each one's batch, S = T + 1, N parameters of a slab.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from workbench.models.config import ModelConfig
from workbench.models.decoder import Decoder, build
from workbench.training.config import RunConfig
from workbench.training.devices import autocast
from workbench.training.objective import Losses, objective
from workbench.training.optimizers import build_optimizer
from workbench.training.optimizers.base import Group
from workbench.training.optimizers.groups import grouped, standard_options
from workbench.training.step import Measured


@dataclass(frozen=True)
class Slab:
    """Parameters that an optimizer treats alike, of all models: a row each, one after another."""

    weights_KN: Tensor
    names: tuple[str, ...]
    shapes: tuple[torch.Size, ...]
    options: Group

    def split(self, rows: Tensor) -> list[Tensor]:
        """One tensor (…, *shape) per parameter, of rows (…, N): views, which autograd follows."""
        parts = rows.split([shape.numel() for shape in self.shapes], dim=-1)
        return [part.unflatten(-1, shape) for part, shape in zip(parts, self.shapes, strict=True)]


@dataclass(frozen=True)
class Pack:
    """K models of one shape, and the one optimizer of all."""

    configs: tuple[RunConfig, ...]
    slabs: tuple[Slab, ...]
    models: nn.ModuleList
    """A decoder for each, on views of the slabs: to evaluate, and to save."""
    held: nn.Module
    """What the optimizer steps, and a checkpoint holds: the slabs' rows, or the models' parameters."""
    optimizer: torch.optim.Optimizer
    blueprint: Decoder = field(repr=False)
    """The decoder that is called with every model's parameters; it has none of its own."""


def make_pack(configs: Sequence[RunConfig], device: torch.device) -> Pack:
    """Freshly initialised, each model as it would be alone; the configs are of one `pack_key`."""
    first = configs[0]
    blueprint = _without_weights(first.model)
    grown = [build(config.model, config.seed_init).to(device) for config in configs]
    slabs = tuple(_slabs(first, grown))
    models = nn.ModuleList(_on_views(first.model, slabs, k) for k in range(len(configs)))
    if first.train.optimizer == "adamw":
        # Each of its numbers is stepped by itself, so that a whole row can be one tensor.
        held: nn.Module = nn.ParameterList(
            nn.Parameter(slab.weights_KN.detach()[k]) for k in range(len(configs)) for slab in slabs
        )
        rows = iter(held.parameters())
        groups = [{**slab.options, "params": [next(rows)], "model": k} for k in range(len(configs)) for slab in slabs]
        betas = (first.train.beta1, first.train.beta2)
        optimizer: torch.optim.Optimizer = torch.optim.AdamW(groups, lr=0.0, betas=betas, fused=True)
    else:
        held, optimizer = models, _joined([build_optimizer(model, first.train) for model in models])  # type: ignore[arg-type]
    return Pack(tuple(configs), slabs, models, held, optimizer, blueprint)


def update_pack(pack: Pack, ids_KBS: Tensor, rates: Sequence[float]) -> list[Measured]:
    """One step of every model, each at its own rate; what each would measure alone."""
    settings = pack.configs[0].train
    for group in pack.optimizer.param_groups:
        group["lr"] = rates[group["model"]] * group.get("scale", 1.0)
    for slab in pack.slabs:
        slab.weights_KN.grad = None
    with autocast(ids_KBS.device, settings.precision):
        values_K, nll_K = vmap(lambda parameters, ids_BS: _losses(pack, parameters, ids_BS))(_stacked(pack), ids_KBS)
    values_K.sum().backward()
    norms_K = _clip(pack.slabs, settings.clip)
    _hand_out(pack)
    pack.optimizer.step()
    zero = torch.zeros((), device=ids_KBS.device)
    return [Measured(nll, norm, zero, zero) for nll, norm in zip(nll_K.detach(), norms_K, strict=True)]


def _losses(pack: Pack, parameters: dict[str, Tensor], ids_BS: Tensor) -> Losses:
    """Of one model, under `vmap`."""
    logits_BTV = functional_call(pack.blueprint, parameters, (ids_BS[:, :-1],))
    return objective(logits_BTV.float().flatten(0, 1), ids_BS[:, 1:].flatten(), pack.configs[0].train)


def _stacked(pack: Pack) -> dict[str, Tensor]:
    """Name → all models' (K, …), from the slabs: the gradient comes back to each slab as one tensor."""
    return {
        name: part for slab in pack.slabs for name, part in zip(slab.names, slab.split(slab.weights_KN), strict=True)
    }


def _clip(slabs: Sequence[Slab], largest: float) -> Tensor:
    """Scale each model's gradient to a norm of `largest` at most (0 is any); returns the norms before (K,)."""
    gradients = [_gradient(slab) for slab in slabs]
    norms_K = torch.stack([torch.linalg.vector_norm(gradient_KN, dim=1) for gradient_KN in gradients]).norm(dim=0)
    factors_K = ((largest or math.inf) / (norms_K + 1e-6)).clamp(max=1.0)  # as clip_grad_norm_ has it
    for gradient_KN in gradients:
        gradient_KN.mul_(factors_K[:, None])
    return norms_K


def _gradient(slab: Slab) -> Tensor:
    assert slab.weights_KN.grad is not None
    return slab.weights_KN.grad


def _hand_out(pack: Pack) -> None:
    """Give what the optimizer steps its part of the slabs' gradients, without a copy."""
    if pack.held is not pack.models:
        rows = (_gradient(slab)[k] for k in range(len(pack.models)) for slab in pack.slabs)
        for parameter, row_N in zip(pack.held.parameters(), rows, strict=True):
            parameter.grad = row_N
        return
    for k, model in enumerate(pack.models):
        parameters = dict(model.named_parameters())
        for slab in pack.slabs:
            for name, part in zip(slab.names, slab.split(_gradient(slab)[k]), strict=True):
                parameters[name].grad = part


def _slabs(config: RunConfig, models: Sequence[Decoder]) -> list[Slab]:
    """The parameters of all models, in the optimizer's usual groups, moved side by side."""
    first, found = models[0], []
    names = {id(parameter): name for name, parameter in first.named_parameters()}
    for group in grouped(first, standard_options(config.model, config.train)):
        own = tuple(names[id(parameter)] for parameter in group["params"])
        rows = [torch.cat([model.get_parameter(name).detach().flatten() for name in own]) for model in models]
        shapes = tuple(parameter.shape for parameter in group["params"])
        options = {key: value for key, value in group.items() if key != "params"}
        found.append(Slab(torch.stack(rows).requires_grad_(), own, shapes, options))
    return found


def _on_views(config: ModelConfig, slabs: Sequence[Slab], k: int) -> Decoder:
    """Model `k`, its parameters views of the slabs."""
    model = _without_weights(config)
    parts = {
        name: part
        for slab in slabs
        for name, part in zip(slab.names, slab.split(slab.weights_KN.detach()[k]), strict=True)
    }
    model.load_state_dict(parts, assign=True)
    return model


def _without_weights(config: ModelConfig) -> Decoder:
    with torch.device("meta"):
        return Decoder(config)


def _joined(optimizers: Sequence[torch.optim.Optimizer]) -> torch.optim.Optimizer:
    """One optimizer that steps the parameters of all; each group says whose it is."""
    first = optimizers[0]
    for k, optimizer in enumerate(optimizers):
        for group in optimizer.param_groups:
            group["model"] = k
            if k:
                first.add_param_group(group)
    return first
