"""Curves one after another: the same numbers as the whole table, from small files, from a copy, and from both."""

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadInput
from workbench.store import Store
from workbench.store.compaction import compact
from workbench.store.streaming import Curve

COLUMNS = ("step", "loss", "noise_scale")


def same(curve: Curve) -> pd.DataFrame:
    return pd.DataFrame(curve)


def assert_equal_to_the_table(store: Store, found: dict[str, pd.DataFrame]) -> None:
    expected = {str(run_id): rows for run_id, rows in store.curves().groupby("run_id")}
    assert set(found) == set(expected)
    for run_id, rows in found.items():
        wanted = expected[run_id][list(COLUMNS)].astype(float).reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, wanted)


def test_each_curve_is_that_of_the_table_before_and_after_compaction(store: Store):
    assert_equal_to_the_table(store, store.each_curve(COLUMNS, same))
    compact(store)
    assert_equal_to_the_table(store, store.each_curve(COLUMNS, same))


def test_a_run_that_was_written_anew_is_seen_once_and_as_it_is_now(store: Store):
    row = {str(key): value for key, value in store.runs().iloc[0].items()}
    failed = row | {"run_id": "r-again", "status": "failed"}
    store.write_run(failed, store.curves(row["run_id"]).head(3))
    compact(store)
    store.write_run(failed | {"status": "done"}, store.curves(row["run_id"]))
    found = store.each_curve(COLUMNS, same)
    assert len(found["r-again"]) == len(store.curves(row["run_id"]))
    assert_equal_to_the_table(store, found)


def test_of_a_few_runs_only_they_are_handed_out(store: Store):
    compact(store)
    wanted = ["r-00000003", "r-00000020"]
    assert set(store.each_curve(COLUMNS, same, wanted)) == set(wanted)
    assert store.each_curve(COLUMNS, same, []) == {}


def test_what_was_not_recorded_is_nan(store: Store):
    compact(store)
    assert all(np.isnan(curve["noise_scale"]).all() for curve in store.each_curve(COLUMNS, same).values())


def test_a_broken_file_is_named(store: Store):
    (store.folder / "curves" / "r-00000003.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(BadInput, match="r-00000003"):
        store.each_curve(COLUMNS, same)
