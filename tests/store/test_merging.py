"""Small files give way to one per table: nothing is lost, nothing doubled, and the store goes on as before."""

from typing import Any

import pandas as pd
import pytest

from workbench.errors import BadInput
from workbench.store import AlreadyFinished, Store, merging, swapping
from workbench.store.checking import check
from workbench.store.compaction import compact
from workbench.store.merging import replace_small
from workbench.store.repairing import repair
from workbench.store.schema import TABLES


@pytest.fixture
def store(store: Store) -> Store:
    """With one failed run besides."""
    store.write_run(row_of(store) | {"run_id": "r-failed", "status": "failed"}, store.curves("r-00000000").head(2))
    store.write_fit({"law": "chinchilla", "objective": "huber", "objective_value": 1e-3, "n_points": 9})
    return store


def row_of(store: Store) -> dict[str, Any]:
    return {str(name): value for name, value in store.runs().iloc[0].items()}


def tables(store: Store) -> dict[str, pd.DataFrame]:
    return {"runs": store.runs(), "curves": store.curves(), "evals": store.evals(), "fits": store.fits()}


def assert_equal(found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    for table in TABLES:
        pd.testing.assert_frame_equal(found[table], expected[table])


def test_every_row_is_there_once_for_the_store_and_for_plain_pandas(store: Store) -> None:
    before = tables(store)
    compact(store)
    done = {one.table: one for one in replace_small(store)}
    assert done["runs"].kept == done["curves"].kept == ("r-failed.parquet",)
    assert {path.name for path in (store.folder / "runs").iterdir()} == {"merged@runs.parquet", "r-failed.parquet"}
    assert_equal(tables(store), before)
    for table in TABLES:
        plain = pd.read_parquet(store.folder / table)
        assert len(plain) == len(before[table])
        assert list(plain.columns) == list(before[table].columns)
    assert not list(store.folder.glob(".old-*")) and not list(store.folder.glob(".new-*"))


def test_a_store_goes_on_after_its_files_were_replaced(store: Store) -> None:
    row, curve, before = row_of(store), store.curves("r-00000000"), tables(store)
    replace_small(store)
    assert store.has_run(row["run_id"]) and store.finished(row["run_id"]) and not store.has_run("r-new")
    pd.testing.assert_frame_equal(store.curves(row["run_id"]), curve)
    asked = ["r-00000007", "r-failed", "r-00000002", "r-nobody"]
    assert list(store.runs_by_id(asked)["run_id"]) == asked[:3]
    with pytest.raises(AlreadyFinished):
        store.write_run(row, curve)
    store.write_run(row | {"run_id": "r-new"}, curve)
    store.write_run(row | {"run_id": "r-failed"}, curve)
    assert len(store.runs()) == len(before["runs"]) + 1
    assert len(pd.read_parquet(store.folder / "runs")) == len(before["runs"]) + 1
    measured = store.evals(where=f"run_id = '{row['run_id']}'")
    store.write_evals(row["run_id"], int(row["steps"]), measured.assign(value=0.5))
    assert set(store.evals(where=f"run_id = '{row['run_id']}'")["value"]) == {0.5}
    assert len(pd.read_parquet(store.folder / "evals")) == len(before["evals"])
    store.write_fit({"law": "chinchilla", "objective": "huber", "objective_value": 1e-3, "n_points": 9})
    assert len(store.fits()) == 1
    compact(store)
    then = tables(store)
    (again,) = (one for one in replace_small(store) if one.table == "runs")
    assert again.files == 2 and again.rows == len(before["runs"]) + 1
    assert_equal(tables(store), then)


@pytest.mark.parametrize("fault", ["checked", "named", "gap", "swapped"])
@pytest.mark.parametrize("next_act", ["write", "replace", "create"])
def test_a_replacement_that_is_cut_short_is_finished_or_undone(
    store: Store, monkeypatch: pytest.MonkeyPatch, fault: str, next_act: str
) -> None:
    before, row, curve = tables(store), row_of(store), store.curves("r-00000000")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if fault == "checked":
            patched.setattr(merging, "drop", killed)
        elif fault == "named":
            patched.setattr(merging, "swap", killed)
        elif fault == "gap":
            patched.setattr(swapping, "_finish", killed)
        else:
            patched.setattr("shutil.rmtree", lambda path, **_: killed() if ".old-" in str(path) else None)
        with pytest.raises(KeyboardInterrupt):
            replace_small(store)
    if next_act == "write":
        store.write_run(row | {"run_id": "r-new"}, curve)
        assert len(store.runs()) == len(before["runs"]) + 1
        assert len(pd.read_parquet(store.folder / "runs")) == len(before["runs"]) + 1
    else:
        if next_act == "replace":
            replace_small(store)
        Store.create(store.folder)
        assert_equal(tables(store), before)
        for table in TABLES:
            assert len(pd.read_parquet(store.folder / table)) == len(before[table])
    assert not list(store.folder.glob(".old-*"))


def test_a_torn_merged_file_is_named_to_whoever_asks_with_what_to_do(store: Store) -> None:
    replace_small(store)
    path = store.folder / "runs" / "merged@runs.parquet"
    path.write_bytes(path.read_bytes()[:900])
    for act in (
        store.runs,
        lambda: store.runs(where="loss < 3"),
        lambda: store.query("SELECT 1 FROM runs"),
        lambda: store.has_run("r-1"),
        lambda: store.finished("r-1"),
    ):
        with pytest.raises(BadInput, match=r"merged@runs.parquet: not a readable .*; `workbench store check .* repair"):
            act()


def test_a_store_whose_merged_rows_are_torn_says_which_runs_it_has_lost_until_they_are_trained_again(
    store: Store,
) -> None:
    runs, curves = store.runs(), store.curves()
    replace_small(store)
    path = store.folder / "runs" / "merged@runs.parquet"
    path.write_bytes(path.read_bytes()[:900])
    ids = sorted(runs["run_id"])
    lost = [
        ("curves/merged@curves.parquet", f"has curves of 40 runs ({ids[0]}, {ids[1]}, …) without rows"),
        ("sweeps/simulated.json", "lost 40 runs"),
    ]
    for _ in range(2):
        wrong = [one for one in check(store) if one.wrong and one.kind != "unreadable"]
        assert [(one.path, one.what[: len(words)]) for one, (_, words) in zip(wrong, lost, strict=True)] == lost
        assert {one.kind for one in wrong} == {"runs lost"}
        repair(store)
    assert repair(store) == []
    for row in runs.to_dict("records"):
        again = curves[curves["run_id"] == row["run_id"]].assign(seconds=1.0)
        store.write_run({str(name): value for name, value in row.items()}, again)
    assert check(store) == []
    pd.testing.assert_frame_equal(store.runs(), runs)
    pd.testing.assert_frame_equal(store.curves(), curves.assign(seconds=1.0))


def test_a_store_whose_merged_curves_are_torn_says_that_they_are_lost(store: Store) -> None:
    replace_small(store)
    path = store.folder / "curves" / "merged@curves.parquet"
    path.write_bytes(path.read_bytes()[:900])
    repair(store)
    (found,) = check(store)
    assert (found.kind, found.path, found.wrong) == ("curves lost", "runs", True) and "has 40 runs" in found.what
