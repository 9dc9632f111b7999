"""A compacted copy changes nothing but the time it takes: every row is seen once, at every moment."""

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from workbench.errors import BadInput
from workbench.store import Store
from workbench.store.compaction import compact, compacting
from workbench.store.schema import TABLES
from workbench.store.snapshot import Stamp, snapshot, stamps


def tables(store: Store) -> dict[str, pd.DataFrame]:
    return {"runs": store.runs(), "curves": store.curves(), "evals": store.evals(), "fits": store.fits()}


def assert_equal(found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    for table in TABLES:
        pd.testing.assert_frame_equal(found[table], expected[table])


def row_of(store: Store) -> dict[str, Any]:
    return {str(name): value for name, value in store.runs().iloc[0].items()}


def test_every_table_is_the_same_from_its_copy(store: Store) -> None:
    before = tables(store)
    done = {one.table: one for one in compact(store)}
    assert {table: done[table].rows for table in done} == {table: len(before[table]) for table in done}
    assert not any(one.left_out for one in done.values())
    assert snapshot(store.folder, "curves").current and snapshot(store.folder, "curves").copy
    assert_equal(tables(store), before)
    run_id = before["runs"]["run_id"].iloc[3]
    pd.testing.assert_frame_equal(
        store.curves(where=f"run_id = '{run_id}' AND point = 'final'"),
        store.curves(run_id, where="point = 'final'"),
    )
    pd.testing.assert_frame_equal(
        store.runs(where="n_params > 50000"), before["runs"].query("n_params > 50000").reset_index(drop=True)
    )


def test_the_copy_has_statistics_and_is_sorted(store: Store) -> None:
    compact(store)
    copy = snapshot(store.folder, "curves").copy
    assert copy is not None
    metadata = pq.ParquetFile(copy).metadata
    assert metadata.row_group(0).column(0).statistics.min == store.runs()["run_id"].min()
    frame = pd.read_parquet(copy)
    assert frame[["run_id", "step"]].equals(frame[["run_id", "step"]].sort_values(["run_id", "step"]))


def test_what_is_new_or_replaced_or_gone_is_seen_as_it_is_now(store: Store) -> None:
    row, curve = row_of(store), store.curves(row_of(store)["run_id"])
    store.write_run(row | {"run_id": "r-again", "status": "failed"}, curve.head(2))
    compact(store)
    store.write_run(row | {"run_id": "r-again", "loss": 1.25}, curve)
    store.write_run(row | {"run_id": "r-new"}, curve)
    (store.folder / "curves" / "r-00000003.parquet").unlink()
    measured = store.evals(where=f"run_id = '{row['run_id']}'")
    store.write_evals(row["run_id"], int(row["steps"]), measured.assign(value=0.5))
    (store.folder / ".compact").rename(store.folder / ".aside")
    plain = tables(store)
    (store.folder / ".aside").rename(store.folder / ".compact")
    assert_equal(tables(store), plain)
    assert store.runs(where="run_id = 'r-again'")["loss"].tolist() == [1.25]
    assert set(store.evals(where=f"run_id = '{row['run_id']}'")["value"]) == {0.5}
    compact(store)
    assert snapshot(store.folder, "runs").current
    assert_equal(tables(store), plain)


def test_files_are_looked_at_only_where_their_folder_has_changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    compact(store)
    plain = store.runs()
    looked: list[str] = []

    def looking(folder: Path, table: str) -> dict[str, Stamp]:
        looked.append(table)
        return stamps(folder, table)

    monkeypatch.setattr("workbench.store.snapshot.stamps", looking)
    pd.testing.assert_frame_equal(store.runs(), plain)
    assert not looked
    store.write_run(row_of(store) | {"run_id": "r-new"}, store.curves(row_of(store)["run_id"]))
    assert len(store.runs()) == len(plain) + 1
    assert looked == ["runs"]


@pytest.mark.parametrize("damage", ["index", "missing"])
def test_a_copy_that_cannot_be_read_is_not_used(store: Store, damage: str) -> None:
    before = store.curves()
    compact(store)
    copy = snapshot(store.folder, "curves").copy
    assert copy is not None
    if damage == "index":
        (store.folder / ".compact" / "curves.json").write_text("{")
    else:
        copy.unlink()
    pd.testing.assert_frame_equal(store.curves(), before)


def _work(folder: Path, stop: Any) -> None:
    """Commit runs and compact, as fast as it goes."""
    store = Store(folder)
    row, curve, made = row_of(store), store.curves("r-00000000"), 0
    while not stop.is_set():
        store.write_run(row | {"run_id": f"r-x{made:05d}"}, curve)
        made += 1
        if made % 3 == 0:
            compact(store, ("runs", "curves"))


def test_a_reader_sees_every_row_once_while_runs_are_added_and_compacted(store: Store) -> None:
    context = multiprocessing.get_context("fork")
    stop, polls, seen = context.Event(), 0, 0
    process = context.Process(target=_work, args=(store.folder, stop))
    process.start()
    try:
        first, end = len(store.runs()), time.monotonic() + 4
        points = len(store.curves("r-00000000"))
        while time.monotonic() < end:
            runs = store.runs()
            assert runs["run_id"].is_unique
            assert len(runs) >= max(seen, first)
            seen = len(runs)
            curves = store.curves(where="run_id LIKE 'r-x%'")
            assert (curves.groupby("run_id").size() == points).all()
            assert not curves.duplicated(["run_id", "step"]).any()
            polls += 1
    finally:
        stop.set()
        process.join()
    assert polls > 2 and seen > first


def test_a_compaction_that_is_killed_leaves_the_store_as_it_was(store: Store) -> None:
    before, context = tables(store), multiprocessing.get_context("fork")
    for delay in (0.045, 0.06, 0.09, 0.13):
        process = context.Process(target=compact, args=(store,))
        process.start()
        time.sleep(delay)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        assert_equal(tables(store), before)
    compact(store)
    assert_equal(tables(store), before)
    assert not list((store.folder / ".compact").glob(".*.tmp"))


def test_two_do_not_compact_at_once(store: Store) -> None:
    with compacting(store), pytest.raises(BadInput, match="is being compacted by another process"):
        compact(store)


@pytest.mark.parametrize("damage", ["cut", "overwritten", "no parquet"])
def test_a_damaged_copy_is_not_used_by_any_reader_and_is_made_anew(store: Store, damage: str) -> None:
    before = tables(store)
    compact(store)
    for copy in store.folder.glob(".compact/*.parquet"):
        content = copy.read_bytes()
        middle = bytes(len(content) - 6000)
        torn = {"cut": content[:500], "overwritten": content[:100] + middle + content[100 + len(middle) :]}
        copy.write_bytes(torn.get(damage, b"PAR1" * 300))
    assert_equal(tables(store), before)
    pd.testing.assert_frame_equal(store.curves(where="step >= 0"), before["curves"])
    rows = store.each_curve(["loss"], lambda curve: len(curve["loss"]))
    assert rows == before["curves"].groupby("run_id").size().to_dict()
    asked = "SELECT count(*) AS n, sum(loss) AS loss FROM curves"
    (row,) = store.query(asked).to_pylist()
    assert row["n"] == len(before["curves"]) and row["loss"] == pytest.approx(before["curves"]["loss"].sum())
    with pytest.raises(BadInput, match="query"):
        store.query("SELECT nothing FROM curves")
    if damage != "overwritten":  # else only its checksum tells, which `check` looks at
        compact(store)
        assert snapshot(store.folder, "curves").current
        assert_equal(tables(store), before)
