"""`workbench forecast` as a person and as a script call it."""

import json

import pytest

from tests.factories import make_store
from tests.fitting.designs import isoflop, loss_of


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "runs.csv"
    isoflop(0.002).to_csv(path, index=False)
    return path


def test_by_default_ten_and_a_hundred_times_the_largest_budget(run, table):
    code, out, _ = run("forecast", table, "--resamples", 50, "--json")
    found = json.loads(out)
    assert code == 0
    assert sorted({one["flops"] for one in found["compute"]}) == pytest.approx([1e14, 1e15])
    first = found["compute"][0]
    assert first["intervals"]["n"][0] < first["n"] < first["intervals"]["n"][1]
    assert first["loss"] == pytest.approx(float(loss_of(first["n"], first["d"])), rel=0.01)
    assert abs(found["backtest"]["relative_error"]) < 0.01


def test_the_back_test_stands_beside_every_forecast(run, table):
    code, out, _ = run("forecast", table, "--compute", "1e14", "--compute", "3e14", "--resamples", 50)
    lines = [line for line in out.splitlines() if " chinchilla " in line]
    assert code == 0 and len(lines) == 2 and all(line.rstrip().endswith("%") for line in lines)
    assert "Back-test: fitted without the largest budget" in out


def test_a_law_that_the_runs_leave_open_is_marked_where_its_numbers_stand(run, tmp_path):
    path = tmp_path / "noisy.csv"
    isoflop(0.1, seed=3, sizes=4).to_csv(path, index=False)
    code, out, _ = run("forecast", path, "--resamples", 100)
    assert code == 0 and out.count("chinchilla (not identified)") == 2


def test_the_loss_of_a_size_and_a_horizon(run, table):
    code, out, _ = run("forecast", table, "--n-params", "1e6", "--tokens", "1e8", "--resamples", 50)
    assert code == 0 and "N = 1e+06, D = 1e+08: loss" in out and "back-test" in out


def test_a_store_is_forecast_from(run, tmp_path):
    code, out, _ = run("forecast", make_store(tmp_path / "store"), "--resamples", 20, "--json")
    assert code == 0 and json.loads(out)["largest_budget"] == 1e13


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--n-params", "1e6"], "--tokens is missing"),
        (["--tokens", "1e6"], "--n-params is missing"),
        (["--compute", "-1"], "--compute is -1"),
        (["--resamples", "-1"], "resamples is -1"),
        (["--where", "n < 1e4"], "needs more"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, table, options, message):
    code, out, err = run("forecast", table, *options)
    assert code == 2 and out == ""
    assert message in err and err.count("\n") == 1
