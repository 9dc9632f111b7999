"""Perplexity against a direct computation on the whole held-out text."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from workbench.corpus.config import CorpusConfig
from workbench.corpus.prepare import prepare
from workbench.corpus.shards import Corpus
from workbench.evaluation.held_out import HeldOutLosses
from workbench.evaluation.perplexity import PerplexitySettings, count_words, perplexity
from workbench.models.config import ModelConfig
from workbench.models.decoder import Decoder, build

CONTEXT = 8


@pytest.fixture(scope="module")
def text_corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Words, double spaces and characters of several bytes, in documents that are separated."""
    folder: Path = tmp_path_factory.mktemp("text")
    rng = np.random.default_rng(0)
    words = ["the", "größe", "naïve", "of", "λ", "scaling", "law", "a  b", "x\n\ny", "."]
    for i in range(40):
        (folder / f"{i}.txt").write_text(" ".join(rng.choice(words, 30)), encoding="utf-8")
    config = CorpusConfig(
        source="files", settings={"path": str(folder)}, tokenizer="bytes", clean=False, validation_fraction=0.3
    )
    return prepare(config, folder / "corpora")


@pytest.fixture(scope="module")
def text_model(text_corpus: Corpus) -> Decoder:
    shape = ModelConfig(n_layer=1, n_head=2, d_model=16, vocab_size=257, context=CONTEXT, init_std=0.2)
    return build(shape, seed=0).eval()


def test_every_perplexity_equals_the_direct_computation(text_model: Decoder, text_corpus: Corpus):
    tokens = torch.from_numpy(np.array(text_corpus.validation, dtype=np.int64))
    n_windows = (len(tokens) - 1) // CONTEXT
    windows = torch.stack([tokens[w * CONTEXT : w * CONTEXT + CONTEXT + 1] for w in range(n_windows)])
    logits = text_model(windows[:, :-1])
    assert isinstance(logits, torch.Tensor)
    total = torch.nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten(), reduction="sum").item()
    n_tokens = n_windows * CONTEXT
    # Words by hand: documents split at white space; the first predicted token is the second of the text.
    seen = bytes(b"\n"[0] if i == 256 else i for i in tokens[: n_tokens + 1].tolist()).decode("utf-8", "replace")
    n_words = len(seen.split()) - 1
    n_bytes = n_tokens * text_corpus.bytes_per_token

    rows = {
        (row.metric, row.key): row for row in perplexity(text_model, text_corpus, PerplexitySettings(windows=10**6))
    }
    assert math.isclose(rows["loss", ""].value, total / n_tokens, rel_tol=1e-6)
    assert math.isclose(rows["perplexity", "token"].value, math.exp(total / n_tokens), rel_tol=1e-5)
    assert math.isclose(rows["perplexity", "word"].value, math.exp(total / n_words), rel_tol=1e-4)
    assert math.isclose(rows["perplexity", "byte"].value, math.exp(total / n_bytes), rel_tol=1e-5)
    assert math.isclose(rows["bits_per_byte", ""].value, total / n_bytes / math.log(2), rel_tol=1e-6)
    assert {row.n for row in rows.values()} == {n_windows}


def test_standard_errors_follow_the_loss_by_the_delta_method(text_model: Decoder, text_corpus: Corpus):
    rows = {(row.metric, row.key): row for row in perplexity(text_model, text_corpus, PerplexitySettings(windows=20))}
    loss = rows["loss", ""]
    assert loss.se > 0
    assert math.isclose(rows["perplexity", "token"].se, math.exp(loss.value) * loss.se)
    # A token is less than a byte: end of text has none.
    assert rows["bits_per_byte", ""].se > loss.se / math.log(2)


def test_a_word_that_crosses_a_window_is_counted_once(text_corpus: Corpus):
    text = list(b"one two\xc3\xa9 three four")
    pieces = [(text[:5], text[1:6]), (text[5:10], text[6:11]), (text[10:20], text[11:21])]
    counts = [
        count_words(HeldOutLosses(np.array([inputs]), np.array([targets]), np.zeros((1, 1))), text_corpus.tokenizer)[0]
        for inputs, targets in pieces
    ]
    assert counts == [1, 1, 1]


def test_end_of_text_ends_a_word(text_corpus: Corpus):
    ids = [*b"one", 256, *b"two"]
    losses = HeldOutLosses(np.array([ids[:-1]]), np.array([ids[1:]]), np.zeros((1, 1)))
    assert count_words(losses, text_corpus.tokenizer).tolist() == [1]
