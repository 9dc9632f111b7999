"""Cutting a long text into documents, for texts of which a few would make a split by document a lottery."""

from collections.abc import Iterator


def cut(text: str, size: int) -> Iterator[str]:
    """Pieces of about `size` characters that end where a line ends, or at a blank where a line is longer than that."""
    start = 0
    while len(text) - start > 1.5 * size:
        end = _after(text, "\n", start + size, start + 2 * size) or _after(text, " ", start + size, start + 2 * size)
        end = end or start + size
        yield text[start:end]
        start = end
    if text[start:]:
        yield text[start:]


def _after(text: str, sign: str, low: int, high: int) -> int | None:
    """The place after the first `sign` between two places."""
    found = text.find(sign, low, high)
    return None if found < 0 else found + 1
