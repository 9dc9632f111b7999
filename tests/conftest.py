"""Fixtures that more than one room's tests use."""

import os
from pathlib import Path

import pytest

# Tests run side by side, one per core; read by torch when it is imported, here and in worker processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of published tables; skips where it is absent."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the published tables are not on this machine")
    return folder
