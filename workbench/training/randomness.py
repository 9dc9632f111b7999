"""What is random in a step (dropout) is a function of the seed, the step and the micro-batch, and of nothing else.

So a resumed run draws what it would have drawn, with no random state to keep.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def drawn_from(device: torch.device, *numbers: int) -> Iterator[None]:
    """Inside, torch's global generators are seeded from `numbers`; outside, they are as they were."""
    cuda = [device.index if device.index is not None else torch.cuda.current_device()] if device.type == "cuda" else []
    # As in corpus/batches.py: NumPy promises the raw numbers of a bit generator for ever.
    seed = int(np.random.PCG64(list(numbers)).random_raw()) >> 1
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(seed)
        yield
