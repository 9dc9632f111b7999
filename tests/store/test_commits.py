"""A run is committed once: whoever comes second is told so, and changes nothing."""

import errno
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.factories import make_runs
from workbench.files import put_new
from workbench.store import AlreadyFinished, Store


@pytest.fixture(scope="module")
def tables() -> tuple[dict[str, Any], pd.DataFrame]:
    """The row and the curve of one run."""
    runs, curves, _ = make_runs(0)
    row: dict[str, Any] = {str(name): value for name, value in runs.iloc[0].items()}
    return row, curves[curves["run_id"] == row["run_id"]].reset_index(drop=True)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


@pytest.mark.parametrize("status", ["done", "diverged"])
def test_what_is_finished_stays(store: Store, tables: tuple[dict[str, Any], pd.DataFrame], status: str) -> None:
    row, curve = tables
    store.write_run(row | {"status": status}, curve)
    before = {path: path.read_bytes() for path in store.folder.rglob("*.parquet")}
    for later in ("done", "diverged", "failed"):
        with pytest.raises(AlreadyFinished, match=f"{row['run_id']} is finished already"):
            store.write_run(row | {"status": later, "loss": 0.5}, curve.head(3))
    assert {path: path.read_bytes() for path in store.folder.rglob("*.parquet")} == before
    assert not list(store.folder.rglob("*.tmp"))


def test_a_failed_run_is_committed_again_until_it_is_finished(
    store: Store, tables: tuple[dict[str, Any], pd.DataFrame]
) -> None:
    row, curve = tables
    for status in ("failed", "failed", "done"):
        assert not store.finished(row["run_id"])
        store.write_run(row | {"status": status}, curve)
        assert list(store.runs()["status"]) == [status]
    assert store.finished(row["run_id"])


def _commit(folder: Path, row: dict[str, Any], curve: pd.DataFrame, mark: float, start: Any, results: Any) -> None:
    store = Store(folder)
    start.wait()
    try:
        store.write_run(row | {"loss": mark}, curve.assign(train_loss=mark))
        results.put(mark)
    except AlreadyFinished:
        results.put(None)


def test_of_racing_processes_one_commits_and_row_and_curve_are_of_that_one(
    store: Store, tables: tuple[dict[str, Any], pd.DataFrame]
) -> None:
    row, curve = tables
    context, racers = multiprocessing.get_context("fork"), 4
    for race in range(5):
        run_id = f"r-{race}"
        start, results = context.Barrier(racers), context.Queue()
        processes = [
            context.Process(
                target=_commit,
                args=(store.folder, row | {"run_id": run_id}, curve, float(mark), start, results),
            )
            for mark in range(racers)
        ]
        for process in processes:
            process.start()
        marks = [results.get(timeout=60) for _ in processes]
        for process in processes:
            process.join()
        (winner,) = (mark for mark in marks if mark is not None)
        assert store.runs_by_id([run_id])["loss"].item() == winner
        assert set(store.curves(run_id)["train_loss"]) == {winner}


def test_a_name_is_given_once_also_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    for links in (True, False):
        if not links:
            monkeypatch.setattr(os, "link", no_links)
        target = tmp_path / f"links-{links}"
        for word in ("first", "second"):
            made = tmp_path / word
            made.write_text(word)
            if word == "first":
                put_new(made, target)
            else:
                with pytest.raises(FileExistsError):
                    put_new(made, target)
        assert target.read_text() == "first"
