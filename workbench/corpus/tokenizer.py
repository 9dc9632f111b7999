"""What a tokenizer is, and the two that need no training: bytes, and the symbols of a small alphabet.

Every tokenizer is a table of byte strings, one an id. Decoding is a look-up, and what a window of tokens stands for in
bytes is known exactly. The end-of-text token stands for no bytes; no text can produce it, whatever it spells.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput


class Tokenizer(ABC):
    """Text ↔ ids."""

    name: str
    pieces: Sequence[bytes]
    """The bytes of each id; b"" for end of text and for ids that stand for nothing."""
    end_of_text: int | None
    """The id that follows a document; None where documents are not separated."""

    @abstractmethod
    def encode_documents(self, texts: Sequence[str]) -> list[NDArray[np.uint32]]:
        """The ids of each text, without end-of-text tokens."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """All that is needed to build it again, as JSON types."""

    @property
    def vocab_size(self) -> int:
        """How many ids there are."""
        return len(self.pieces)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of everything that decides what it does."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def piece_lengths(self) -> NDArray[np.int64]:
        """Bytes of each id: `piece_lengths[tokens].sum()` is the length in bytes of what the tokens stand for."""
        return np.array([len(piece) for piece in self.pieces], dtype=np.int64)

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        ids: list[int] = self.encode_documents([text])[0].tolist()
        return ids

    def hugging_face_files(self, context: int) -> dict[str, Any]:
        """Its tokenizer.json and tokenizer_config.json: name → JSON, for a model that reads `context` tokens."""
        from workbench.corpus.hugging_face import hugging_face_files

        return hugging_face_files(self, context)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes the ids stand for; end of text stands for none."""
        return b"".join(self.pieces[i] for i in ids)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids; bytes that are not UTF-8, as at the ends of a window, become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")


class ByteTokenizer(Tokenizer):
    """One id a byte of UTF-8, and 256 for end of text."""

    name = "bytes"
    end_of_text = 256

    def __init__(self) -> None:
        self.pieces = [bytes([i]) for i in range(256)] + [b""]

    def encode_documents(self, texts: Sequence[str]) -> list[NDArray[np.uint32]]:
        """The bytes themselves."""
        return [np.frombuffer(utf8(text), dtype=np.uint8).astype(np.uint32) for text in texts]

    def to_dict(self) -> dict[str, Any]:
        """Its name is all."""
        return {"name": self.name}


class SymbolTokenizer(Tokenizer):
    """One id for each character of a small alphabet, in the order of their code points.

    Made for languages and tasks, whose few symbols would leave most rows of a 257-row embedding untrained. The last id
    is end of text where the corpus separates its documents.
    """

    name = "symbols"

    def __init__(self, alphabet: str, separated: bool, vocab_size: int) -> None:
        self.alphabet = "".join(sorted(set(alphabet)))
        needed = len(self.alphabet) + separated
        if vocab_size < needed:
            raise BadInput(
                f"corpus.vocab_size = {vocab_size}: the corpus has {len(self.alphabet)} distinct characters"
                f"{' and an end-of-text token' if separated else ''}, so the tokenizer 'symbols' needs {needed}."
            )
        self.separated = separated
        self.pieces = [symbol.encode() for symbol in self.alphabet]
        self.pieces += [b""] * (vocab_size - len(self.pieces))
        self.end_of_text = vocab_size - 1 if separated else None
        self._points = np.array([ord(symbol) for symbol in self.alphabet], dtype=np.uint32)

    def encode_documents(self, texts: Sequence[str]) -> list[NDArray[np.uint32]]:
        """One id a character; a character outside the alphabet is bad input."""
        return [self._encode(text) for text in texts]

    def _encode(self, text: str) -> NDArray[np.uint32]:
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        ids = np.searchsorted(self._points, points).astype(np.uint32)
        known = self._points[np.minimum(ids, len(self._points) - 1)] == points
        if not known.all():
            stranger = chr(points[int(known.argmin())])
            raise BadInput(f"The character {stranger!r} is not among the corpus's symbols {self.alphabet!r}.")
        return ids

    def to_dict(self) -> dict[str, Any]:
        """The alphabet and the size."""
        return {
            "name": self.name,
            "alphabet": self.alphabet,
            "separated": self.separated,
            "vocab_size": self.vocab_size,
        }


def utf8(text: str) -> bytes:
    """The text in UTF-8; a lone surrogate, which has no UTF-8, becomes a question mark."""
    return text.encode("utf-8", errors="replace")
