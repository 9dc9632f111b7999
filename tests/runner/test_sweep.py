"""References: an undisturbed sweep, loss for loss, against one that was killed, stopped, or shared."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.runner.definitions import write_sweep
from workbench.corpus.prepare import prepare
from workbench.corpus.shards import Corpus
from workbench.errors import Stopped
from workbench.runner.definition import read_definition
from workbench.runner.local import LocalBackend
from workbench.runner.plan import Plan, plan_sweep
from workbench.runner.sweep import run_sweep, statuses
from workbench.store import Store

TIMES = ["seconds", "tokens_per_second", "peak_memory_bytes", "created_at"]


def table(store: Path) -> pd.DataFrame:
    return pd.read_parquet(store / "runs").drop(columns=TIMES).sort_values("run_id", ignore_index=True)


def curves(store: Path) -> pd.DataFrame:
    frame = pd.read_parquet(store / "curves").drop(columns="seconds")
    return frame.sort_values(["run_id", "step"], ignore_index=True)


def planned(path: Path) -> tuple[Plan, Corpus]:
    definition = read_definition(path)
    corpus = prepare(definition.corpus)
    return plan_sweep(definition, str(path), corpus), corpus


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def command(path: Path, store: Path) -> list[str]:
    run = f"from workbench.cli.main import main; main(['sweep', 'run', {str(path)!r}, '--store', {str(store)!r}])"
    return [sys.executable, "-c", f"if __name__ == '__main__':\n    {run}"]


def test_killed_at_random_moments_and_run_again_ends_with_the_same_table(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    plan, corpus = planned(path)
    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    run_sweep(plan, corpus, Store.create(calm), LocalBackend.on_this_machine(2, device="cpu"))

    moments = random.Random(0)
    store = Store.create(stormy)
    for _ in range(3):
        process = subprocess.Popen(command(path, stormy), stderr=subprocess.DEVNULL, start_new_session=True)
        # The moment is drawn over the training itself: it begins when the first live curve or run appears.
        before = len(list(stormy.glob("runs/*"))) + len(list(stormy.glob("checkpoints/*/*")))
        while process.poll() is None:
            now = len(list(stormy.glob("runs/*"))) + len(list(stormy.glob("checkpoints/*/*")))
            if now > before:
                break
            time.sleep(0.01)
        time.sleep(moments.uniform(0.0, 0.6))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert set(store.runs()["status"]) <= {"done"}  # readable at every moment

    run_sweep(plan, corpus, store, LocalBackend.on_this_machine(2, device="cpu"))
    pd.testing.assert_frame_equal(table(stormy), table(calm), check_exact=True)
    pd.testing.assert_frame_equal(curves(stormy), curves(calm), check_exact=True)


def test_sigterm_saves_and_leaves_with_75(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("[3e7, 6e7]", "[3e7, 3e10]"))
    store = tmp_path / "store"
    process = subprocess.Popen(command(path, store), stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(store.glob("checkpoints/*/*")):
        time.sleep(0.02)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75, errors
    assert "run it again to resume" in errors
    assert "Traceback" not in errors


def test_running_again_trains_nothing_and_a_second_sweep_shares_the_runs(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    plan, corpus = planned(path)
    store = Store.create(tmp_path / "store")
    first = run_sweep(plan, corpus, store, LocalBackend.on_this_machine(2, device="cpu"))
    again = run_sweep(plan, corpus, store, LocalBackend.on_this_machine(2, device="cpu"))
    assert (first.trained_now, again.trained_now, again.done) == (4, 0, 4)

    path.write_text(path.read_text().replace('name = "tiny"', 'name = "other"').replace("[3e7, 6e7]", "[6e7]"))
    other, _ = planned(path)
    assert run_sweep(other, corpus, store, LocalBackend.on_this_machine(2, device="cpu")).trained_now == 0
    assert {sweep["name"]: len(sweep["runs"]) for sweep in store.sweeps()} == {"tiny": 4, "other": 2}
    assert len(store.runs()) == 4


def test_a_run_that_fails_is_recorded_with_its_reason_and_tried_again(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    plan, corpus = planned(path)
    store = Store.create(tmp_path / "store")
    victim = plan.runs[0].run_id
    store.checkpoints(victim).mkdir(parents=True)
    blocker = store.checkpoints(victim) / "1"
    blocker.mkdir()
    (blocker / "state.json").write_text('{"step": 1, "sha256": {}}')  # whole, but of no run
    result = run_sweep(plan, corpus, store, LocalBackend.on_this_machine(2, device="cpu"))
    assert set(result.failed) == {victim}
    row = store.run(victim)
    assert (row["status"], result.done) == ("failed", 3)
    assert "Error" in row["error"]

    (blocker / "state.json").unlink()
    blocker.rmdir()
    assert run_sweep(plan, corpus, store, LocalBackend.on_this_machine(2, device="cpu")).done == 4
    assert set(store.runs()["status"]) == {"done"}


def test_status_tells_done_from_waiting(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    plan, corpus = planned(path)
    store = Store.create(tmp_path / "store")
    assert set(statuses(plan, store)["status"]) == {"waiting"}
    with pytest.raises(Stopped, match="run it again to resume"):
        run_sweep_and_stop(plan, corpus, store)
    assert set(statuses(plan, store)["status"]) <= {"waiting", "interrupted", "done"}


def run_sweep_and_stop(plan: Plan, corpus: Corpus, store: Store) -> None:
    run_sweep(
        plan,
        corpus,
        store,
        LocalBackend.on_this_machine(1, device="cpu"),
        report=lambda event: os.kill(os.getpid(), signal.SIGTERM) if event.kind == "started" else None,
    )
