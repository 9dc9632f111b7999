"""What the benchmarks of training train: shapes, a corpus on disk, batches from it, and the peak of matrix products.

Shapes: B windows of a step, T context, S = T + 1.
"""

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from workbench.corpus.batches import BatchOrder, gather
from workbench.corpus.config import CorpusConfig
from workbench.corpus.prepare import prepare
from workbench.corpus.shards import Corpus
from workbench.models.counts import count
from workbench.training.config import RunConfig

CONTEXT = 256
CORPUS = CorpusConfig(source="python", tokenizer="bytes", max_bytes=4_000_000)
"""Python's own library: there on every machine, in bytes."""


@dataclass(frozen=True)
class Task:
    """One shape and its batch."""

    n_layer: int
    d_model: int
    windows: int
    """Windows of a step."""
    corpus: Corpus
    context: int = CONTEXT

    def run(self, steps: int, execution: dict[str, Any] | None = None, **changes: Any) -> RunConfig:
        """GPT-2's shape, at a rate that trains it; `changes` are fields of the model or of training."""
        model_changes: dict[str, Any] = {name: changes.pop(name) for name in ("position", "n_head") if name in changes}
        model: dict[str, Any] = {
            "n_layer": self.n_layer,
            "d_model": self.d_model,
            "n_head": max(1, self.d_model // (32 if self.d_model <= 128 else 64)),
            "vocab_size": self.corpus.vocab_size,
            "context": self.context,
            "position": "learned",
            **model_changes,
        }
        train: dict[str, Any] = {
            "steps": steps,
            "batch_tokens": self.windows * self.context,
            "learning_rate": 3e-3,
            **changes,
        }
        how: dict[str, Any] = {"device": "cpu", **(execution or {})}
        parts: dict[str, Any] = {"corpus": self.corpus.config, "model": model, "train": train, "execution": how}
        return RunConfig.model_validate(parts)

    def batch(self, step: int) -> Tensor:
        """Ids (B, S) of a step, from the mapped file, as a run reads them."""
        order = _order(len(self.corpus.train), self.context)
        return torch.from_numpy(gather(self.corpus.train, order.windows(step, self.windows), self.context))

    @property
    def tokens(self) -> int:
        """Of a step."""
        return self.windows * self.context

    @property
    def flops_per_token(self) -> float:
        """Forward and backward, by the exact count of matrix products."""
        return count(self.run(1).model).flops_per_token_training


@cache
def _order(n_tokens: int, context: int) -> BatchOrder:
    """One for all: it remembers its permutation."""
    return BatchOrder(n_tokens, context, 0)


def parse_size(text: str) -> tuple[int, int]:
    """`2x64` is two layers of width 64."""
    layers, _, width = text.partition("x")
    return int(layers), int(width)


def windows_of(d_model: int) -> int:
    """Windows of a step: 4,096 tokens for the small, 2,048 for the large."""
    return 16 if d_model <= 128 else 8


def benchmark_corpus(folder: Path) -> Corpus:
    """Prepared under `folder`, or found there."""
    return prepare(CORPUS, root=folder)


def matmul_peak(device: torch.device, dtype: torch.dtype, size: int = 1024, seconds: float = 1.0) -> float:
    """FLOP/s of a square product at its best, over so many seconds."""
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(left)
    best, end = 0.0, time.perf_counter() + seconds
    while best == 0.0 or time.perf_counter() < end:
        repeats = 20 if device.type == "cuda" else 1
        synchronize(device)
        start = time.perf_counter()
        for _ in range(repeats):
            torch.matmul(left, right, out=out)
        synchronize(device)
        best = max(best, repeats * 2 * size**3 / (time.perf_counter() - start))
    return best


def synchronize(device: torch.device) -> None:
    """Wait for the device's work, where it is not done in the call."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
