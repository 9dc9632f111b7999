"""Exact de-duplication, documents first and lines second.

Documents: a document whose cleaned text was seen before is dropped. Lines: of a line that has at least 40 characters
(blanks at its ends not counted), only the first occurrence in the whole corpus is kept, in the order of reading;
shorter lines repeat as grammar does (`return None`, `else:`) and stay. Both sides of the split are treated as one
corpus, so that no long line of the training text is also held out.
"""

import hashlib

LONG_LINE = 40
"""Characters from which a repeated line is a copy and not grammar. Licence headers and tables go, idioms stay."""


class Deduplicator:
    """Remembers what it has seen: 16 bytes of hash for each document and each long line."""

    def __init__(self) -> None:
        self._documents: set[bytes] = set()
        self._lines: set[bytes] = set()
        self.dropped_lines = 0

    def is_new(self, digest: bytes) -> bool:
        """Whether the document with this hash is seen for the first time."""
        if digest in self._documents:
            return False
        self._documents.add(digest)
        return True

    def drop_repeated_lines(self, text: str) -> str:
        """The text without the long lines that were seen before."""
        kept = []
        for line in text.splitlines(keepends=True):
            if len(line) >= LONG_LINE:
                core = line.strip()
                if len(core) >= LONG_LINE:
                    key = hashlib.blake2b(core.encode("utf-8", "surrogatepass"), digest_size=16).digest()
                    if key in self._lines:
                        self.dropped_lines += 1
                        continue
                    self._lines.add(key)
            kept.append(line)
        return "".join(kept)
