"""Every kind of damage is found, what can be mended is mended, and a whole store has no findings."""

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.store import Store
from workbench.store.checking import check
from workbench.store.compaction import compact
from workbench.store.garbage import collect
from workbench.store.merging import replace_small
from workbench.store.repairing import repair
from workbench.store.snapshot import snapshot

RUN = "r-00000005"


def kinds(store: Store) -> dict[str, bool]:
    """What is found → whether it is wrong."""
    return {one.kind: one.wrong for one in check(store)}


def test_a_whole_store_has_no_findings_whatever_form_it_has(store: Store) -> None:
    assert check(store) == []
    compact(store)
    assert check(store) == []
    replace_small(store)
    assert check(store) == []


def test_a_torn_row_is_set_aside_with_its_curve_and_the_command_that_trains_it_again_is_named(store: Store) -> None:
    path = store.folder / "runs" / f"{RUN}.parquet"
    path.write_bytes(path.read_bytes()[:900])
    assert kinds(store) == {"unreadable": True}
    first, *_ = done = repair(store)
    assert first.path == f"runs/{RUN}.parquet"
    assert "`workbench sweep run` with the definition of simulated" in first.lost
    assert [one.path for one in done] == [f"runs/{RUN}.parquet", f"curves/{RUN}.parquet"]
    assert (store.folder / ".broken" / "runs" / f"{RUN}.parquet").stat().st_size == 900
    assert kinds(store) == {"orphan evals": False, "runs lost": True}
    assert len(store.runs()) == len(pd.read_parquet(store.folder / "runs")) == 39
    assert repair(store) == []


@pytest.mark.parametrize("table", ["runs", "curves"])
def test_a_torn_file_is_written_anew_from_the_compacted_copy(store: Store, table: str) -> None:
    before = {"runs": store.runs(), "curves": store.curves()}
    compact(store)
    path = store.folder / table / f"{RUN}.parquet"
    path.write_bytes(path.read_bytes()[:900])
    first, *_ = repair(store)
    assert first.lost == "nothing" and first.done.endswith("written anew from the compacted copy")
    assert not any(one.wrong for one in check(store))
    pd.testing.assert_frame_equal(store.runs(), before["runs"])
    pd.testing.assert_frame_equal(store.curves(), before["curves"])
    assert len(pd.read_parquet(store.folder / table)) == len(before[table])


def test_a_lost_curve_sends_its_row_after_it(store: Store) -> None:
    row = {str(name): value for name, value in store.run(RUN).items()}
    curve = store.curves(RUN)
    (store.folder / "curves" / f"{RUN}.parquet").unlink()
    assert kinds(store) == {"no curve": True}
    (done,) = repair(store)
    assert done.path == f"runs/{RUN}.parquet" and RUN in done.lost
    assert not store.has_run(RUN)
    (lost,) = [one for one in check(store) if one.wrong]
    assert lost.path == "sweeps/simulated.json" and lost.what.startswith(f"lost 1 run ({RUN}) of 40: ")
    store.write_run(row, curve)
    assert check(store) == []


def test_a_curve_without_a_row_is_no_error_and_is_set_aside(store: Store) -> None:
    (store.folder / "runs" / f"{RUN}.parquet").unlink()
    assert not any(one.wrong for one in check(store))
    assert [one.path for one in repair(store)] == [f"curves/{RUN}.parquet"]


def test_a_file_of_other_columns_or_names_is_found(store: Store) -> None:
    path = store.folder / "curves" / f"{RUN}.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["noise_scale"]), path)
    shutil.copy(store.folder / "curves" / "r-00000001.parquet", store.folder / "curves" / "copy.parquet")
    found = kinds(store)
    assert found["unreadable"] and found["misnamed"] and found["doubled"]


def test_flipped_bits_are_found_in_copies_and_in_weights(store: Store) -> None:
    compact(store)
    before, copy = store.curves(), snapshot(store.folder, "curves").copy
    assert copy is not None
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    step = store.checkpoints(RUN) / "7"
    step.mkdir(parents=True)
    (step / "model.safetensors").write_bytes(b"weights")
    (step / "state.json").write_text(json.dumps({"sha256": {"model.safetensors": "0" * 64}}))
    assert [one.kind for one in check(store)] == ["checksum", "checksum"]
    assert len(repair(store)) == 2
    assert check(store) == []
    pd.testing.assert_frame_equal(store.curves(), before)


def test_leftovers_and_copies_that_are_behind_are_notes_and_go(store: Store) -> None:
    compact(store)
    os.utime(store.folder / "curves" / f"{RUN}.parquet", (1e9, 1e9))
    left = store.folder / "runs" / ".r-1.parquet.0123.tmp"
    left.touch()
    os.utime(left, (1e9, 1e9))
    assert kinds(store) == {"stale temporary": False, "stale copy": False}
    repair(store)
    assert check(store) == [] and not left.exists()


def test_only_what_nothing_can_resume_is_collected(store: Store) -> None:
    row = {str(name): value for name, value in store.runs().iloc[0].items()}
    for run_id, status in (("r-div", "diverged"), ("r-fail", "failed")):
        store.write_run(row | {"run_id": run_id, "status": status}, store.curves(RUN))
    for run_id in (RUN, "r-00000006", "r-div", "r-fail", "r-unknown"):
        for step in ("10", "20"):
            folder = store.checkpoints(run_id) / step
            folder.mkdir(parents=True)
            for name in ("model.safetensors", "state.json", *(["optimizer.safetensors"] if step == "10" else [])):
                (folder / name).write_bytes(b"x" * 100)
    pack = store.checkpoints("p-1") / "5"
    pack.mkdir(parents=True)
    (pack / "state.json").write_text(json.dumps({"runs": {RUN: {}, "r-fail": {}}}))

    def held(run_id: str) -> bool:
        return run_id == "r-00000006"

    listed = collect(store, held, dry_run=True)
    before = sorted(store.folder.rglob("*"))
    assert [(one.path, one.bytes) for one in listed] == [(f"checkpoints/{RUN}/10", 300), ("checkpoints/r-div", 500)]
    assert sorted(store.folder.rglob("*")) == before
    assert collect(store, held) == listed
    left = {str(path.relative_to(store.folder / "checkpoints")) for path in store.folder.glob("checkpoints/*/*")}
    both = {f"{run_id}/{step}" for run_id in ("r-00000006", "r-fail", "r-unknown") for step in (10, 20)}
    assert left == both | {f"{RUN}/20", "p-1/5"}
    assert [one.path for one in collect(store, held, unknown=True)] == ["checkpoints/r-unknown"]


def copied(store: Store, table: str, source: str, target: str) -> Path:
    """A run's file under another name too."""
    folder = store.folder / table
    return Path(shutil.copy(folder / f"{source}.parquet", folder / f"{target}.parquet"))


@pytest.mark.parametrize("table", ["runs", "curves"])
@pytest.mark.parametrize("other", ["r-0", "r-z"])
def test_of_two_files_with_the_same_rows_the_misnamed_one_goes(store: Store, table: str, other: str) -> None:
    before = {"runs": store.runs(), "curves": store.curves()}
    copied(store, table, RUN, other)
    found = [(one.kind, one.path) for one in check(store) if one.wrong]
    assert found == [("misnamed", f"{table}/{other}.parquet"), ("doubled", f"{table}/{other}.parquet")]
    (done,) = repair(store)
    assert done.done == f"moved to .broken/{table}/{other}.parquet" and done.lost.startswith("nothing")
    assert (store.folder / table / f"{RUN}.parquet").is_file()
    assert check(store) == [] and repair(store) == []
    pd.testing.assert_frame_equal(store.runs(), before["runs"])
    pd.testing.assert_frame_equal(store.curves(), before["curves"])


def test_rows_under_the_wrong_name_get_their_own_where_it_is_free(store: Store) -> None:
    before, runs = store.runs(), store.folder / "runs"
    (runs / f"{RUN}.parquet").rename(runs / "r-0.parquet")
    assert [one.path for one in repair(store)] == ["runs/r-0.parquet"]
    assert check(store) == [] and sorted((store.folder / ".broken").rglob("*.parquet")) == []
    pd.testing.assert_frame_equal(store.runs(), before)


def test_files_that_have_each_others_names_are_exchanged(store: Store) -> None:
    before, runs = store.runs(), store.folder / "runs"
    names = [f"r-0000000{number}.parquet" for number in (1, 2, 3)]
    contents = [(runs / name).read_bytes() for name in names]
    for name, content in zip(names, [contents[1], contents[2], contents[0]], strict=True):
        (runs / name).write_bytes(content)
    assert repair(store)
    assert check(store) == []
    assert [(runs / name).read_bytes() for name in names] == contents
    pd.testing.assert_frame_equal(store.runs(), before)


def test_a_file_with_the_rows_of_several_runs_is_divided(store: Store) -> None:
    before, runs = store.runs(), store.folder / "runs"
    one, two = runs / f"{RUN}.parquet", runs / "r-00000006.parquet"
    pq.write_table(pa.concat_tables([pq.read_table(one), pq.read_table(two)]), one)
    two.unlink()
    (done,) = repair(store)
    assert done.done.startswith(f"kept in .broken/runs/{one.name}; rows of r-00000006, {RUN} are in")
    assert check(store) == []
    pd.testing.assert_frame_equal(store.runs(), before)


def test_rows_of_a_name_that_no_file_may_have_are_set_aside(store: Store) -> None:
    path = store.folder / "runs" / f"{RUN}.parquet"
    row = pq.read_table(path)
    pq.write_table(row.set_column(0, "run_id", pa.array(["../../r-1"])), store.folder / "runs" / "r-1.parquet")
    (done,) = repair(store)
    assert done.path == "runs/r-1.parquet" and "'../../r-1', which is no name" in done.lost
    assert check(store) == []


def test_a_misnamed_file_of_a_replaced_store_goes_where_its_rows_are_in_the_merged_file(store: Store) -> None:
    before, path = store.runs(), store.folder / "runs" / f"{RUN}.parquet"
    content = path.read_bytes()
    replace_small(store)
    path.with_name("r-0.parquet").write_bytes(content)
    path.write_bytes(content)
    assert sorted(one.path for one in repair(store)) == ["runs/r-0.parquet", f"runs/{RUN}.parquet"]
    assert check(store) == []
    pd.testing.assert_frame_equal(store.runs(), before)
