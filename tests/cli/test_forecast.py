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
    rows = [line for line in out.splitlines() if "chinchilla (not identified)" in line]
    assert code == 0 and len(rows) == 2 and all("not determined" in row for row in rows)
    found = json.loads(run("forecast", path, "--resamples", 100, "--json")[1])
    assert not any(one["determined"] for one in found["compute"])


def test_two_budgets_of_four_sizes_give_words_in_place_of_impossible_numbers(run, tmp_path):
    """As the smoke sweep: a store of eight runs, half a decade of compute apart, whose law the data leave open."""
    path = tmp_path / "smoke.csv"
    isoflop(0.1, seed=3, budgets=(3e9, 1e10), sizes=4).to_csv(path, index=False)
    code, out, _ = run("forecast", path, "--resamples", 100)
    rows = [line for line in out.splitlines() if "chinchilla (not identified)" in line]
    assert code == 0 and all(row.count("not determined") == 3 for row in rows) and "e-" not in "".join(rows)
    assert "Not determined: chinchilla at C = 1e+11: " in out
    first = json.loads(run("forecast", path, "--resamples", 100, "--json")[1])["compute"][0]
    assert (first["n"], first["d"], first["loss"], first["open"]) == (None, None, None, ["n", "d", "loss"])
    assert first["intervals"]["n"] == [None, None] and first["reason"]
    alone = run("forecast", path, "--n-params", 1e5, "--resamples", 100)[1].splitlines()[1]
    assert alone.split()[0] == "1e+05" and alone.count("not determined") == 3


def test_the_loss_of_a_size_and_a_horizon(run, table):
    code, out, _ = run("forecast", table, "--n-params", "1e6", "--tokens", "1e8", "--resamples", 50)
    assert code == 0
    head, line = out.splitlines()[:2]
    assert head.split()[:3] == ["N", "D", "C"] and "95% of a run" in head
    assert line.split()[:3] == ["1e+06", "1e+08", "6e+14"] and "back-test" in line


def test_decisions_are_answered_in_text_and_in_json(run, table):
    asked: tuple[object, ...] = ("--compute", 1e15, "--depart", "0.5,2", "--inference-tokens", 1e10)
    asked = (*asked, "--unique-tokens", 1e7, "--multiplier", 2, "--gap", 0.05)
    asked = (*asked, "--loss", 3, "--loss", 1, "--resamples", 50)
    code, out, _ = run("forecast", table, *asked)
    assert code == 0
    for title in (
        "Reaching a loss",
        "Departing from the optimum",
        "How flat it is",
        "With 1e+10 tokens of inference",
        "With 1e+07 unique tokens (after 11.7 epochs a further token is worth half, by borrowed constants)",
        "Compute multipliers",
        "Back-tests of chinchilla",
        "out of reach",
    ):
        assert title in out
    found = json.loads(run("forecast", table, *asked, "--json")[1])
    assert [one["factor"] for one in found["departures"]] == [0.5, 2]
    assert [one["share"] for one in found["flatness"]] == [0.001, 0.01]
    assert found["inference"][0]["loss"]["value"] == 3 and found["inference"][1]["n"]["value"] is None
    assert [one["flops"] for one in found["repetition"]] == [None, 1e15]
    assert found["multipliers"][0]["factor"]["value"] == 2 and found["multipliers"][1]["gain"]["value"] == 0.05
    assert found["targets"][1]["flops"]["value"] is None
    assert {"bias", "rms", "worst", "coverage"} <= set(found["backtests"]["tests"][0])


def test_a_store_is_forecast_from(run, tmp_path):
    code, out, _ = run("forecast", make_store(tmp_path / "store"), "--resamples", 20, "--json")
    assert code == 0 and json.loads(out)["largest_budget"] == 1e13


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--n-params", "1e6", "--tokens", "1e8", "--compute", "1e15"], "any two of them give the third"),
        (["--depart", "two"], "--depart is 'two'"),
        (["--multiplier", "0"], "--multiplier is 0"),
        (["--unique-tokens", "-1"], "--unique-tokens is -1"),
        (["--law", "isoflop"], "law is 'isoflop'; a forecast takes a law of N and D"),
        (["--intervals", "guess"], "intervals is 'guess'"),
        (["--compute", "-1"], "--compute is -1"),
        (["--resamples", "-1"], "resamples is -1"),
        (["--where", "n < 1e4"], "needs more"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, table, options, message):
    code, out, err = run("forecast", table, *options)
    assert code == 2 and out == ""
    assert message in err and err.count("\n") == 1


def test_the_law_is_fitted_as_asked(run, table):
    options = ("--objective", "log-mse", "--fix", "alpha=0.34", "--level", 0.8, "--resamples", 20, "--json")
    code, out, _ = run("forecast", table, *options)
    law = json.loads(out)["fits"][0]
    assert code == 0 and (law["objective"], law["level"]) == ("log-mse", 0.8)
    assert law["params"]["alpha"] == pytest.approx(0.34)
    code, _, err = run("forecast", table, "--fix", "alhpa=0.34")
    assert code == 2 and "--fix names 'alhpa', which chinchilla does not have; did you mean alpha?" in err
