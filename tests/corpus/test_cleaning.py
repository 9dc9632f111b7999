"""Cleaning is compared with what each rule says, one by one."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from workbench.corpus.cleaning import clean


def test_line_ends_become_newlines_and_trailing_blanks_go() -> None:
    assert clean("a \t\r\n  b\rc\n\n\n") == "a\n  b\nc\n"


def test_control_characters_and_byte_order_marks_go() -> None:
    assert clean("\ufeffa\x07b\x0cc\x85") == "abc\n"


def test_unicode_is_composed() -> None:
    assert clean("e\u0301") == "é\n"


def test_binary_and_empty_documents_are_dropped() -> None:
    assert clean("PK\0\0") is None
    assert clean(" \n\t-- ** --\n") is None


@given(st.text(max_size=100))
def test_cleaning_twice_is_cleaning_once_and_leaves_utf8(text: str) -> None:
    cleaned = clean(text)
    if cleaned is not None:
        assert clean(cleaned) in (cleaned, None)
        assert unicodedata.is_normalized("NFC", cleaned.encode().decode())
