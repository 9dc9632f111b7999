"""A store is a folder that pandas reads with no help, never half-written, and refuses what it cannot read."""

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from workbench.errors import BadInput
from workbench.store import Store
from workbench.store.schema import RUNS, SCHEMA_VERSION, TABLES, arrow_schema, arrow_table, documentation


def test_plain_pandas_reads_every_table(store: Store) -> None:
    for table, columns in TABLES.items():
        if any((store.folder / table).iterdir()):
            assert list(pd.read_parquet(store.folder / table).columns) == [column.name for column in columns]
    assert len(pd.read_parquet(store.folder / "runs")) == len(store.runs())


def test_columns_are_typed_and_explained() -> None:
    schema = arrow_schema("runs")
    assert schema.metadata[b"workbench_schema_version"] == str(SCHEMA_VERSION).encode()
    assert all(column.meaning for column in RUNS)
    assert (Path(__file__).parents[2] / "docs" / "store.md").read_text() == documentation()


def test_where_filters_by_a_duckdb_expression(store: Store) -> None:
    largest = store.runs()["n_params"].max()
    assert set(store.runs(where=f"n_params = {largest} AND status = 'done'")["n_params"]) == {largest}


@pytest.mark.parametrize(
    "expression", ["n_parms > 3", "loss <", "1=1; DROP TABLE runs", "loss > read_text('/etc/passwd')"]
)
def test_a_bad_expression_is_refused_in_a_sentence(store: Store, expression: str) -> None:
    with pytest.raises(BadInput, match="where = "):
        store.runs(where=expression)


def test_a_run_is_found_by_a_unique_prefix(store: Store) -> None:
    run_id = store.runs()["run_id"].iloc[0]
    assert store.run(run_id)["run_id"] == run_id
    with pytest.raises(BadInput, match="runs with an id that begins with 'r-'"):
        store.run("r-")
    with pytest.raises(BadInput, match="no run with an id that begins with 'x'"):
        store.run("x")


def test_a_corrupt_parquet_file_is_named(store: Store) -> None:
    victim = next((store.folder / "runs").glob("*.parquet"))
    victim.write_bytes(b"PAR1 not really")
    with pytest.raises(BadInput, match=rf"{victim.name}: not a readable .*; `workbench store check .* repair .* mends"):
        store.runs()


def test_a_newer_schema_is_refused(store: Store) -> None:
    (store.folder / "store.json").write_text(json.dumps({"schema_version": SCHEMA_VERSION + 1}))
    with pytest.raises(BadInput, match=r"schema_version = 6 is newer than this workbench reads \(5\); upgrade"):
        Store(store.folder)


def older(store: Store, version: int = 1) -> Store:
    """The same runs in a store of an older version: the first knew no noise scale, the second only the ratio, and
    neither a trunk."""
    for table in ("runs", "curves"):
        for file in (store.folder / table).glob("*.parquet"):
            pq.write_table(arrow_table(table, pd.read_parquet(file), version=version), file)
    (store.folder / "store.json").write_text(json.dumps({"schema_version": version}))
    return Store(store.folder)


NOISE = ("noise_scale", "grad_square", "grad_trace")


def measured(store: Store) -> pd.DataFrame:
    """Curves with numbers in the columns that are newer, written to the store."""
    for file in (store.folder / "curves").glob("*.parquet"):
        frame = pd.read_parquet(file)
        newer = {name: np.arange(len(frame)) + 0.5 * i for i, name in enumerate(NOISE)}
        pq.write_table(arrow_table("curves", frame.assign(**newer)), file)
    return store.curves()


def test_an_older_store_is_read_with_what_is_newer_missing_and_stays_as_it_is(store: Store) -> None:
    before = store.curves()
    old = older(store)
    pd.testing.assert_frame_equal(old.curves(), before.assign(noise_scale=float("nan")))
    row: dict[str, Any] = {str(name): value for name, value in old.runs().iloc[0].items()}
    old.write_run(row | {"run_id": "r-new"}, before[before["run_id"] == row["run_id"]])
    assert "noise_scale" not in pd.read_parquet(store.folder / "curves" / "r-new.parquet").columns
    pd.testing.assert_series_equal(old.curves("r-new")["loss"], old.curves(row["run_id"])["loss"])


@pytest.mark.parametrize(("version", "lost"), [(1, NOISE), (2, NOISE[1:])])
def test_a_migrated_store_has_every_column_and_every_number(store: Store, version: int, lost: tuple[str, ...]) -> None:
    before, old = measured(store), older(store, version)
    assert old.migrate() == 2 * before["run_id"].nunique()
    assert old.version == Store(store.folder).version == SCHEMA_VERSION
    assert set(NOISE) <= set(pd.read_parquet(store.folder / "curves").columns)
    assert {"trunk_id", "branch_step"} <= set(pd.read_parquet(store.folder / "runs").columns)
    pd.testing.assert_frame_equal(old.curves(), before.assign(**dict.fromkeys(lost, float("nan"))))
    assert old.migrate() == 0


def test_a_migration_that_was_interrupted_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before, old = store.curves(), older(store)
    with monkeypatch.context() as patched:
        written = iter(range(3))
        real = pq.write_table

        def stumble(*args: Any, **settings: Any) -> None:
            if next(written) == 2:
                raise KeyboardInterrupt
            real(*args, **settings)

        patched.setattr("pyarrow.parquet.write_table", stumble)
        with pytest.raises(KeyboardInterrupt):
            old.migrate()
    assert Store(store.folder).version == 1
    pd.testing.assert_frame_equal(Store(store.folder).curves(), before.assign(noise_scale=float("nan")))
    Store(store.folder).migrate()
    pd.testing.assert_frame_equal(Store(store.folder).curves(), before.assign(noise_scale=float("nan")))


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"not a store \(it has no store\.json\)"):
        Store(tmp_path)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(BadInput, match="the folder is not empty and not a store"):
        Store.create(tmp_path)


def test_a_marker_that_is_not_json_is_refused(store: Store) -> None:
    (store.folder / "store.json").write_text("version one")
    with pytest.raises(BadInput, match="not a store's marker"):
        Store(store.folder)


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/b", "", ".hidden", "x" * 101])
def test_names_cannot_leave_the_folder(store: Store, name: str) -> None:
    with pytest.raises(BadInput, match="use letters, digits"):
        store.checkpoints(name)
    with pytest.raises(BadInput, match="use letters, digits"):
        store.manifest(name)


def test_a_full_disk_is_one_sentence_and_leaves_the_old_table(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = store.runs()
    row: dict[str, Any] = {str(name): value for name, value in before.iloc[0].items()}

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.write_table", full)
    with pytest.raises(BadInput, match=r"the disk is full; free some space and run the same command again"):
        store.write_run(row | {"run_id": "r-new"}, store.curves(row["run_id"]))
    pd.testing.assert_frame_equal(store.runs(), before)
    assert not list(store.folder.rglob("*.tmp"))


def test_a_fit_is_stored_once(store: Store) -> None:
    record = {"law": "chinchilla", "objective": "huber", "objective_value": 1e-3, "n_points": 9, "convention": "n"}
    assert store.write_fit(record) == store.write_fit(dict(reversed(record.items())))
    assert json.loads(store.fits()["record"].iloc[-1])["law"] == "chinchilla"


def test_the_same_probe_again_replaces_its_rows(store: Store) -> None:
    row = {"probe": "p", "probe_hash": "h", "metric": "m", "key": "", "value": 1.0, "se": 0.1, "n": 5, "settings": "{}"}
    for value in (1.0, 2.0):
        store.write_evals("r-1", 7, pd.DataFrame([row | {"value": value}]))
    assert list(store.evals(where="run_id = 'r-1'")["value"]) == [2.0]


def test_an_unknown_sweep_is_refused_with_the_known_ones(store: Store) -> None:
    store.write_manifest({"name": "grid"})
    with pytest.raises(BadInput, match=r"no sweep named 'gird'; the sweeps here are: .*grid"):
        store.manifest("gird")
