"""Reference: the same run undisturbed. Killed again and again at random moments, it ends bit for bit the same."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.training.test_resume import combinations

Results = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """All cases, trained and killed in the children of one fresh process: see killing.py."""
    folder = tmp_path_factory.mktemp("killed")
    subprocess.run([sys.executable, "-m", "tests.training.killing", str(folder)], check=True)
    found: Results = json.loads((folder / "results.json").read_text())
    return found


NAMES = [" ".join(each) for each in combinations()]
OTHERS = ["sam fp32", "sam bf16", "sam fp16", "pack fp32", "pack bf16", "noise scale, dropout"]


@pytest.mark.parametrize("name", [*NAMES, *OTHERS])
def test_a_killed_run_ends_as_if_it_had_not_been(results: Results, name: str) -> None:
    assert results[name]["ended"]
    assert results[name]["same"]


def test_every_case_is_among_them(results: Results) -> None:
    assert set(results) == {*NAMES, *OTHERS}


def test_the_kills_hit_runs_in_the_making(results: Results) -> None:
    """Moments are random, and a loaded machine shifts them: of four kills a run at most, some find a checkpoint."""
    assert sum(result["kills"] for result in results.values()) > len(results)
    assert sum(result["survived"] for result in results.values()) > len(results) / 4
