"""store.json is written anew from what a store's files say of themselves, and from nothing else."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from workbench.errors import BadInput
from workbench.store import Store
from workbench.store.checking import check, check_marker
from workbench.store.repairing import repair_marker
from workbench.store.schema import SCHEMA_VERSION

FIRST = Path(__file__).parents[1] / "data" / "first-release"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy of a store of the first release."""
    return Path(shutil.copytree(FIRST, tmp_path / "old"))


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"schema_version": "x"}'])
def test_a_marker_that_is_missing_or_damaged_is_found_and_written_anew(store: Store, text: str | None) -> None:
    marker = store.folder / "store.json"
    before, runs = marker.read_text(), store.runs()
    marker.unlink() if text is None else marker.write_text(text)
    with pytest.raises(BadInput, match=r"`workbench store repair .*` writes store.json anew"):
        Store(store.folder)
    if text is None:
        with pytest.raises(BadInput, match=r"`workbench store repair .*` writes store.json anew"):
            Store.create(store.folder)
    (found,) = check_marker(store.folder)
    assert found.wrong and found.path == "store.json"
    (done,) = repair_marker(store.folder)
    assert marker.read_text() == before and f"schema version {SCHEMA_VERSION}" in done.done
    assert (text is None) or (store.folder / ".broken" / "store.json").read_text() == text
    assert check_marker(store.folder) == [] and repair_marker(store.folder) == []
    pd.testing.assert_frame_equal(Store(store.folder).runs(), runs)


@pytest.mark.parametrize("migrated", [(), ("runs",), ("runs", "curves", "evals", "fits")])
def test_its_version_is_the_lowest_that_the_files_are_of(old: Path, migrated: tuple[str, ...]) -> None:
    new = Path(shutil.copytree(old, old.with_name("new")))
    Store(new).migrate()
    for table in migrated:
        shutil.copytree(new / table, old / table, dirs_exist_ok=True)
    (old / "store.json").unlink()
    repair_marker(old)
    assert Store(old).version == (SCHEMA_VERSION if "curves" in migrated else 1)
    assert migrated == ("runs",) or not any(one.wrong for one in check(Store(old)))


def test_a_folder_that_is_no_store_or_one_of_tomorrow_gets_no_marker(store: Store, tmp_path: Path) -> None:
    (tmp_path / "other" / "runs").mkdir(parents=True)
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other" / "runs" / "a.parquet")
    for folder in (tmp_path / "other", tmp_path / "nowhere"):
        with pytest.raises(BadInput, match="give the folder that a sweep wrote"):
            repair_marker(folder)
    (store.folder / "store.json").write_text(json.dumps({"schema_version": SCHEMA_VERSION + 1}))
    assert repair_marker(store.folder) == []
    with pytest.raises(BadInput, match="newer than this workbench reads"):
        Store(store.folder)
