"""A learner and a batch, for tests of one step."""

from typing import Any

import torch
from torch import Tensor

from tests.training.tiny import tiny_run
from workbench.corpus.batches import BatchOrder, gather
from workbench.corpus.shards import Corpus
from workbench.training.learner import Learner, make_learner


def learner_of(corpus: Corpus, windows: int = 4, **fields: Any) -> Learner:
    """Of a tiny run, on the CPU."""
    return make_learner(tiny_run(corpus, **fields), torch.device("cpu"), windows)


def batch(corpus: Corpus, windows: int = 4, step: int = 0) -> Tensor:
    """Ids (B, S) of a step."""
    return torch.from_numpy(gather(corpus.train, BatchOrder(len(corpus.train), 16, 0).windows(step, windows), 16))


def gradients(learner: Learner) -> list[Tensor]:
    """Of every parameter."""
    return [parameter.grad.clone() for parameter in learner.model.parameters() if parameter.grad is not None]
