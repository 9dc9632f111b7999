"""A simulated store, made once, and a copy of it for each test to change."""

import shutil
from pathlib import Path

import pytest

from tests.factories import make_store
from workbench.store import Store


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one, which no test may change."""
    return make_store(tmp_path_factory.mktemp("made") / "store")


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Store:
    """A copy of it."""
    shutil.copytree(made, tmp_path / "store")
    return Store(tmp_path / "store")
