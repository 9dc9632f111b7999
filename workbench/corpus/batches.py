"""Which tokens a step sees: a pure function of seed and step, the same on one process or many.

The training tokens are cut into windows of `context` inputs that do not overlap; each epoch visits every window once
in an order of its own. A process of rank r among R takes `windows(step, batch)[r::R]`.

Shapes: B windows, T = context.
"""

from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput


class BatchOrder:
    """The order of the windows of `n_tokens` tokens under a seed."""

    def __init__(self, n_tokens: int, context: int, seed: int) -> None:
        self.context = context
        self.seed = seed
        self.n_windows = count_windows(n_tokens, context)
        if self.n_windows < 1:
            raise BadInput(_too_short("training", n_tokens, context))
        self._permutation = lru_cache(maxsize=2)(partial(_permutation, self.n_windows, seed))

    def windows(self, step: int, batch: int) -> NDArray[np.int64]:
        """The `batch` windows of a step (B,), steps counted from 0. No window comes twice within an epoch."""
        first = step * batch
        place_B = np.arange(first, first + batch, dtype=np.int64)
        epoch_B, place_B = np.divmod(place_B, self.n_windows)
        windows_B = np.empty(batch, dtype=np.int64)
        for epoch in np.unique(epoch_B):
            here_B = epoch_B == epoch
            windows_B[here_B] = self._permutation(int(epoch))[place_B[here_B]]
        return windows_B


def _permutation(n_windows: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of an epoch: the windows sorted by random numbers of PCG64 seeded with (seed, epoch).

    NumPy promises the raw numbers of a bit generator for ever, and not what `Generator.permutation` makes of them.
    """
    order = np.argsort(np.random.PCG64([seed, epoch]).random_raw(n_windows), kind="stable").astype(np.int64)
    order.flags.writeable = False
    return order


def gather(tokens: NDArray[np.integer], windows: NDArray[np.int64], context: int) -> NDArray[np.int64]:
    """Inputs and targets (B, T+1): window w is tokens[w·T : w·T + T + 1]; targets are the inputs one further."""
    places_BT = windows[:, None] * context + np.arange(context + 1, dtype=np.int64)[None, :]
    return tokens[places_BT].astype(np.int64)


def validation_windows(n_tokens: int, context: int, max_windows: int | None) -> NDArray[np.int64]:
    """The held-out windows of every evaluation: all of them, or `max_windows` spaced evenly."""
    n_windows = count_windows(n_tokens, context)
    if n_windows < 1:
        raise BadInput(_too_short("validation", n_tokens, context))
    if max_windows is None or max_windows >= n_windows:
        return np.arange(n_windows, dtype=np.int64)
    if max_windows < 1:
        raise BadInput(f"An evaluation needs at least one held-out window, not {max_windows}.")
    return np.arange(max_windows, dtype=np.int64) * n_windows // max_windows


def count_windows(n_tokens: int, context: int) -> int:
    """How many windows fit: each has T inputs and one token after them."""
    return max(n_tokens - 1, 0) // context


def _too_short(side: str, n_tokens: int, context: int) -> str:
    return (
        f"The corpus's {side} split has {n_tokens:,} tokens, shorter than one window of {context} inputs and one "
        f"target: use a longer corpus, a context of at most {max(n_tokens - 1, 0)}, or another validation_fraction."
    )
