"""Small corpora that several tests prepare once."""

from pathlib import Path

import pytest
from hypothesis import settings

from workbench.corpus.config import CorpusConfig
from workbench.corpus.prepare import prepare
from workbench.corpus.shards import Corpus

# A deadline in wall-clock time fails where other work shares the machine.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def write_texts(folder: Path, n: int = 40) -> Path:
    """`n` small text files."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        lines = [f"Document {i} counts: line {j} of {i + 3} says {i * j} and café.\n" for j in range(i + 3)]
        (folder / f"{i:03d}.txt").write_text("".join(lines), "utf-8")
    return folder


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 40 small text files."""
    return write_texts(tmp_path_factory.mktemp("texts"))


@pytest.fixture(scope="session")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests' corpora are kept."""
    return tmp_path_factory.mktemp("corpora")


@pytest.fixture(scope="session")
def corpus(texts: Path, corpora: Path) -> Corpus:
    """The texts, prepared with BPE."""
    config = CorpusConfig(source="files", settings={"path": str(texts)}, vocab_size=300, validation_fraction=0.2)
    return prepare(config, corpora)
