"""One optimizer step on a batch.

Shapes: B windows of the batch, b of a micro-batch, S = T + 1 tokens of a window with its last target.
"""

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from workbench.training.adversarial import PASSES
from workbench.training.learner import Learner
from workbench.training.noise_scale import PartGradients, estimate
from workbench.training.optimizers import set_rate
from workbench.training.sam import uphill


@dataclass(frozen=True)
class Measured:
    """What a step tells about itself; the numbers are still on the device."""

    loss: Tensor
    """Mean NLL of the batch before the step, whatever else the objective has."""
    gradient_norm: Tensor
    """Of the gradient that was followed, before clipping."""
    gradient_square: Tensor
    gradient_trace: Tensor
    """Estimates of |G|² and tr(Σ), the noise scale's; 0 where a batch is one micro-batch."""


def update(learner: Learner, ids_BS: Tensor, step: int, rate: float) -> Measured:
    """Step number `step` (0-based), at a rate."""
    settings, optimizer, scaler = learner.config.train, learner.optimizer, learner.scaler
    set_rate(optimizer, rate)
    loss, square, trace = accumulate(learner, ids_BS, step)
    if settings.sam_radius:
        with uphill(learner.model.parameters(), settings.sam_radius):
            accumulate(learner, ids_BS, step)
    scaler.unscale_(optimizer)
    gradient_norm = nn.utils.clip_grad_norm_(learner.model.parameters(), settings.clip or math.inf)
    scaler.step(optimizer)
    scaler.update()
    return Measured(loss, gradient_norm, square, trace)


def accumulate(learner: Learner, ids_BS: Tensor, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """Make the parameters' gradients those of the batch, times fp16's loss scale; returns (loss, |G|², tr(Σ))."""
    settings, scaler, model = learner.config.train, learner.scaler, learner.model
    learner.optimizer.zero_grad(set_to_none=True)
    loss = torch.zeros((), device=ids_BS.device)
    parts = ids_BS.split(learner.micro_batch)
    gradients = PartGradients(model.parameters()) if len(parts) > 1 else None
    for index, ids_bS in enumerate(parts):
        share = len(ids_bS) / len(ids_BS)
        evaluate = partial(learner.losses, ids_bS, step, index)
        nll = PASSES[settings.adversarial](evaluate, partial(_scaled, scaler, share), learner.embedding, settings)
        loss += nll * share
        if gradients is not None:
            gradients.take(share)
    if gradients is None:
        return loss, torch.zeros_like(loss), torch.zeros_like(loss)
    tokens = [len(ids_bS) * (ids_bS.shape[1] - 1) for ids_bS in parts]
    square, trace = estimate(gradients.squares, tokens, gradients.give_back())
    # A step that fp16 will skip, or that diverges, has no estimate.
    unscale = scaler.scale(torch.ones_like(loss)) ** -2
    finite = torch.isfinite(square) & torch.isfinite(trace)
    return loss, torch.where(finite, square * unscale, 0.0), torch.where(finite, trace * unscale, 0.0)


def _scaled(scaler: torch.amp.GradScaler, share: float, value: Tensor) -> Tensor:
    return scaler.scale(value * share)
