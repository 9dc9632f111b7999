"""`workbench report --compare`: stores, tables, sweeps, conditions and keys, each by its name; refusals."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.group_truths import Truth
from tests.factories import add_twin, make_store
from workbench.cli.main import main

FEW = ("--resamples", "30")


def run(capsys, *args: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command line."""
    with pytest.raises(SystemExit) as stopped:
        main(["report", *map(str, args)])
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    folder = make_store(tmp_path_factory.mktemp("stores") / "both")
    add_twin(folder)
    return folder


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> tuple[Path, Path, Path]:
    """Runs of group a, of group b, and of both, as three files."""
    folder = tmp_path_factory.mktemp("tables")
    table = Truth().draw(np.random.default_rng(0))
    paths = folder / "mine.csv", folder / "theirs.csv", folder / "all.csv"
    plain = table[["n", "d", "c", "loss"]].assign(optimizer=table["group"].map({"a": "adam", "b": "muon"}))
    plain[table["group"] == "a"].to_csv(paths[0], index=False)
    plain[table["group"] == "b"].to_csv(paths[1], index=False)
    plain.to_csv(paths[2], index=False)
    return paths


def test_two_sweeps_of_a_store_become_a_report_with_the_comparison_first(store, tmp_path, capsys):
    out = tmp_path / "r"
    code, said, err = run(capsys, store, "--compare", "simulated", "--compare", "twin", "--out", out, *FEW, "--json")
    assert code == 0, err
    payload = json.loads(said)
    assert payload["groups"] == ["simulated", "twin"] and payload["reference"] == "simulated"
    middle = payload["times"][2]
    assert middle["low"] < middle["times"] < middle["high"] and middle["times"] == pytest.approx(0.8, rel=0.03)
    document = json.loads((out / "report.json").read_text())
    assert document["title"] == "twin against simulated" and document["summary"] == payload["summary"]
    titles = [section["title"] for section in document["sections"]]
    assert titles[:3] == ["How many times the compute", "Both fits side by side", "Do the groups share exponents?"]
    assert f"workbench report {store} --compare simulated --compare twin" in (out / "report.md").read_text()


def test_the_same_comparison_gives_the_same_bytes(store, tmp_path, capsys):
    for name in ("a", "b"):
        assert run(capsys, store, "--compare", "twin", "--out", tmp_path / name, *FEW)[0] == 0
    for kind in ("html", "md", "json"):
        assert (tmp_path / "a" / f"report.{kind}").read_bytes() == (tmp_path / "b" / f"report.{kind}").read_bytes()


def test_one_sweep_or_condition_is_held_against_the_rest(store, tmp_path, capsys):
    code, said, err = run(capsys, store, "--compare", "activation = 'swiglu'", "--out", tmp_path / "r", *FEW)
    assert code == 0, err
    assert said.startswith("“activation = 'swiglu'” reaches the losses of simulated with 0.8")


def test_the_values_of_a_key_are_groups(store, tmp_path, capsys):
    code, said, err = run(
        capsys, store, "--by", "model.activation", "--share-e", "--compare", "swiglu", "--compare", "gelu-tanh",
        "--out", tmp_path / "r", *FEW,
    )  # fmt: skip
    assert code == 0, err
    assert said.startswith("gelu-tanh reaches the losses of swiglu with 1.2")


def test_two_tables_are_compared_and_what_they_do_not_say_is_said(tables, tmp_path, capsys):
    mine, theirs, _ = tables
    code, said, err = run(capsys, mine, "--compare", theirs, "--share-e", "--out", tmp_path / "r", *FEW)
    assert code == 0, err
    assert said.startswith("theirs.csv reaches the losses of mine.csv with 0.8")
    assert "which text its losses are of is not said" in (tmp_path / "r" / "report.md").read_text()


def test_a_column_of_a_table_makes_groups(tables, tmp_path, capsys):
    code, said, err = run(capsys, tables[2], "--by", "optimizer", "--share-e", "--out", tmp_path / "r", *FEW)
    assert code == 0, err
    assert said.startswith("muon reaches the losses of adam with 0.8")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["{store}", "--compare", "nope"], "no sweep of {store}, whose sweeps are simulated, twin"),
        (["{store}", "--compare", "reference"], "differ in corpus, tokenizer and context"),
        (["{store}", "--compare", "activation ="], "syntax error"),
        (["{store}", "--compare", "sweep = 'twin'", "--compare", "twin"], "is one of"),
        (["{store}", "--by", "nothing"], "no column of the runs"),
        (
            ["{store}", "--compare", "{table}", "--measure", "bpb"],
            "bits per byte are known of the runs of stores",
        ),
        (["{table}", "--compare", "nowhere.csv"], "there is no such store or table"),
        (["{table}", "--by", "optimizer", "--compare", "sgd"], "no row has optimizer = sgd"),
        (["{table}", "--by", "optimiser"], "optimiser"),
    ],
)
def test_bad_input_is_one_sentence(args, said, store, tables, tmp_path, capsys):
    names = {"store": str(store), "table": str(tables[2])}
    code, out, err = run(capsys, *(arg.format(**names) for arg in args), "--out", tmp_path / "r", *FEW)
    assert (code, out) == (2, "")
    assert said.format(**names) in err
    assert err.strip().splitlines()[-1].startswith("Bad input: ")


def test_the_figure_command_draws_the_pages_figures(store, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["figure", "compare", str(store), "--set", "x=flops", "--out", str(tmp_path), "--json"])
    payload = json.loads(capsys.readouterr().out)
    assert not stopped.value.code and set(payload["figures"]) == {"compare-losses", "compare-times"}
    assert payload["command"].endswith("--set x=flops")
