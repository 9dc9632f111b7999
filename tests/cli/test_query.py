"""`workbench query` answers what plain pandas would, reads nothing but the store, and writes nothing."""

import json
import shutil

import pandas as pd
import pytest

from workbench.store import Store, reference_store
from workbench.store.compaction import compact


@pytest.fixture(scope="module", params=["small files", "compacted"])
def store(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("query") / "store"
    shutil.copytree(reference_store(), folder)
    if request.param == "compacted":
        compact(Store(folder))
    return folder


def test_it_answers_what_pandas_does(run, store):
    curves = pd.read_parquet(store / "curves")
    last = curves.dropna(subset="loss").sort_values("step").groupby("run_id")["loss"].last()
    sql = (
        "SELECT run_id, arg_max(loss, step) AS loss FROM curves WHERE loss IS NOT NULL GROUP BY run_id ORDER BY run_id"
    )
    code, out, _ = run("query", sql, "--store", store, "--json")
    assert code == 0
    assert {row["run_id"]: row["loss"] for row in json.loads(out)} == last.to_dict()
    code, out, _ = run("query", sql, "--store", store, "--csv")
    lines = out.splitlines()
    assert code == 0 and lines[0] == "run_id,loss" and len(lines) == 1 + len(last)
    out = run("query", sql, "--store", store)[1]
    assert out.splitlines()[-1] == f"40 of {len(last)} rows; --csv and --json print all of them."


def test_tables_join_and_columns_that_the_store_is_too_old_for_are_null(run, store):
    sql = "SELECT count(*) AS n, count(noise_scale) AS known FROM curves JOIN runs USING (run_id) WHERE point = 'final'"
    (row,) = json.loads(run("query", sql, "--store", store, "--json")[1])
    assert row == {"n": int((pd.read_parquet(store / "curves")["point"] == "final").sum()), "known": 0}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT nothing FROM runs",
        "SELECT * FROM walks",
        "SELEC 1",
        "DROP TABLE runs",
        "SELECT 1; SELECT 2",
        "",
        "COPY (SELECT 1) TO 'x.parquet'",
        "ATTACH 'x.db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT getenv('HOME') FROM read_blob('/etc/passwd')",
        "CREATE TABLE t AS SELECT 1",
        "EXPLAIN ANALYZE SELECT 1",
    ],
)
def test_what_is_no_question_to_the_store_is_refused_in_a_sentence(run, store, sql):
    before = sorted(store.rglob("*"))
    code, out, err = run("query", sql, "--store", store)
    assert code == 2 and not out and err.startswith("Bad input: query ") and len(err.splitlines()) == 1
    assert sorted(store.rglob("*")) == before


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("SELECT * FROM walks", "there is no table walks; the tables are runs, curves, evals, fits"),
        ("SELECT train_los FROM curves", "there is no column train_los; the nearest are train_loss"),
        ("SELECT r.train_los FROM runs r", "there is no column train_los; docs/store.md lists them"),
    ],
)
def test_a_table_or_column_that_is_not_there_is_answered_with_those_that_are(run, store, sql, sentence):
    err = run("query", sql, "--store", store)[2]
    assert err.startswith(f"Bad input: query {sql!r}: {sentence}") and len(err.splitlines()) == 1


def test_the_compacted_copy_itself_cannot_be_written(run, store):
    for copy in store.glob(".compact/*.parquet"):
        before = copy.read_bytes()
        assert run("query", f"COPY (SELECT 1) TO '{copy}'", "--store", store)[0] == 2
        assert copy.read_bytes() == before


def test_one_form_of_output_is_chosen(run, store):
    code, _, err = run("query", "SELECT 1", "--store", store, "--json", "--csv")
    assert code == 2 and "choose one" in err
