"""Perplexity of the held-out text per token, word and byte, and its bits per byte: one loss, four denominators.

Perplexity is the exponential of a mean loss, so its standard error is the perplexity times that of the loss (the delta
method); the noise is over windows, which are as good as independent, while the tokens of a window are not.

Shapes: W windows, T context.
"""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from workbench.corpus.shards import Corpus
from workbench.corpus.tokenizer import Tokenizer
from workbench.evaluation.held_out import Estimate, HeldOutLosses, held_out_losses, mean, ratio
from workbench.evaluation.rows import ProbeSettings, Row
from workbench.models.build import Model

END_OF_TEXT = b"\n"
"""An end-of-text token stands for no bytes, but it does end a word."""


class PerplexitySettings(ProbeSettings):
    """Settings of `perplexity`."""

    windows: int = Field(default=256, gt=0)
    """Held-out windows at most, spaced evenly; 256 is also what training evaluates on."""


def perplexity(model: Model, corpus: Corpus, settings: PerplexitySettings) -> list[Row]:
    """Rows: `loss` (nats per token), `bits_per_byte`, and `perplexity` with the keys token, word and byte.

    Bytes per token are those of the whole held-out split, so that `bits_per_byte` agrees with the column `bpb` of the
    runs; words are those that begin in the windows, counted on the decoded text.
    """
    held_out = held_out_losses(model, corpus, settings.windows)
    per_token = mean(held_out.nll_WT.mean(axis=1))
    words_W = count_words(held_out, corpus.tokenizer).astype(np.float64)
    per_word = ratio(held_out.nll_WT.sum(axis=1), words_W)
    per_byte = scaled(per_token, 1 / corpus.bytes_per_token)
    return [
        Row.of("loss", per_token),
        Row.of("bits_per_byte", scaled(per_byte, 1 / math.log(2))),
        Row.of("perplexity", exponential(per_token), "token"),
        Row.of("perplexity", exponential(per_word), "word"),
        Row.of("perplexity", exponential(per_byte), "byte"),
    ]


def count_words(held_out: HeldOutLosses, tokenizer: Tokenizer) -> NDArray[np.int64]:
    """Words, by white space, that begin among the targets of each window (W,).

    The token before the first target says whether a word only goes on in the window, so that adjoining windows count
    every word once.
    """
    counts = []
    for inputs_T, targets_T in zip(held_out.inputs_WT, held_out.targets_WT, strict=True):
        before = decoded(inputs_T[:1], tokenizer)
        whole = before + decoded(targets_T, tokenizer)
        text = whole.decode("utf-8", errors="replace")
        counts.append(len(text.split()) - len(before.decode("utf-8", errors="replace").split()))
    return np.array(counts, dtype=np.int64)


def decoded(ids: NDArray[np.int64], tokenizer: Tokenizer) -> bytes:
    """The bytes of the ids, an end-of-text token as white space."""
    return b"".join(END_OF_TEXT if i == tokenizer.end_of_text else tokenizer.pieces[i] for i in ids)


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """The estimate in another unit."""
    return Estimate(estimate.value * factor, estimate.se * factor, estimate.n)


def exponential(estimate: Estimate) -> Estimate:
    """exp of a mean loss, by the delta method; infinite where the loss is too large for a float."""
    value = math.exp(estimate.value) if estimate.value < 700 else math.inf
    return Estimate(value, value * estimate.se, estimate.n)
