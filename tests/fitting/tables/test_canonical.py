"""Tables in: every format alike, values no run can have refused by their row, rows left out named."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import make_runs
from tests.fitting.designs import isoflop
from tests.fitting.files import refusal, written
from workbench.errors import BadInput
from workbench.fitting import from_runs, read_table
from workbench.fitting.tables.canonical import canonical, checked


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


def write(table: pd.DataFrame, path: Path) -> Path:
    """A table in the format that the file's name says."""
    if path.suffix == ".parquet":
        table.to_parquet(path)
    elif path.suffix in (".jsonl", ".ndjson"):
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_dict("records")))
    else:
        table.to_csv(path, index=False, sep="," if path.suffix == ".csv" else "\t")
    return path


NUMBERS = st.floats(1e-3, 1e22, allow_nan=False)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "n": NUMBERS,
            "d": st.one_of(NUMBERS, st.just(float("nan"))),
            "loss": st.one_of(st.floats(1e-3, 19.0), st.just(float("nan")), st.just(2.5)),
            "group": st.sampled_from(["dense", "mixture of experts", 'Ångström, "quoted"']),
            "kl": st.floats(0, 1e3),
            "error": st.floats(0, 1),
            "share_code": st.just(0.25),
            "share_web": st.just(0.75),
        }
    ),
    min_size=1,
    max_size=12,
)


@given(rows=ROWS)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_format_gives_the_same_table_to_the_last_digit(rows, tmp_path):
    """The reference is the table in memory; ties and missing values are among the rows."""
    table = pd.DataFrame(rows)
    expected = canonical(table)
    assert expected["loss"].equals(table["loss"]) and set(expected["group"]) == set(table["group"])
    for name in ("a.csv", "a.tsv", "a.parquet", "a.jsonl", "a.ndjson"):
        pd.testing.assert_frame_equal(read_table(write(table, tmp_path / name)), expected, check_exact=True)


@given(rows=ROWS, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_order_of_rows_and_columns_names_and_further_columns_do_not_matter(rows, seed):
    table = pd.DataFrame(rows)
    expected = canonical(table)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(table))
    other = table.rename(
        columns={"n": "Model/Num_Params", "d": "train/tokens", "loss": "metrics.eval/loss", "kl": "KL"}
    )
    other["note"], other["seed"], other["tokens_per_second"] = "x", 3, 1e5
    other = other.iloc[order][list(rng.permutation(other.columns))]
    found = canonical(other)
    back = found.assign(row=order + 1).sort_values("row").reset_index(drop=True)
    pd.testing.assert_frame_equal(back[list(expected.columns)], expected)


@given(
    rows=ROWS,
    flaw=st.sampled_from(
        [("n", -1.0), ("n", 0.0), ("d", 0.0), ("loss", 0.0), ("loss", -2.0), ("loss", np.inf), ("d", np.inf),
         ("error", 1.5), ("error", -0.1), ("kl", -1.0), ("kl", np.inf), ("share_web", 0.5)]
    ),
    place=st.integers(0, 11),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_a_value_that_no_run_can_have_is_refused_in_its_row_wherever_it_stands(rows, flaw, place):
    table = pd.DataFrame(rows)
    column, value = flaw
    place %= len(table)
    table.loc[place, column] = value
    with pytest.raises(BadInput, match=rf"row {place + 1}\b"):
        canonical(table)


def test_rows_that_lack_a_value_are_left_out_and_named_as_in_the_file(tmp_path):
    lines = [f"{n}e6,2e7,{'' if n in (2, 3, 5, 8, 9, 11, 12) else 3}" for n in range(1, 14)]
    path = written(tmp_path / "a.csv", "n,d,loss\n" + "\n".join(lines) + "\n")
    kept, (note,) = checked(read_table(path), ("n", "d", "loss"))
    assert note == ("7 runs with a missing value among n, d, loss left out (rows 2, 3, 5, 8, 9 and 2 more).")
    assert len(kept) == 6 and list(kept.index) == list(range(6))
    _, (note,) = checked(read_table(path, where="n > 1e7"), ("n", "loss"))
    assert note == "2 runs with a missing value among n, loss left out (rows 11 and 12)."


def test_checked_refuses_what_no_run_can_have_by_the_row_counted_from_one():
    table = pd.DataFrame({"n": [1.0, 2.0], "loss": [3.0, -1.0], "kl": [0.0, 1.0], "weight": [0.0, 1.0]})
    with pytest.raises(BadInput, match="loss is -1 in row 2; a loss must be positive and finite"):
        checked(table, ("n", "loss"))
    assert len(checked(table, ("n", "kl", "weight"))[0]) == 2
    with pytest.raises(BadInput, match="every weight is 0"):
        checked(table.assign(weight=0.0), ("n", "weight"))


@pytest.mark.parametrize(("mean", "said"), [(30.0, True), (3.0, False)])
def test_a_loss_too_large_for_nats_per_token_is_remarked_on(mean, said):
    table = canonical(pd.DataFrame({"n": [1.0, 2.0], "d": [1.0, 2.0], "c": [6.0, 24.0], "loss": [mean, mean + 1]}))
    assert any("is it a perplexity" in note for note in table.attrs["notes"]) == said


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("125M,2e7,3", "a.csv, column n, row 2: '125M' is not a number; write 125000000."),
        ('"1,000,000",2e7,3', "column n, row 2: '1,000,000' is not a number; write 1000000."),
        ('1e6,2e7,"3,14"', "column loss, row 2: '3,14' is not a number; write 3.14."),
        ("1e6,2e7,low", "column loss, row 2: 'low' is not a number."),
        ("1e6,2e7,inf", "column loss, row 2: inf; a loss must be positive and finite (leave runs that diverged out"),
        ("1e6,0,3", "column d, row 2: 0; a number of tokens must be positive and finite."),
        ("1e6,2e7,3,4", "a.csv, row 2 has 4 values where the header names 3 columns; quote values that hold ','."),
        ('1e6,2e7,"3', "a.csv cannot be read as csv: a quote is not closed."),
    ],
)
def test_a_cell_that_is_no_number_is_named_with_what_would_be_right(tmp_path, cells, message):
    assert message in refusal(tmp_path / "a.csv", f"n,d,loss\n1e6,2e7,4\n\n{cells}\n")


def test_percentages_and_log_likelihoods_are_recognised():
    for name, values, hint in [
        ("error", [12.0, 30.0], "these look like percentages: divide them by 100"),
        ("loss", [-3.0, -2.0], "these look like log likelihoods: take their negative"),
    ]:
        with pytest.raises(BadInput, match=hint):
            canonical(pd.DataFrame({"n": [1.0, 2.0], name: values}))


def test_shares_keep_their_names_and_must_sum_to_one():
    table = pd.DataFrame({"n": [1.0, 2.0], "d": [1.0, 2.0], "loss": [3.0, 2.0], "Share_Code": [0.333, 0.1]})
    table["share_web"] = [0.667, 0.9]
    found = canonical(table)
    assert found[["share_code", "share_web"]].sum(axis=1).tolist() == pytest.approx([1.0, 1.0])
    with pytest.raises(BadInput, match=r"row 2: the shares share_code, share_web sum to 0\.8; .* must sum to 1"):
        canonical(table.assign(share_web=[0.667, 0.7]))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", "", "is empty"),
        ("header.csv", "n,d,loss\n", "no rows"),
        ("words.csv", "n,d,loss\n1e6,2e7,low\n", "column loss, row 1: 'low' is not a number"),
        ("columns.csv", "size,d,metric\n1,2,3\n", "has no column 'loss' for loss; it has size, d, metric"),
        ("corrupt.parquet", "PAR1 this is no parquet", "cannot be read as parquet"),
        ("table.xlsx", "x", "ends in '.xlsx'; a table must be .csv, .tsv, .parquet, .jsonl or .ndjson"),
        ("blank.csv", "\n \n", "is empty"),
        ("semicolons.csv", "n;d;loss\n1;2;3,5\n", "separated by ';' where a .csv file has ','; separate with ','"),
        ("tabs.csv", "n\td\tloss\n1\t2\t3\n", "separated by tabs where a .csv file has ','; name it .tsv"),
        ("commas.tsv", "n,d,loss\n1,2,3\n", "separated by ',' where a .tsv file has tabs; name it .csv"),
        ("bare.csv", "1e6,2e7,3\n2e6,2e7,3\n", "has no header: its first row is 1e6, 2e7, 3"),
        ("binary.csv", "PK\x03\0", "holds binary data"),
        ("half.jsonl", '{"n": 1}\n{"n":\n', "row 2 is not JSON"),
        ("list.jsonl", "[1]\n", "row 1 is \\[1\\]; each line must be one object"),
        ("twice.jsonl", '{"n": 1, "n": 2}\n', "row 1 has the key 'n' twice"),
        ("empty.jsonl", "\n", "is empty"),
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


def test_runs_carry_what_further_laws_ask_for_and_points_in_the_middle_not_what_only_the_end_has():
    runs, curves, _ = make_runs(0)
    table = from_runs(runs.assign(unique_tokens=5, steps=7, batch_tokens=64, vocab_size=256), curves)
    final = table["point"] == "final"
    assert (table.loc[final, ["u", "s", "batch", "vocab"]] == [5, 7, 64, 256]).all(axis=None)
    assert (table.loc[~final, "batch"] == 64).all() and table.loc[~final, ["u", "s"]].isna().all(axis=None)


def test_runs_without_the_columns_of_a_store_are_refused():
    with pytest.raises(BadInput, match="no column flops, loss"):
        from_runs(pd.DataFrame({"n_params": [1], "tokens": [2]}))
