"""Two runners train one sweep, a third process compacts the store again and again, and a reader polls it."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.chaos.storm import definition
from workbench.runner.plan import read_plan
from workbench.store import Store

POLLS = 1000

SWEEP = "from workbench.cli.main import main; main(['sweep', 'run', {path!r}, '--store', {store!r}, '--pack', 'never'])"
COMPACT = """
from workbench.store import Store
from workbench.store.compaction import compact
while True:
    compact(Store({store!r}))
"""


def started(text: str, **names: str) -> subprocess.Popen:
    call = "\n    ".join(text.format(**names).strip().splitlines())
    return subprocess.Popen([sys.executable, "-c", f"if __name__ == '__main__':\n    {call}"], stderr=subprocess.PIPE)


@pytest.mark.slow
def test_no_run_is_committed_twice_and_no_read_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path, folder = definition(tmp_path), tmp_path / "store"
    plan, _ = read_plan(path, lambda _: None)
    store = Store.create(folder)
    runners = [started(SWEEP, path=str(path), store=str(folder)) for _ in range(2)]
    compactor = started(COMPACT, store=str(folder))
    seen: dict[str, float] = {}
    lengths: dict[str, int] = {}
    polls = 0
    try:
        while polls < POLLS or any(runner.poll() is None for runner in runners):
            runs, curves = store.runs(), store.curves()
            assert runs["run_id"].is_unique and set(seen) <= set(runs["run_id"])  # a row that was there stays
            now = dict(zip(runs["run_id"], runs["loss"], strict=True))
            rows = {str(run_id): len(curve) for run_id, curve in curves.groupby("run_id")}
            assert all(now[run_id] == loss for run_id, loss in seen.items())
            assert all(rows[run_id] == many for run_id, many in lengths.items())
            seen, lengths, polls = now, rows, polls + 1
    finally:
        compactor.kill()
        compactor.communicate()
        ends = [runner.communicate(timeout=60)[1].decode() for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], ends
    assert set(seen) == {run.run_id for run in plan.runs}
    pd.testing.assert_frame_equal(store.runs(), Store(folder).runs())
    assert not list(folder.glob("live/*"))
