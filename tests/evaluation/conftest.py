"""A small corpus of addition and a small untrained model of it, made once."""

from pathlib import Path

import pytest

from workbench.corpus.config import CorpusConfig
from workbench.corpus.prepare import prepare
from workbench.corpus.shards import Corpus
from workbench.models.config import ModelConfig
from workbench.models.decoder import Decoder, build
from workbench.training.config import RunConfig

TASK = {"digits": 2, "min_digits": 2, "zero_padding": True, "problems": 3000, "problems_per_document": 16}
CORPUS = CorpusConfig(source="addition", settings=TASK, tokenizer="symbols", vocab_size=13, validation_fraction=0.2)
MODEL = ModelConfig(n_layer=1, n_head=2, d_model=16, vocab_size=13, context=20, init_std=0.3)


@pytest.fixture(scope="session")
def config() -> RunConfig:
    return RunConfig.model_validate({"corpus": CORPUS, "model": MODEL, "train": {"tokens": 1000}})


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    root: Path = tmp_path_factory.mktemp("corpora")
    return prepare(CORPUS, root)


@pytest.fixture(scope="session")
def model() -> Decoder:
    return build(MODEL, seed=0).eval()
