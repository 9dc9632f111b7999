"""A document: a piece of text with a name, and the hash of its text that decides its place in a corpus.

Everything random about a corpus follows from this hash alone, so that it needs no seed and no order of reading:
the first 8 bytes order the documents (a limit on bytes takes a prefix of that order, so a smaller corpus is part of a
larger one), the next 8 decide the side of the train/validation split.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Document:
    """A piece of text, and where it comes from."""

    text: str
    name: str


@dataclass(frozen=True)
class Placed:
    """A document in a corpus: its text after every step, and what its hash decided."""

    text: str
    name: str
    digest: bytes
    separated: bool
    """Whether an end-of-text token follows it: true of natural text, false of languages and tasks."""

    @property
    def n_bytes(self) -> int:
        """Its length in UTF-8."""
        return n_bytes(self.text)

    @property
    def order(self) -> bytes:
        """Its place among the documents, uniform over text."""
        return self.digest[:8]

    @property
    def side(self) -> float:
        """A number uniform in [0, 1): below the validation fraction, the document is held out."""
        return int.from_bytes(self.digest[8:16], "big") / 2.0**64


def digest(text: str) -> bytes:
    """SHA-256 of the text. Lone surrogates, which UTF-8 has no bytes for, are hashed as they are."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def n_bytes(text: str) -> int:
    """The length of the text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def smallest(documents: Iterable[Placed], max_bytes: int | None) -> list[Placed]:
    """The documents in hash order, cut where the sum of bytes would pass `max_bytes` (at least one is kept).

    Documents are pruned as they arrive: memory holds about twice the limit, however long the source is.
    """
    kept: list[Placed] = []
    held, allowed = 0, 2 * (max_bytes or 0)
    for document in documents:
        kept.append(document)
        held += document.n_bytes
        if max_bytes is not None and held > allowed:
            # The document that passes the limit stays for now: were it dropped, a later one could take its place.
            kept = _prefix(kept, max_bytes, and_the_next=True)
            held = sum(document.n_bytes for document in kept)
            allowed = held + max_bytes
    return _prefix(kept, max_bytes, and_the_next=False)


def _prefix(documents: list[Placed], max_bytes: int | None, and_the_next: bool) -> list[Placed]:
    """Sorted by hash, up to the limit; with the document that passes it, if asked."""
    ordered = sorted(documents, key=lambda document: document.digest)
    if max_bytes is None:
        return ordered
    total = 0
    for i, document in enumerate(ordered):
        total += document.n_bytes
        if total > max_bytes:
            return ordered[: i + 1 if and_the_next else max(i, 1)]
    return ordered
