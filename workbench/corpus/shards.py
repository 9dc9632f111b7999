"""A prepared corpus: a folder of memory-mapped tokens, a tokenizer and a manifest that says how it was made.

manifest.json     config, what identifies the source, sizes after each step, statistics, versions
tokenizer.json    the tokenizer
train.bin         token ids, little-endian uint16 (uint32 from 65,537 ids on), documents one after another
validation.bin    the held-out ones
"""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.corpus.config import CorpusConfig, corpus_config
from workbench.corpus.tokenizer import ByteTokenizer, SymbolTokenizer, Tokenizer
from workbench.errors import BadInput

FORMAT_VERSION = 1
"""Raised when a folder written before could not be read as it is now."""


class Corpus:
    """An opened corpus. Opening reads the manifest only; tokens are mapped and the tokenizer built when asked for.

    `bytes_per_token` counts the end-of-text tokens and gives them no bytes: nats per token over all tokens, divided by
    it and by ln 2, are bits per byte of the text. `unigram_entropy` is in nats per token, as `prepare` defines it.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self.config: CorpusConfig = corpus_config(manifest["config"], str(folder / "manifest.json"))
        self.fingerprint: str = manifest["fingerprint"]
        self.tokenizer_fingerprint: str = manifest["tokenizer_fingerprint"]
        self.vocab_size: int = manifest["vocab_size"]
        self.bytes_per_token: float = manifest["bytes_per_token"]
        self.unigram_entropy: float = manifest["unigram_entropy"]
        self.n_train_tokens: int = manifest["tokens"]["train"]
        self.n_validation_tokens: int = manifest["tokens"]["validation"]

    @classmethod
    def open(cls, folder: Path | str) -> "Corpus":
        """Open a folder that `prepare` wrote."""
        folder = Path(folder)
        path = folder / "manifest.json"
        try:
            manifest = json.loads(path.read_text("utf-8"))
            if manifest["format_version"] > FORMAT_VERSION:
                raise BadInput(
                    f"{path}: written by a newer workbench (format {manifest['format_version']}, this one knows "
                    f"{FORMAT_VERSION}); upgrade it."
                )
            corpus = cls(folder, manifest)
        except FileNotFoundError:
            raise BadInput(f"{folder} is not a prepared corpus: it has no manifest.json.") from None
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{path} is not a corpus manifest ({error!r}); prepare the corpus again.") from None
        for side, n_tokens in manifest["tokens"].items():
            shard = folder / f"{side}.bin"
            expected = n_tokens * token_dtype(corpus.vocab_size).itemsize
            actual = shard.stat().st_size if shard.exists() else 0
            if actual != expected:
                raise BadInput(f"{shard} has {actual:,} bytes where {expected:,} are right; delete {folder}.")
        return corpus

    @cached_property
    def train(self) -> NDArray[np.integer]:
        """The training tokens, mapped."""
        return self._map("train")

    @cached_property
    def validation(self) -> NDArray[np.integer]:
        """The held-out tokens, mapped."""
        return self._map("validation")

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer the tokens were made with."""
        return load_tokenizer(self.folder / "tokenizer.json")

    def source_entropy(self, context: int) -> float | None:
        """Nats per token that a perfect model with this window reaches; None where it is not known.

        Known for a synthetic language alone in its corpus under a tokenizer of one token a symbol: then it is the mean
        over the window's positions of the entropy of the next symbol given those before it.
        """
        from workbench.corpus.sources import SOURCES

        config = self.config
        if config.mix or SOURCES[config.source].kind != "language" or config.tokenizer not in ("bytes", "symbols"):
            return None
        from workbench.corpus.languages import language

        known = language(config.source, config.settings)
        if config.tokenizer == "bytes" and not known.alphabet.isascii():
            return None
        return known.window_entropy(context)

    def __repr__(self) -> str:
        return f"Corpus({self.folder.name}: {self.n_train_tokens:,} + {self.n_validation_tokens:,} tokens)"

    def _map(self, side: str) -> NDArray[np.integer]:
        return np.memmap(self.folder / f"{side}.bin", dtype=token_dtype(self.vocab_size), mode="r")


def token_dtype(vocab_size: int) -> np.dtype[Any]:
    """The smallest unsigned type that holds every id, little-endian on every machine."""
    return np.dtype("<u2" if vocab_size <= 2**16 else "<u4")


def load_tokenizer(path: Path) -> Tokenizer:
    """Build the tokenizer that a `tokenizer.json` describes."""
    state = json.loads(path.read_text("utf-8"))
    match state["name"]:
        case "bytes":
            return ByteTokenizer()
        case "symbols":
            return SymbolTokenizer(state["alphabet"], state["separated"], state["vocab_size"])
        case "bpe" | "gpt2" as name:
            from workbench.corpus.bpe import BpeTokenizer

            return BpeTokenizer(state["vocab"], [(left, right) for left, right in state["merges"]], name)
        case name:
            raise BadInput(f"{path}: the tokenizer {name!r} is unknown to this workbench.")
