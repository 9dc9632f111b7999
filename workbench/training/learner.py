"""A model in training, with all that one step of it needs: made from a config, on a device.

Shapes: b windows of a micro-batch, T context, S = T + 1, D width, V vocabulary.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

from workbench.models.build import Model, build_model
from workbench.models.config import DECODER
from workbench.models.decoder import Decoder
from workbench.training.chunked_loss import PAYS_FROM, chunked, rows_at_once
from workbench.training.config import RunConfig
from workbench.training.devices import autocast
from workbench.training.objective import Losses, objective
from workbench.training.optimizers import build_optimizer
from workbench.training.randomness import drawn_from
from workbench.training.recompute import recompute_blocks


@dataclass(frozen=True)
class Learner:
    """A model, its optimizer, its loss scale, and how they are used."""

    config: RunConfig
    model: Model
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    """fp16's dynamic loss scale; it does nothing in the other precisions."""
    micro_batch: int
    """Windows per forward pass."""
    chunk_rows: int | None
    """Rows of logits made at once; None for all of them."""
    forward: Callable[[Tensor], Any] = field(repr=False)
    """Ids to logits, or to the residual stream where the head is done in chunks; compiled or not."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    @property
    def embedding(self) -> nn.Module:
        """What adversaries move: the token embedding; of a registered model, which has none of them, itself."""
        return self.model.token_embedding if isinstance(self.model, Decoder) else self.model

    def losses(self, ids_bS: Tensor, step: int, index: int) -> Losses:
        """One forward pass over micro-batch `index` of a step. What is random in it follows from these and the seed."""
        settings, model = self.config.train, self.model
        inputs_bT, targets_N = ids_bS[:, :-1], ids_bS[:, 1:].flatten()

        def score(x_ND: Tensor, targets: Tensor) -> Losses:
            assert isinstance(model, Decoder)  # no other's loss is chunked
            return objective(model.unembed(x_ND).float(), targets, settings)

        with self._randomness(step, index), autocast(self.device, settings.precision):
            if self.chunk_rows is None:
                logits_bTV = self.forward(inputs_bT)
            else:
                x_ND = self.forward(inputs_bT)[0].flatten(0, 1)
                one = self.scaler.scale(torch.ones((), device=self.device))
                return chunked(score, x_ND, targets_N, list(model.parameters()), self.chunk_rows, one)
        return objective(logits_bTV.float().flatten(0, 1), targets_N, settings)

    def _randomness(self, step: int, index: int) -> AbstractContextManager[None]:
        # Whether a registered model draws, only it knows.
        if not self.config.model.dropout and self.config.model.architecture == DECODER:
            return nullcontext()
        return drawn_from(self.device, self.config.seed_data, step, index)


def make_learner(config: RunConfig, device: torch.device, batch_windows: int) -> Learner:
    """A freshly initialised learner for steps of so many windows."""
    execution = config.execution
    model = build_model(config.model, config.seed_init).to(device)
    if execution.activation_checkpointing and isinstance(model, Decoder):
        recompute_blocks(model)
    in_chunks = execution.chunked_loss and config.model.vocab_size >= PAYS_FROM
    forward: Callable[[Tensor], Any] = model.hidden if in_chunks and isinstance(model, Decoder) else model
    return Learner(
        config=config,
        model=model,
        optimizer=build_optimizer(model, config.train),
        scaler=torch.amp.GradScaler(device.type, enabled=config.train.precision == "fp16"),
        micro_batch=execution.windows_at_once(batch_windows),
        chunk_rows=rows_at_once(config.model.vocab_size, device) if in_chunks else None,
        forward=_compiled(forward, execution.compile) if execution.compile else forward,
    )


def _compiled(forward: Callable[[Tensor], Any], how: bool | str) -> Callable[[Tensor], Any]:
    return cast(nn.Module, torch.compile(forward, mode=how if isinstance(how, str) else None))
