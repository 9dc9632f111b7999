"""Cleaning: what is done to the text of a document before anything else, and which documents are dropped.

Little on purpose: the text stays what its author wrote. Unicode is composed (NFC), line ends become \\n, control
characters other than tab and newline go, trailing blanks of lines go, and the text ends with one newline. A document
with a NUL is binary, and one without a letter or digit says nothing: both are dropped.
"""

import re
import unicodedata

_TRAILING = re.compile(r"[ \t]+(?=\n)")
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")


def clean(text: str) -> str | None:
    """The cleaned text, or None where the document is dropped."""
    if "\0" in text or not any(map(str.isalnum, text)):
        return None
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("", text).rstrip() + "\n"
    text = _TRAILING.sub("", text)
    return text.lstrip("\n")
