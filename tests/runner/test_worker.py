"""A worker commits whole runs only, and never two processes at once."""

import dataclasses
import errno
import math
from pathlib import Path
from typing import Any

import pytest

from tests.runner.definitions import write_sweep
from workbench.corpus.prepare import prepare
from workbench.errors import BadInput, Stopped
from workbench.runner.claims import claimed, held
from workbench.runner.definition import read_definition
from workbench.runner.jobs import Job
from workbench.runner.leases import Busy
from workbench.runner.local import LocalBackend
from workbench.runner.plan import plan_sweep
from workbench.runner.worker import record_failure, train_and_commit
from workbench.store import Store
from workbench.training.horizon import resolve


def not_yet() -> bool:
    return False


@pytest.fixture
def job(tmp_path: Path) -> Job:
    path = write_sweep(tmp_path)
    definition = read_definition(path)
    corpus = prepare(definition.corpus, root=tmp_path / "corpora")
    store = Store.create(tmp_path / "store")
    return Job(plan_sweep(definition, str(path), corpus).runs[0], "tiny", store.folder, corpus.folder)


def test_a_run_is_committed_whole(job: Job) -> None:
    train_and_commit(job, not_yet)
    store, run_id = Store(job.store), job.run.run_id
    assert store.run(run_id)["status"] == "done"
    assert store.curves(run_id)["loss"].iloc[-1] == store.run(run_id)["loss"]
    assert not list((job.store / "live").iterdir())
    assert {path.name for path in store.checkpoints(run_id).glob("*/*")} == {"model.safetensors", "state.json"}


def test_a_finished_or_claimed_run_is_left_alone(job: Job) -> None:
    with claimed(Store(job.store), job.run.run_id), pytest.raises(Busy):
        train_and_commit(job, not_yet)
    train_and_commit(job, not_yet)
    with pytest.raises(Busy):
        train_and_commit(job, not_yet)


def test_a_stopped_run_leaves_a_checkpoint_and_no_row(job: Job) -> None:
    polls = iter(range(100))
    with pytest.raises(Stopped):
        train_and_commit(job, lambda: next(polls) == 3)
    store = Store(job.store)
    assert not store.has_run(job.run.run_id)
    assert list(store.checkpoints(job.run.run_id).glob("3/optimizer.safetensors"))
    assert not list((job.store / "live").glob("*.jsonl"))


def test_a_run_stopped_before_its_first_step_begins_again(job: Job) -> None:
    with pytest.raises(Stopped):
        train_and_commit(job, lambda: True)
    train_and_commit(job, not_yet)
    assert Store(job.store).run(job.run.run_id)["status"] == "done"


@pytest.mark.parametrize("victim", ["workbench.training.checkpoint.save_file", "pyarrow.parquet.write_table"])
def test_a_full_disk_is_one_sentence_and_the_run_goes_on_later(
    job: Job, victim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(victim, full)
        with pytest.raises(BadInput, match="the disk is full; free some space and run the same command again"):
            train_and_commit(job, not_yet)
    assert not Store(job.store).has_run(job.run.run_id)
    train_and_commit(job, not_yet)
    assert Store(job.store).run(job.run.run_id)["status"] == "done"


def test_a_failure_is_not_written_over_a_run_that_another_process_has_or_has_finished(job: Job) -> None:
    store = Store(job.store)
    with claimed(store, job.run.run_id):
        assert held(store, job.run.run_id)
        record_failure(job, "gone")
    assert not held(store, job.run.run_id)
    assert not store.has_run(job.run.run_id)
    train_and_commit(job, not_yet)
    record_failure(job, "gone")
    assert store.run(job.run.run_id)["status"] == "done"


def test_a_run_that_diverges_leaves_its_row_and_no_weights(job: Job) -> None:
    wild = job.run.config.train.model_copy(update={"learning_rate": 1e9, "clip": 0.0, "schedule": "constant"})
    config = job.run.config.model_copy(update={"train": wild})
    run = dataclasses.replace(job.run, config=config, horizon=resolve(config))
    train_and_commit(dataclasses.replace(job, run=run), not_yet)
    store = Store(job.store)
    row = store.run(run.run_id)
    assert row["status"] == "diverged" and "not finite" in row["error"] and math.isnan(row["loss"])
    assert not store.checkpoints(run.run_id).exists()
    assert len(store.curves(run.run_id)) > 0


def test_workers_share_the_cores_by_the_threads_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.runner.local.usable_cores", lambda: 8)
    assert len(LocalBackend.on_this_machine(device="cpu").slots) == 8
    assert len(LocalBackend.on_this_machine(device="cpu", threads=4).slots) == 2
    assert len(LocalBackend.on_this_machine(device="cpu", threads=16).slots) == 1
    assert len(LocalBackend.on_this_machine(3, device="cpu", threads=16).slots) == 3


def test_few_workers_do_not_crowd_on_the_first_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.runner.local._gpus", lambda device: ["cuda:0", "cuda:1"])
    devices = [slot.device for slot in LocalBackend.on_this_machine(2, per_device=2).slots]
    assert devices == ["cuda:0", "cuda:1"]
    assert len(LocalBackend.on_this_machine(per_device=2).slots) == 4
