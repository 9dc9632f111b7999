"""`workbench next` as a person and as a script call it, on the reference store and on a table."""

import json

import pandas as pd
import pytest

from tests.factories import make_store
from tests.fitting.designs import isoflop
from workbench.runner.definition import expand, read_definition
from workbench.store import Store, reference_store
from workbench.training.horizon import resolve

QUICKSTART = ("--where", "sweep = 'quickstart'", "--resamples", 50)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "runs.csv"
    isoflop(0.004, budgets=(1e11, 1e12, 1e13), sizes=5).to_csv(path, index=False)
    return path


def test_a_store_gets_a_definition_of_exactly_the_proposed_runs(run, tmp_path):
    out = tmp_path / "next.toml"
    code, text, _ = run(
        "next", reference_store(), *QUICKSTART, "--target", "n-opt", "--flops", "2e12", "--out", out, "--json"
    )
    found = json.loads(text)
    assert code == 0 and found["target_flops"] == pytest.approx(1.25e13) and found["width_then"] < found["width_now"]
    asked = [resolve(one.config) for one in expand(read_definition(out), "next.toml", 257)]
    assert len(asked) == sum(one["repeats"] for one in found["runs"])
    assert sum(horizon.flops for horizon in asked) == pytest.approx(found["flops"], rel=0.02)
    seeds = {one.config.seed_init for one in expand(read_definition(out), "next.toml", 257)}
    runs = Store(reference_store()).runs()
    assert not seeds & set(runs.loc[runs["sweep"] == "quickstart", "seed_init"])


@pytest.mark.slow
def test_sweep_plan_accepts_the_definition(run, tmp_path):
    out = tmp_path / "next.toml"
    run("next", reference_store(), *QUICKSTART, "--flops", "2e12", "--out", out)
    code, text, _ = run("sweep", "plan", out, "--store", reference_store(), "--json")
    planned = json.loads(text)
    assert code == 0 and len(planned["runs"]) == 20 and not any(one["done"] for one in planned["runs"])


def test_a_table_gets_a_table_of_runs(run, table, tmp_path):
    out = tmp_path / "next.csv"
    code, text, err = run("next", table, "--flops", "3e13", "--out", out, "--resamples", 50, "--max-runs", 10)
    runs = pd.read_csv(out)
    assert code == 0 and list(runs.columns) == ["n", "d", "c", "repeats", "purpose"]
    assert runs["repeats"].sum() <= 10 and (runs["c"] * runs["repeats"]).sum() <= 3e13
    assert runs["c"].to_numpy() == pytest.approx((6 * runs["n"] * runs["d"]).to_numpy())
    assert (
        "of the present width" in text and "if the law's form holds" in text and "does not say what its models" in err
    )


def test_bounds_are_kept(run, table):
    code, text, _ = run(
        "next", table, "--flops", "3e13", "--resamples", 50, "--tokens-per-param", "10,100", "--max-run-flops", "5e12",
        "--min-run-flops", "2e11", "--max-tokens", "1e8", "--robust", "0", "--target", "losses", "--json",
    )  # fmt: skip
    runs = pd.DataFrame(json.loads(text)["runs"])
    assert code == 0 and set(runs["purpose"]) == {"target"}
    assert runs["c"].between(2e11 * 0.999, 5e12 * 1.001).all() and (runs["d"] <= 1e8).all()
    assert (runs["d"] / runs["n"]).between(9.99, 100.1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "gamma"], "target is 'gamma'"),
        (["--target", "a", "--at", "1e14"], "the same at every compute"),
        (["--tokens-per-param", "ten"], "--tokens-per-param is 'ten'"),
        (["--out", "next.toml"], "a definition needs a store"),
        (["--out", "next.txt"], "it must end in .toml"),
        (["--out", "nowhere/next.csv"], "there is no folder nowhere"),
        (["--robust", "2"], "robust is 2"),
        (["--flops", "1e9"], "--flops is 1e+09, less than the smallest run so far"),
        (["--flops", "-1"], "--flops is -1; it must be a positive number"),
        (["--law", "isoflop"], "not for isoflop"),
        (["--law", "nonsense"], "law is 'nonsense'"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, table, options, message):
    code, out, err = run("next", table, "--flops", "3e13", "--resamples", 20, *options)
    assert code == 2 and out == ""
    assert message in err and err.count("\n") == 1


def test_what_the_budget_cannot_buy_is_said_before_anything_is_fitted(run, table, monkeypatch):
    monkeypatch.setattr("workbench.fitting.fit", lambda *_, **__: pytest.fail("fitted"))
    for option, said in (("--flops", "--flops is 1e+09"), ("--max-runs", "--max-runs is 1"), ("--at", "--at is -1")):
        value = {"--flops": 1e9, "--max-runs": 1, "--at": -1}[option]
        code, _, err = run("next", table, "--flops", 3e13, "--target", "loss", option, value)
        assert code == 2 and said in err


def test_a_store_whose_configs_are_incomplete_is_refused(run, tmp_path):
    code, _, err = run("next", make_store(tmp_path / "store"), "--flops", "1e13", "--resamples", 20)
    assert code == 2 and "the config of a run: the key model.vocab_size is missing" in err
