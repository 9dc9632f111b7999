"""Tokenizers are compared with UTF-8 itself: what is decoded is what was encoded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.corpus.tokenizer import ByteTokenizer, SymbolTokenizer
from workbench.errors import BadInput

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(text)
def test_bytes_are_the_ids(string: str) -> None:
    tokenizer = ByteTokenizer()
    assert tokenizer.encode(string) == list(string.encode())
    assert tokenizer.decode(tokenizer.encode(string)) == string


def test_bytes_have_257_ids_of_which_the_last_ends_a_text_and_stands_for_no_bytes() -> None:
    tokenizer = ByteTokenizer()
    assert (tokenizer.vocab_size, tokenizer.end_of_text) == (257, 256)
    assert tokenizer.decode([104, 256, 105]) == "hi"
    assert tokenizer.piece_lengths.tolist() == [1] * 256 + [0]


@given(st.text("ab|\n字é", min_size=0, max_size=50))
def test_symbols_are_one_token_a_character_in_the_order_of_code_points(string: str) -> None:
    tokenizer = SymbolTokenizer("é字|b\na", separated=False, vocab_size=6)
    assert tokenizer.encode(string) == ["\nab|é字".index(symbol) for symbol in string]
    assert tokenizer.decode(tokenizer.encode(string)) == string
    assert tokenizer.end_of_text is None


def test_symbols_end_a_text_with_the_last_id_where_documents_are_separated() -> None:
    tokenizer = SymbolTokenizer("ab", separated=True, vocab_size=5)
    assert (tokenizer.vocab_size, tokenizer.end_of_text) == (5, 4)


def test_symbols_refuse_a_vocabulary_that_is_too_small_and_a_character_they_do_not_know() -> None:
    with pytest.raises(
        BadInput, match=r"corpus\.vocab_size = 2: the corpus has 2 distinct characters and an end-of-text"
    ):
        SymbolTokenizer("ab", separated=True, vocab_size=2)
    for stranger in ("c", " ", "字"):
        with pytest.raises(BadInput, match="is not among the corpus's symbols 'ab'"):
            SymbolTokenizer("ab", separated=False, vocab_size=2).encode("a" + stranger)


def test_fingerprints_tell_tokenizers_apart() -> None:
    tokenizers = [ByteTokenizer(), SymbolTokenizer("ab", False, 2), SymbolTokenizer("ab", False, 3)]
    assert len({tokenizer.fingerprint for tokenizer in tokenizers}) == 3
