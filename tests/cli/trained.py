"""A store with a small model of two-digit addition, trained for the tests of the commands that read weights."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.runner.single import train_single
from workbench.store import Store

CONFIG = """
[corpus]
source = "addition"
tokenizer = "symbols"
vocab_size = 13
validation_fraction = 0.2
[corpus.settings]
digits = 2
min_digits = 2
zero_padding = true
problems = 2000
problems_per_document = 16
[model]
n_layer = 1
n_head = 2
d_model = 8
context = 10
[train]
tokens = 4000
batch_tokens = 400
eval_windows = 16
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store, its corpus cached in a folder of the test's own."""
    folder: Path = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        (folder / "config.toml").write_text(CONFIG)
        store = Store.create(folder / "store")
        train_single(folder / "config.toml", store, "cpu", lambda message: None, lambda row: None)
        yield store
