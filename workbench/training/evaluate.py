"""The held-out loss: float32, on the same fixed windows for every run of a corpus, with its noise beside it.

Shapes: W windows, T context, V vocabulary.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.corpus.batches import gather, validation_windows
from workbench.corpus.shards import Corpus
from workbench.training.config import RunConfig
from workbench.training.devices import exact_products
from workbench.training.horizon import Horizon


@dataclass(frozen=True)
class HeldOut:
    """A held-out loss in nats per token, and its standard error over windows."""

    loss: float
    loss_se: float
    bpb: float
    """Bits per byte of the held-out text."""


class Evaluator:
    """Evaluates models on one fixed set of windows."""

    def __init__(self, corpus: Corpus, context: int, max_windows: int, device: torch.device) -> None:
        windows = validation_windows(len(corpus.validation), context, max_windows)
        ids_WS = torch.from_numpy(gather(corpus.validation, windows, context)).to(device)  # S = T + 1
        self.inputs_WT, self.targets_WT = ids_WS[:, :-1].contiguous(), ids_WS[:, 1:].contiguous()
        self.bytes_per_token = corpus.bytes_per_token

    def __call__(self, model: nn.Module) -> HeldOut:
        """Mean loss over the windows, with no dropout; the model is left in the mode it was in."""
        training = model.training
        model.eval()
        with exact_products():
            losses_W = window_losses(model, self.inputs_WT, self.targets_WT).cpu().double().numpy()
        model.train(training)
        loss = float(losses_W.mean())
        spread = float(losses_W.std(ddof=1)) if len(losses_W) > 1 else math.nan
        return HeldOut(loss, spread / math.sqrt(len(losses_W)), loss / (math.log(2) * self.bytes_per_token))


@torch.no_grad()
def window_losses(model: nn.Module, inputs_WT: Tensor, targets_WT: Tensor, tokens_at_once: int = 8192) -> Tensor:
    """Each window's mean loss in nats per token, computed in float32, some windows at a time."""
    windows_at_once = max(1, tokens_at_once // inputs_WT.shape[1])
    parts: list[Tensor] = []
    for inputs_bT, targets_bT in zip(inputs_WT.split(windows_at_once), targets_WT.split(windows_at_once), strict=True):
        logits_bTV = model(inputs_bT).float()
        nll_bT = F.cross_entropy(logits_bTV.flatten(0, 1), targets_bT.flatten(), reduction="none").view_as(targets_bT)
        parts.append(nll_bT.mean(dim=1))
    return torch.cat(parts)


MOST_EVALUATIONS, SHARE = 8, 0.02
"""Of a run that does not say how many: at most so many, and no more than take this share of its time."""


def evaluations(config: RunConfig, horizon: Horizon) -> int:
    """Held-out evaluations of a run, the one at its end among them."""
    if config.execution.eval_points is not None:
        return config.execution.eval_points
    # An evaluation is a forward pass, a third of training, over its windows.
    affordable = SHARE * 3 * horizon.tokens / (config.train.eval_windows * horizon.context)
    return min(MOST_EVALUATIONS, max(1, int(affordable)))


def evaluation_steps(steps: int, points: int) -> frozenset[int]:
    """Steps after which to evaluate: `points` of them, evenly spaced in log step, the last one included."""
    spaced = np.geomspace(max(1, steps // 64), steps, points).round()
    return frozenset([*(int(step) for step in spaced[: points - 1]), steps])
