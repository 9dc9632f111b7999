"""A short storm; `python -m tests.chaos.storm` is a long one."""

from pathlib import Path

import pytest

from tests.chaos.storm import storm


@pytest.mark.slow
def test_sweeps_that_are_struck_end_as_if_they_had_not_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    seen = storm(tmp_path, sweeps=2, seed=1, strikes=2)
    assert sum(many for name, many in seen.faults.items() if not name.startswith("none")) >= 2
