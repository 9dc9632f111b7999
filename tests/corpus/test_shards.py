"""Opening is compared with what was written; what was damaged is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from workbench.corpus.shards import Corpus, load_tokenizer, token_dtype
from workbench.errors import BadInput


@pytest.fixture
def copy(corpus: Corpus, tmp_path: Path) -> Path:
    return Path(shutil.copytree(corpus.folder, tmp_path / "copy"))


def test_a_moved_folder_opens_as_the_same_corpus(corpus: Corpus, copy: Path) -> None:
    again = Corpus.open(copy)
    assert again.fingerprint == corpus.fingerprint
    assert again.config == corpus.config
    assert np.array_equal(again.train, corpus.train)
    assert again.tokenizer.fingerprint == corpus.tokenizer_fingerprint
    assert again.tokenizer.encode("a café") == corpus.tokenizer.encode("a café")


def test_tokens_are_mapped_and_cannot_be_written(corpus: Corpus) -> None:
    assert isinstance(corpus.train, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        corpus.train[0] = 0


def test_ids_take_two_bytes_where_they_fit() -> None:
    assert token_dtype(65_536).itemsize == 2
    assert token_dtype(65_537).itemsize == 4


def test_what_is_not_a_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a prepared corpus: it has no manifest"):
        Corpus.open(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(BadInput, match="is not a corpus manifest"):
        Corpus.open(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(BadInput, match="is not a corpus manifest"):
        Corpus.open(tmp_path)


def test_a_shard_that_was_cut_is_refused(copy: Path) -> None:
    content = (copy / "train.bin").read_bytes()
    (copy / "train.bin").write_bytes(content[:-2])
    with pytest.raises(BadInput, match=r"train\.bin has [\d,]+ bytes where [\d,]+ are right"):
        Corpus.open(copy)


def test_a_newer_format_is_refused(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "format_version": 99}))
    with pytest.raises(BadInput, match=r"written by a newer workbench \(format 99, this one knows 1\)"):
        Corpus.open(copy)


def test_an_unknown_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"name": "words"}')
    with pytest.raises(BadInput, match="the tokenizer 'words' is unknown"):
        load_tokenizer(tmp_path / "tokenizer.json")
