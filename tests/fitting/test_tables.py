"""Tables in: what is read, mapped, filtered, refused."""

import numpy as np
import pandas as pd
import pytest

from tests.factories import make_runs
from tests.fitting.designs import isoflop
from workbench.errors import BadInput
from workbench.fitting import from_runs, read_table
from workbench.fitting.tables import canonical, filtered


def test_data_is_read_off_compute_where_it_is_missing_and_the_note_says_so(tmp_path):
    path = tmp_path / "runs.csv"
    isoflop()[["n", "c", "loss"]].rename(columns={"n": "size", "c": "work"}).to_csv(path, index=False)
    table = read_table(path, {"n": "size", "c": "work"})
    assert table["d"].to_numpy() == pytest.approx(isoflop()["d"].to_numpy())
    assert table.attrs["conventions"]["D"] == "C/(6N)"
    assert "D is C/(6N)" in table.attrs["notes"][0]


def test_compute_is_6nd_where_it_is_missing():
    table = canonical(pd.DataFrame({"params": [10.0], "tokens": [200.0], "loss": [3.0]}))
    assert table["c"].tolist() == [12_000.0]
    assert table.attrs["conventions"]["C"] == "6ND"


def test_parquet_and_csv_read_alike(tmp_path):
    isoflop().to_csv(tmp_path / "a.csv", index=False)
    isoflop().to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.csv"), read_table(tmp_path / "a.parquet"))


def test_where_keeps_the_rows_for_which_it_is_true():
    table = isoflop().assign(loss=lambda t: t["loss"].where(t.index != 2))
    kept = filtered(table, "loss < 5 AND n > 30000")
    expected = table[(table["loss"] < 5) & (table["n"] > 30000)]
    pd.testing.assert_frame_equal(kept, expected)


@pytest.mark.parametrize(
    "where",
    ["loss <", "nothing = 1", "'word'", "1; DROP TABLE source", "loss IN (SELECT * FROM read_csv('/etc/passwd'))"],
)
def test_a_filter_that_is_no_expression_is_refused_and_quoted(where):
    with pytest.raises(BadInput) as caught:
        filtered(isoflop(), where)
    assert where in str(caught.value)


def test_a_filter_that_keeps_nothing_is_refused():
    with pytest.raises(BadInput, match="no row of"):
        filtered(isoflop(), "loss < 0")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", "", "is empty"),
        ("header.csv", "n,d,loss\n", "no rows"),
        ("words.csv", "n,d,loss\n1e6,2e7,low\n", "column loss, row 1: 'low' is not a number"),
        ("columns.csv", "size,d,value\n1,2,3\n", "has no column 'loss' for loss; it has size, d, value"),
        ("corrupt.parquet", "PAR1 this is no parquet", "cannot be read as parquet"),
        ("table.xlsx", "x", "ends in '.xlsx'"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(BadInput, match=message) as caught:
        read_table(path)
    assert name in str(caught.value)


def test_a_missing_file_and_a_wrong_mapping_are_refused(tmp_path):
    with pytest.raises(BadInput, match="is not a file"):
        read_table(tmp_path / "none.csv")
    isoflop().to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(BadInput, match="no column 'params' for n; it has"):
        read_table(tmp_path / "a.csv", {"n": "params"})
    with pytest.raises(BadInput, match="columns names 'size'"):
        read_table(tmp_path / "a.csv", {"size": "n"})


def test_runs_become_a_table_without_rate_checks_and_failures():
    runs, curves, _ = make_runs(0)
    runs.loc[0, "status"] = "diverged"
    table = from_runs(runs, curves)
    final = table[table["point"] == "final"]
    assert len(final) == 31 and "r-00000000" not in set(table["run_id"])
    assert any("1 run with status diverged" in note for note in table.attrs["notes"])
    assert any("8 runs at another learning rate" in note for note in table.attrs["notes"])
    assert len(from_runs(runs, keep_rate_checks=True)) == 39
    middle = table[table["point"] == "mid-schedule"]
    assert len(middle) and middle["loss"].notna().all() and np.isfinite(middle["n"]).all()


def test_runs_without_the_columns_of_a_store_are_refused():
    with pytest.raises(BadInput, match="no column flops, loss"):
        from_runs(pd.DataFrame({"n_params": [1], "tokens": [2]}))
