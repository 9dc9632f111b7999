"""A store of the first release is read, asked, compacted and migrated by this code; one of tomorrow is refused."""

import json
import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from workbench.errors import BadInput
from workbench.store import Store
from workbench.store.checking import check
from workbench.store.compaction import compact
from workbench.store.merging import replace_small
from workbench.store.repairing import repair
from workbench.store.schema import SCHEMA_VERSION, TABLES

FIRST = Path(__file__).parents[1] / "data" / "first-release"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    shutil.copytree(FIRST, tmp_path / "store")
    return Store(tmp_path / "store")


def added(table: str) -> list[str]:
    """Columns that the first release did not know."""
    return [column.name for column in TABLES[table] if column.since > 1]


def test_it_is_of_the_first_version(store: Store) -> None:
    assert json.loads((FIRST / "store.json").read_text())["schema_version"] == 1 and store.version == 1


@pytest.mark.parametrize("form", ["as it is", "compacted", "replaced"])
def test_it_is_read_with_what_is_newer_missing(store: Store, form: str) -> None:
    plain = {table: pd.read_parquet(FIRST / table) for table in TABLES}
    if form != "as it is":
        (compact if form == "compacted" else replace_small)(store)
    assert list(store.runs()["status"]) == ["done", "done", "diverged"]
    curves = store.curves()
    assert curves[added("curves")].isna().all(axis=None)
    pd.testing.assert_frame_equal(curves[list(plain["curves"])], plain["curves"])
    assert store.runs(where="loss < 2.9")["run_id"].tolist() == ["r-000000000001"]
    asked = store.query("SELECT loss, noise_scale FROM curves WHERE point = 'final' ORDER BY run_id").to_pylist()
    assert asked[:2] == [{"loss": 3.0, "noise_scale": None}, {"loss": 2.75, "noise_scale": None}]
    assert len(store.evals()) == len(plain["evals"]) and len(store.fits()) == len(plain["fits"])
    assert [one.kind for one in check(store)] == ["runs missing"]


@pytest.mark.parametrize("form", ["as it is", "compacted", "replaced"])
def test_every_reader_sees_the_new_columns_of_a_migrated_store(store: Store, form: str) -> None:
    before = store.curves()
    if form != "as it is":
        (compact if form == "compacted" else replace_small)(store)
    store.migrate()
    pd.testing.assert_frame_equal(Store(store.folder).curves(), before)
    assert Store(store.folder).version == SCHEMA_VERSION
    assert not any(one.wrong for one in check(store))
    for table, columns in TABLES.items():
        names, folder = [column.name for column in columns], store.folder / table
        assert list(pd.read_parquet(folder).columns) == names
        assert [one[0] for one in duckdb.execute(f"DESCRIBE SELECT * FROM '{folder}/*.parquet'").fetchall()] == names


def test_polars_sees_the_new_columns_too(store: Store) -> None:
    polars = pytest.importorskip("polars")
    store.migrate()
    for table, columns in TABLES.items():
        assert polars.read_parquet(store.folder / table).columns == [column.name for column in columns]


def test_a_store_of_a_later_version_is_refused_in_a_sentence(store: Store) -> None:
    document = {"format": "scaling-law-workbench", "schema_version": SCHEMA_VERSION + 1}
    (store.folder / "store.json").write_text(json.dumps(document))
    with pytest.raises(BadInput, match=r"is newer than this workbench reads \(\d+\); upgrade the workbench$"):
        Store(store.folder)


@pytest.mark.parametrize("table", ["runs", "curves"])
def test_a_copy_older_than_its_migrated_store_still_mends_a_torn_file(store: Store, table: str) -> None:
    compact(store)
    store.migrate()
    before = {"runs": store.runs(), "curves": store.curves()}
    path = store.folder / table / "r-000000000001.parquet"
    path.write_bytes(path.read_bytes()[:900])
    first, *_ = repair(store)
    assert first.lost == "nothing" and first.done.endswith("written anew from the compacted copy")
    assert not any(one.wrong for one in check(store))
    pd.testing.assert_frame_equal(store.runs(), before["runs"])
    pd.testing.assert_frame_equal(store.curves(), before["curves"])
    assert list(pd.read_parquet(path).columns) == [column.name for column in TABLES[table]]


def test_a_file_of_the_first_version_in_a_migrated_store_is_read_and_given_the_new_columns(store: Store) -> None:
    store.migrate()
    before, name = store.curves(), "curves/r-000000000001.parquet"
    shutil.copy(FIRST / name, store.folder / name)
    pd.testing.assert_frame_equal(store.curves(), before)
    assert [one.kind for one in check(store) if one.wrong] == ["schema"]
    assert [one.path for one in repair(store)] == [name]
    assert not any(one.wrong for one in check(store))
    assert list(pd.read_parquet(store.folder / name).columns) == [column.name for column in TABLES["curves"]]
