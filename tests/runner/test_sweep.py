"""References: an undisturbed sweep, loss for loss, against one that was killed, stopped, or shared."""

import contextlib
import os
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
from workbench.runner.backend import Event
from workbench.runner.claims import claimed
from workbench.runner.definition import read_definition
from workbench.runner.local import LocalBackend
from workbench.runner.plan import Plan, plan_sweep
from workbench.runner.status import statuses
from workbench.runner.sweep import SweepResult, run_sweep
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


def test_a_run_that_another_process_trains_is_waited_for(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    plan, corpus = planned(path)
    store = Store.create(tmp_path / "store")
    victim, events = plan.runs[0].run_id, []
    claim = claimed(store, victim)
    claim.__enter__()
    assert statuses(plan, store)["status"].tolist().count("running") == 1

    def note(event: Event) -> None:
        events.append((event.kind, event.job.run.run_id))
        if sum(kind == "ended" for kind, _ in events) == 3 and store.live(victim).with_suffix(".lock").exists():
            claim.__exit__(None, None, None)  # the other process stops, its work undone

    result = run_sweep(plan, corpus, store, LocalBackend.on_this_machine(2, device="cpu"), note)
    assert ("waiting", victim) in events
    assert (result.done, result.trained_now) == (4, 4)
    assert set(store.runs()["status"]) == {"done"}


def test_a_stop_while_waiting_for_another_process_leaves_with_75_and_says_how_many_are_left(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    plan, corpus = planned(path)
    store = Store.create(tmp_path / "store")

    def note(event: Event) -> None:
        if event.kind == "waiting":
            os.kill(os.getpid(), signal.SIGTERM)

    with contextlib.ExitStack() as claims:
        for run in plan.runs:
            claims.enter_context(claimed(store, run.run_id))
        with pytest.raises(Stopped, match="tiny stopped with 4 of 4 runs left"):
            run_sweep(plan, corpus, store, LocalBackend.on_this_machine(1, device="cpu"), note)


def test_workers_of_a_killed_runner_save_and_stop_and_the_next_runner_takes_over(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("[3e7, 6e7]", "[3e7, 6e8]"))
    plan, corpus = planned(path)
    store = Store.create(tmp_path / "store")
    process = subprocess.Popen(command(path, store.folder), stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(store.folder.glob("checkpoints/*/*")):
        time.sleep(0.02)
    process.kill()  # the runner alone: its workers are still there
    process.wait()
    assert run_sweep(plan, corpus, store, LocalBackend.on_this_machine(2, device="cpu")).done == 4
    assert not list(store.folder.glob("live/*"))


def sweep_with_kills(tmp_path: Path, most: int) -> tuple[SweepResult, Store, list[str]]:
    """A sweep of one worker, which is killed as often as this whenever it starts on the last run."""
    plan, corpus = planned(write_sweep(tmp_path))
    store, backend = Store.create(tmp_path / "store"), LocalBackend.on_this_machine(1, device="cpu")
    kinds: list[str] = []

    def note(event: Event) -> None:
        if event.job.run.run_id != plan.runs[-1].run_id:
            return
        kinds.append(event.kind)
        if event.kind == "started" and kinds.count("started") <= most:
            process = backend.slots[0].process
            assert process is not None and process.pid is not None
            os.kill(process.pid, signal.SIGKILL)

    return run_sweep(plan, corpus, store, backend, note), store, kinds


def test_a_worker_that_dies_is_tried_again(tmp_path: Path) -> None:
    result, store, kinds = sweep_with_kills(tmp_path, most=2)
    assert (result.done, result.failed) == (4, {})
    assert [kind for kind in kinds if kind != "progress"] == ["started", "retrying"] * 2 + ["started", "ended"]
    assert not list(store.folder.glob("live/*"))


def test_a_worker_that_dies_again_and_again_is_a_failed_run_that_says_so(tmp_path: Path) -> None:
    result, store, _ = sweep_with_kills(tmp_path, most=3)
    (reason,) = result.failed.values()
    assert "killed by SIGKILL, as the system does when memory runs out (3 times at step 0)" in reason
    assert (result.done, sorted(store.runs()["status"])) == (3, ["done", "done", "done", "failed"])


def test_an_interrupted_run_is_not_called_running(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    plan, _ = planned(path)
    store = Store.create(tmp_path / "store")
    first, second = plan.runs[0].run_id, plan.runs[1].run_id
    store.live(first).parent.mkdir()
    for run_id in (first, second):  # the last line of the curve was being written when its process was killed
        store.live(run_id).write_text('{"step": 7, "train_loss": 5.5}\n{"step": 8, "tr')
    (store.checkpoints(first) / "5").mkdir(parents=True)
    with claimed(store, second):
        frame = statuses(plan, store)
    assert frame["status"].tolist() == ["interrupted", "running", "waiting", "waiting"]
    assert frame["step"].tolist() == [5, 7, 0, 0]
    assert frame["loss"].tolist()[1] == 5.5


def test_what_a_killed_run_left_of_its_curve_is_not_read_as_the_new_ones(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    plan, corpus = planned(path)
    store = Store.create(tmp_path / "store")
    (store.folder / "live").mkdir()
    stale = '{"step": 999, "train_loss": 0.0}\n' * 3
    for run in plan.runs:
        store.live(run.run_id).write_text(stale + '{"step": 10')
    steps: list[int] = []

    def note(event: Event) -> None:
        if event.kind == "progress":
            steps.append(int(event.row["step"]))

    run_sweep(plan, corpus, store, LocalBackend.on_this_machine(2, device="cpu"), report=note)
    assert 999 not in steps
    assert set(store.runs()["status"]) == {"done"}
