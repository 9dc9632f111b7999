"""From a config to a prepared corpus on disk: assemble, split, tokenize, write; once, and all or nothing.

The text is held in memory while it is prepared (with `max_bytes`, about twice that). What stands under the final
name is complete: it was written under a name that begins with a dot, and renamed.
"""

import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from workbench import __version__
from workbench.corpus.assemble import assemble, identity
from workbench.corpus.config import CorpusConfig
from workbench.corpus.documents import Placed, smallest
from workbench.corpus.shards import FORMAT_VERSION, Corpus, token_dtype
from workbench.corpus.split import split
from workbench.corpus.tokenizer import ByteTokenizer, SymbolTokenizer, Tokenizer
from workbench.errors import BadInput
from workbench.files import remove_stale, write_folder

PREPARE_VERSION = 2
"""Raised when the same config would give other tokens than before: part of the cache key."""
BPE_SAMPLE_BYTES = 4_000_000
"""Training text that BPE learns from, by document hash. Merges of a few thousand change little beyond; not studied."""
BATCH_BYTES = 4_000_000
"""Text encoded at a time."""

Progress = Callable[[str], None]


def _silent(message: str) -> None:
    """Progress that nobody asked for."""


def prepare(config: CorpusConfig, root: Path | None = None, progress: Progress | None = None) -> Corpus:
    """The corpus of a config: opened where it was prepared before, else prepared under `root`."""
    root = _own_cache() if root is None else root
    known = identity(config)
    folder = root / f"{config.source}-{cache_key(config, known)}"
    if (folder / "manifest.json").exists():
        return Corpus.open(folder)
    remove_stale(root)
    write_folder(folder, lambda temporary: _write(config, known, temporary, progress or _silent))
    if not (folder / "manifest.json").exists():
        raise BadInput(f"{folder} is in the way: it is not a prepared corpus; move it or delete it.")
    return Corpus.open(folder)


def cache_root() -> Path:
    """Where prepared corpora are kept unless a folder is given."""
    from platformdirs import user_cache_path

    return user_cache_path("workbench") / "corpora"


def _own_cache() -> Path:
    """The same, made where it is not there; one that cannot be written is refused before anything is read."""
    root = cache_root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        writable, why = os.access(root, os.W_OK), "it may only be read"
    except OSError as error:
        writable, why = False, str(error.strerror)
    if not writable:
        raise BadInput(
            f"{root}: prepared corpora cannot be kept there ({why}); set XDG_CACHE_HOME to a folder you may write to"
        )
    return root


def cache_key(config: CorpusConfig, known: Sequence[Any]) -> str:
    """A hash of the config and of what identifies its sources."""
    content = {"config": config.model_dump(mode="json"), "identity": known, "version": PREPARE_VERSION}
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _write(config: CorpusConfig, known: Sequence[Any], folder: Path, progress: Progress) -> None:
    """Everything a prepared corpus has, into `folder`."""
    progress(f"corpus: reading {config.source}")
    documents, steps = assemble(config)
    if config.max_bytes is not None and len(documents) < 2:
        raise BadInput(
            f"corpus.max_bytes = {config.max_bytes}: leaves {len(documents)} document{'s' * (len(documents) != 1)}, "
            "and a train/validation split needs at least 2; give more"
        )
    train, validation = split(documents, config.validation_fraction)
    progress(f"corpus: {len(documents):,} documents, {_megabytes(documents)}; making the tokenizer {config.tokenizer}")
    tokenizer = make_tokenizer(config, train, documents)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer.to_dict(), ensure_ascii=False), "utf-8")

    hasher = hashlib.sha256(tokenizer.fingerprint.encode())
    counts: dict[str, NDArray[np.int64]] = {}
    for side, part in (("train", train), ("validation", validation)):
        progress(f"corpus: encoding the {side} split, {_megabytes(part)}")
        with (folder / f"{side}.bin").open("wb") as file:
            counts[side] = _encode(part, tokenizer, file, hasher)
        hasher.update(b"|")
    validation_bytes = int((counts["validation"] * tokenizer.piece_lengths).sum())
    manifest = {
        "format_version": FORMAT_VERSION,
        "prepare_version": PREPARE_VERSION,
        "config": config.model_dump(mode="json"),
        "identity": list(known),
        "fingerprint": hasher.hexdigest()[:16],
        "tokenizer_fingerprint": tokenizer.fingerprint,
        "vocab_size": tokenizer.vocab_size,
        "steps": steps.counts,
        "documents": {"train": len(train), "validation": len(validation)},
        "bytes": {"train": _n_bytes(train), "validation": _n_bytes(validation)},
        "tokens": {side: int(count.sum()) for side, count in counts.items()},
        "bytes_per_token": validation_bytes / int(counts["validation"].sum()),
        "unigram_entropy": unigram_entropy(counts["train"], counts["validation"]),
        "versions": {
            "workbench": __version__,
            "python": platform.python_version(),
            **{package: version(package) for package in ("numpy", "tokenizers")},
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2), "utf-8")


def make_tokenizer(config: CorpusConfig, train: Sequence[Placed], documents: Sequence[Placed]) -> Tokenizer:
    """The tokenizer of the config; BPE sees training documents only, an alphabet is that of all."""
    if config.tokenizer == "bytes":
        return ByteTokenizer()
    if config.tokenizer == "symbols":
        alphabet = set().union(*(set(document.text) for document in documents))
        separated = any(document.separated for document in documents)
        return SymbolTokenizer("".join(alphabet), separated, config.vocab_size)
    from workbench.corpus.bpe import gpt2, train_bpe

    if config.tokenizer == "gpt2":
        return gpt2()
    return train_bpe((document.text for document in smallest(train, BPE_SAMPLE_BYTES)), config.vocab_size)


def unigram_entropy(train: NDArray[np.int64], validation: NDArray[np.int64]) -> float:
    """Nats per token of the held-out tokens under the training unigram with add-one smoothing.

    H = −Σ_v q(v) log p(v), p(v) = (n(v) + 1) / (Σ n + V), q the held-out frequencies: what a model without context
    reaches.
    """
    p_V = (train + 1) / (train.sum() + len(train))
    q_V = validation / validation.sum()
    return float(-(q_V * np.log(p_V)).sum())


def _encode(
    documents: Sequence[Placed], tokenizer: Tokenizer, file: BinaryIO, hasher: "hashlib._Hash"
) -> NDArray[np.int64]:
    """Write the documents' tokens one after another; how often each id came."""
    dtype = token_dtype(tokenizer.vocab_size)
    counts_V = np.zeros(tokenizer.vocab_size, dtype=np.int64)
    for batch in _batches(documents):
        pieces: list[NDArray[np.uint32]] = []
        for document, ids in zip(batch, tokenizer.encode_documents([d.text for d in batch]), strict=True):
            pieces.append(ids)
            if document.separated and tokenizer.end_of_text is not None:
                pieces.append(np.array([tokenizer.end_of_text], dtype=np.uint32))
        tokens = np.concatenate(pieces)
        counts_V += np.bincount(tokens, minlength=tokenizer.vocab_size)
        content = tokens.astype(dtype).tobytes()
        hasher.update(content)
        file.write(content)
    return counts_V


def _batches(documents: Sequence[Placed]) -> Iterator[list[Placed]]:
    """Documents in groups of about BATCH_BYTES."""
    batch: list[Placed] = []
    held = 0
    for document in documents:
        batch.append(document)
        held += document.n_bytes
        if held >= BATCH_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _n_bytes(documents: Sequence[Placed]) -> int:
    return sum(document.n_bytes for document in documents)


def _megabytes(documents: Sequence[Placed]) -> str:
    return f"{_n_bytes(documents) / 1e6:.1f} MB"
