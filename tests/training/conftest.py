import pytest

from tests.training.tiny import tiny_corpus
from workbench.corpus.shards import Corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return tiny_corpus(tmp_path_factory.mktemp("tiny"))
