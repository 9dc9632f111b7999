"""`workbench store migrate` brings an older store to this version's columns, once."""

import json
import shutil

import pandas as pd

from workbench.store import Store, reference_store
from workbench.store.schema import SCHEMA_VERSION


def test_the_reference_store_of_the_first_version_is_migrated(run, tmp_path):
    folder = tmp_path / "store"
    shutil.copytree(reference_store(), folder)
    before = Store(folder).curves()
    code, out, _ = run("store", "migrate", folder, "--json")
    assert code == 0
    assert json.loads(out) == {
        "store": str(folder),
        "from": 1,
        "to": SCHEMA_VERSION,
        "files": 2 * len(Store(folder).runs()),  # runs and curves
    }
    pd.testing.assert_frame_equal(Store(folder).curves(), before)
    assert "already" in run("store", "migrate", folder)[1]


def test_what_is_written_anew_is_counted_and_a_copy_that_is_behind_is_named(run, tmp_path):
    folder = tmp_path / "store"
    shutil.copytree(reference_store(), folder)
    run("store", "compact", folder, "--replace")
    for table in ("evals", "curves"):
        shutil.rmtree(folder / table)
    assert (
        run("store", "migrate", folder)[1] == f"{folder}: schema version 1 → {SCHEMA_VERSION}, 1 file written anew.\n"
    )
    shutil.rmtree(folder)
    shutil.copytree(reference_store(), folder)
    run("store", "compact", folder)
    assert run("store", "migrate", folder)[1].endswith(
        f"behind now; `workbench store compact {folder}` makes them anew.\n"
    )


def test_a_folder_that_is_no_store_is_refused(run, tmp_path):
    code, _, err = run("store", "migrate", tmp_path)
    assert code == 2 and "not a store" in err
