"""A worker commits whole runs only, and never two processes at once."""

import errno
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.runner.definitions import write_sweep
from workbench.corpus.prepare import prepare
from workbench.errors import BadInput, Stopped
from workbench.runner.definition import read_definition
from workbench.runner.plan import plan_sweep
from workbench.runner.worker import Busy, Job, claimed, train_and_commit
from workbench.store import Store


@pytest.fixture
def job(tmp_path: Path) -> Job:
    path = write_sweep(tmp_path)
    definition = read_definition(path)
    corpus = prepare(definition.corpus, root=tmp_path / "corpora")
    store = Store.create(tmp_path / "store")
    return Job(plan_sweep(definition, str(path), corpus).runs[0], "tiny", store.folder, corpus.folder)


def test_a_run_is_committed_whole(job: Job) -> None:
    train_and_commit(job, threading.Event())
    store, run_id = Store(job.store), job.run.run_id
    assert store.run(run_id)["status"] == "done"
    assert store.curves(run_id)["loss"].iloc[-1] == store.run(run_id)["loss"]
    assert not list((job.store / "live").iterdir())
    assert {path.name for path in store.checkpoints(run_id).glob("*/*")} == {"model.safetensors", "state.json"}


def test_a_finished_or_claimed_run_is_left_alone(job: Job) -> None:
    with claimed(Store(job.store), job.run.run_id), pytest.raises(Busy):
        train_and_commit(job, threading.Event())
    train_and_commit(job, threading.Event())
    with pytest.raises(Busy):
        train_and_commit(job, threading.Event())


def test_a_stopped_run_leaves_a_checkpoint_and_no_row(job: Job) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        train_and_commit(job, stop)
    store = Store(job.store)
    assert not store.has_run(job.run.run_id)
    assert list(store.checkpoints(job.run.run_id).glob("*/optimizer.safetensors"))


@pytest.mark.parametrize("victim", ["workbench.training.checkpoint.save_file", "pyarrow.parquet.write_table"])
def test_a_full_disk_is_one_sentence_and_the_run_goes_on_later(
    job: Job, victim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(victim, full)
        with pytest.raises(BadInput, match="the disk is full; free some space and run the same command again"):
            train_and_commit(job, threading.Event())
    assert not Store(job.store).has_run(job.run.run_id)
    train_and_commit(job, threading.Event())
    assert Store(job.store).run(job.run.run_id)["status"] == "done"
