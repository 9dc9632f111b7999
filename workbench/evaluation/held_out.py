"""What the probes of held-out text share: the loss of every held-out token, and estimates with their noise.

Shapes: W windows, T context, V vocabulary.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from workbench.corpus.batches import gather, validation_windows
from workbench.corpus.shards import Corpus
from workbench.models.build import Model

TOKENS_AT_ONCE = 8192
"""Tokens in one forward pass: enough to fill a core, few enough that the logits of a large vocabulary fit."""


@dataclass(frozen=True)
class HeldOutLosses:
    """Held-out windows and what the model paid for each of their tokens."""

    inputs_WT: NDArray[np.int64]
    targets_WT: NDArray[np.int64]
    nll_WT: NDArray[np.float64]
    """Nats per token."""


def held_out_losses(model: Model, corpus: Corpus, max_windows: int) -> HeldOutLosses:
    """The loss of every token of the fixed held-out windows, in float32: those of the training loop's evaluations."""
    T = model.config.context
    windows_W = validation_windows(len(corpus.validation), T, max_windows)
    ids_WS = gather(corpus.validation, windows_W, T)  # S = T + 1
    return HeldOutLosses(ids_WS[:, :-1], ids_WS[:, 1:], token_losses(model, ids_WS))


@torch.inference_mode()
def token_losses(model: Model, ids_WS: NDArray[np.int64]) -> NDArray[np.float64]:
    """What a model pays for each token after the first of given windows (W, T + 1): nats, (W, T), in float32."""
    T = ids_WS.shape[1] - 1
    device = next(model.parameters()).device
    parts = []
    for ids_bS in torch.from_numpy(ids_WS).split(max(1, TOKENS_AT_ONCE // T)):
        logits_bTV = model(ids_bS[:, :-1].to(device))
        assert isinstance(logits_bTV, torch.Tensor)  # no cache was given
        targets_bT = ids_bS[:, 1:].to(device)
        nll = F.cross_entropy(logits_bTV.float().flatten(0, 1), targets_bT.flatten(), reduction="none")
        parts.append(nll.view_as(targets_bT).double().cpu())
    return torch.cat(parts).numpy()


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error (NaN when one sample gives none)."""

    value: float
    se: float
    n: int
    """Independent samples behind it."""


def mean(samples: NDArray[np.float64]) -> Estimate:
    """The mean of independent samples, with s/√n."""
    n = len(samples)
    spread = float(samples.std(ddof=1)) if n > 1 else math.nan
    return Estimate(float(samples.mean()), spread / math.sqrt(n), n)


def ratio(numerators: NDArray[np.float64], denominators: NDArray[np.float64]) -> Estimate:
    """Σ numerators / Σ denominators over independent samples, its error by linearisation (Cochran 1977, eq. 6.13)."""
    n, total = len(numerators), float(denominators.sum())
    if total == 0:
        return Estimate(math.nan, math.nan, n)
    value = float(numerators.sum()) / total
    residuals = numerators - value * denominators
    spread = float(residuals.std(ddof=1)) if n > 1 else math.nan
    return Estimate(value, spread * math.sqrt(n) / total, n)
