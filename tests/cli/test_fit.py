"""`workbench fit` as a person and as a script call it."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.factories import add_sweep, make_store
from tests.fitting.designs import isoflop
from workbench.cli.main import main
from workbench.store import Store

KEYS = {"law", "objective", "objective_value", "n_points", "params", "intervals", "level", "conventions", "notes"}


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "runs.csv"
    isoflop(0.003).drop(columns="budget").to_csv(path, index=False)
    return path


def test_the_chinchilla_table_reaches_its_published_optimum(run, shared_data):
    code, out, _ = run(
        "fit", shared_data / "chinchilla_svg.csv", "--columns", "n=params,c=flops,loss=loss", "--where", "loss < 3.44",
        "--law", "chinchilla", "--objective", "huber", "--delta", "1e-3", "--resamples", 100, "--json",
    )  # fmt: skip
    found = json.loads(out)
    assert code == 0 and found["n_points"] == 240
    assert found["objective_value"] == pytest.approx(1.01827401780e-3, rel=1e-6)
    assert set(found["params"]) == {"E", "A", "B", "alpha", "beta"} == set(found["intervals"])


def test_one_law_prints_one_record(run, table):
    code, out, _ = run("fit", table, "--law", "isoflop", "--resamples", 50, "--json")
    found = json.loads(out)
    assert code == 0 and set(found) >= KEYS
    assert {"a", "b"} <= set(found["params"])
    assert found["intervals"]["a"][0] < found["params"]["a"] < found["intervals"]["a"][1]


def test_all_laws_stand_side_by_side_with_those_not_fitted(run, table):
    code, out, _ = run("fit", table, "--resamples", 20, "--json")
    found = json.loads(out)
    assert code == 0
    assert {"chinchilla", "isoflop", "kaplan-nd"} <= {fit["law"] for fit in found["fits"]}
    assert {"kaplan-n", "kaplan-d"} == {other["law"] for other in found["not_fitted"]}
    code, out, _ = run("fit", table, "--resamples", 20)
    assert code == 0 and "kaplan-n: not fitted." in out and "95% interval" in out and "alpha" in out


def test_what_the_runs_leave_open_has_words_in_place_of_its_number(run, tmp_path):
    path = tmp_path / "smoke.csv"
    isoflop(0.1, seed=3, budgets=(3e9, 1e10), sizes=4).to_csv(path, index=False)
    code, out, _ = run("fit", path, "--resamples", 100)
    (line,) = [line for line in out.splitlines() if line.split()[:1] == ["N_c"]]
    assert code == 0 and line.split() == ["N_c", "not", "determined"]
    page = run("fit", path, "--law", "kaplan-nd", "--resamples", 100)[1]
    assert ["N_c", "not", "determined"] in [line.split() for line in page.splitlines()]
    found = json.loads(run("fit", path, "--law", "kaplan-nd", "--resamples", 100, "--json")[1])
    assert "N_c" in found["undetermined"] and not found["identified"] and found["params"]["N_c"] > 0


def test_a_person_sees_a_summary(run, table):
    code, out, _ = run("fit", table, "--law", "chinchilla", "--resamples", 20)
    assert code == 0 and "95% interval" in out and "note: " in out


def test_laws_are_compared_out_of_sample(run, table):
    code, out, _ = run("fit", table, "--compare", "--law", "chinchilla", "--law", "kaplan-nd", "--resamples", 20)
    assert code == 0 and "By the log score" in out and "back-test rms" in out
    code, out, _ = run(
        "fit", table, "--compare", "--law", "chinchilla", "--law", "kaplan-nd", "--objective", "log-mse",
        "--resamples", 20, "--leave-out", "budget", "--json",
    )  # fmt: skip
    found = json.loads(out)
    assert code == 0 and [one["law"] for one in found["laws"]] == ["chinchilla", "kaplan-nd"]


def test_parameters_are_held_and_methods_named(run, table):
    options = ("--law", "chinchilla", "--fix", "alpha=0.35", "--intervals", "wild", "--resamples", 20, "--json")
    found = json.loads(run("fit", table, *options)[1])
    assert found["params"]["alpha"] == pytest.approx(0.35) and "wild" in found["interval_method"]


def test_several_laws_stand_side_by_side_each_with_what_it_has_of_the_held(run, table):
    options = ("--law", "chinchilla", "--law", "kaplan-nd", "--fix", "beta=0.37", "--resamples", 0, "--json")
    found = json.loads(run("fit", table, *options)[1])
    assert [fit["law"] for fit in found["fits"]] == ["chinchilla", "kaplan-nd"]
    assert found["fits"][0]["params"]["beta"] == pytest.approx(0.37)


def test_the_help_lists_every_law(run):
    from workbench.fitting import LAWS

    out = run("fit", "--help")[1]
    assert all(name in out for name in (*LAWS, "isoflop", "envelope"))


def test_a_store_keeps_its_fits(run, tmp_path):
    folder = make_store(tmp_path / "store")
    code, out, err = run("fit", folder, "--law", "chinchilla", "--resamples", 20, "--json")
    found = json.loads(out)
    assert code == 0 and set(err.split("\n")) <= {"", "Fitting chinchilla …"}
    assert [other["convention"] for other in found["other_conventions"]] == ["n_non_embedding"]
    kept = Store(folder).fits()
    assert sorted(kept["convention"]) == ["n", "n_non_embedding"]
    assert json.loads(kept["record"][0])["law"] == "chinchilla"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--law", "cobb-douglas"], "law is 'cobb-douglas'"),
        (["--objective", "hubris"], "objective is 'hubris'"),
        (["--delta", "0"], "delta is 0"),
        (["--fix", "alpha"], "--fix is 'alpha'"),
        (["--fix", "=3"], "--fix is '=3'"),
        (["--law", "chinchilla", "--fix", "gamma=1"], "--fix names 'gamma'"),
        (["--fix", "alhpa=1"], "--fix names 'alhpa', which no law fitted has; did you mean alpha?"),
        (["--law", "chincila"], "--law is 'chincila'; did you mean chinchilla? It must be one of"),
        (["--level", "95"], "--level is 95"),
        (["--convention", "totl"], "--convention is 'totl'; did you mean total?"),
        (["--noise", "loud"], "noise is 'loud'"),
        (["--compare", "--noise", "column"], "--compare takes none of"),
        (["--compare", "--leave-out", "seed"], "--leave-out is 'seed'"),
        (["--resamples", "-3"], "resamples is -3"),
        (["--columns", "n"], "'n' is no name=column"),
        (["--columns", "n=n,n=d"], "names n twice"),
        (["--columns", "n=params"], "no column 'params'"),
        (["--where", "loss <"], "where is 'loss <'"),
        (["--where", "loss < 0"], "no row of"),
        (["--law", "kaplan-n"], "kaplan-n needs at least three sizes"),
        (["--where", "n < 1e4", "--law", "chinchilla"], "needs more"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, table, options, message):
    code, out, err = run("fit", table, *options)
    assert code == 2 and out == ""
    assert message in err and err.count("\n") == 1


def test_a_source_that_is_not_there_or_holds_nonsense_is_refused(run, tmp_path):
    assert "does not exist" in run("fit", tmp_path / "none")[2]
    bad = isoflop()
    bad.loc[4, "loss"] = -1
    bad.to_csv(tmp_path / "negative.csv", index=False)
    code, _, err = run("fit", tmp_path / "negative.csv")
    assert code == 2 and "column loss, row 5: -1; a loss must be positive" in err
    isoflop().assign(d=np.where(isoflop().index == 2, 0, 1e7)).to_csv(tmp_path / "zero.csv", index=False)
    assert "column d, row 3: 0; a number of tokens must be positive" in run("fit", tmp_path / "zero.csv")[2]
    (tmp_path / "corrupt.parquet").write_bytes(b"PAR1 nothing")
    assert "cannot be read as parquet" in run("fit", tmp_path / "corrupt.parquet")[2]
    (tmp_path / "folder").mkdir()
    code, _, err = run("fit", tmp_path / "folder")
    assert code == 2 and "not a store" in err
    Store.create(tmp_path / "empty")
    code, _, err = run("fit", tmp_path / "empty")
    assert code == 2 and "without finished runs" in err


@pytest.mark.parametrize("command", ["fit", "forecast"])
def test_of_sweeps_over_two_corpora_the_one_of_most_compute_is_taken_and_that_is_said(run, tmp_path, command):
    folder = make_store(tmp_path / "store")
    add_sweep(folder)
    law = ("--law", "chinchilla", "--resamples", 20, "--json")
    code, out, err = run(command, folder, *law)
    (said,) = [
        line for line in err.splitlines() if line.startswith("Fitting 'simulated' (40 runs), which took the most")
    ]
    assert code == 0 and "; 'other' (8 runs), of another corpus, cannot share its law" in said
    assert said.endswith("""choose with --where "sweep = 'other'".""")
    code, asked, err = run(command, folder, "--where", "sweep = 'simulated'", *law)
    assert code == 0 and "most compute" not in err
    alone = run(command, make_store(tmp_path / "alone"), *law)[1]
    assert json.loads(out) == json.loads(asked) == json.loads(alone)


def test_a_fit_of_the_shipped_store_leaves_the_installation_as_it_was():
    from workbench.store import reference_store

    before = sorted(reference_store().rglob("*"))
    with pytest.raises(SystemExit) as left:
        main(
            [
                "fit",
                str(reference_store()),
                "--law",
                "chinchilla",
                "--where",
                "sweep = 'quickstart'",
                "--resamples",
                "20",
            ]
        )
    assert left.value.code == 0
    assert sorted(reference_store().rglob("*")) == before


def test_isoflop_takes_a_shape_and_a_broken_law_its_bends(run, tmp_path):
    table = isoflop()
    table.to_csv(tmp_path / "runs.csv", index=False)
    code, out, _ = run("fit", tmp_path / "runs.csv", "--law", "isoflop", "--shape", "parabola", "--json")
    assert code == 0 and json.loads(out)["diagnostics"]["shape"] == "parabola"
    n = np.geomspace(1e5, 1e9, 40)
    bent = pd.DataFrame({"n": n, "loss": 1.5 + 200 * n**-0.4 * (1 + n / 1e7) ** -0.2})
    bent.to_csv(tmp_path / "bent.csv", index=False)
    code, out, _ = run(
        "fit", tmp_path / "bent.csv", "--law", "broken-n", "--set", "breaks=1", "--resamples", 0, "--json"
    )
    assert code == 0 and json.loads(out)["setting"] == {"breaks": 1}
    code, _, err = run("fit", tmp_path / "runs.csv", "--law", "chinchilla", "--set", "breaks=2")
    assert code == 2 and "chinchilla has no setting 'breaks'" in err
    code, _, err = run("fit", tmp_path / "runs.csv", "--law", "chinchilla", "--set", "breaks")
    assert code == 2 and "--set is 'breaks'; it must be a setting and its value" in err


def test_the_word_reference_is_the_shipped_store_unless_something_has_that_name(run, tmp_path, monkeypatch):
    from workbench.store import reference_store

    monkeypatch.chdir(tmp_path)
    options = ("--where", "sweep = 'quickstart'", "--law", "chinchilla", "--resamples", 0, "--json")
    code, out, _ = run("fit", "reference", *options)
    assert code == 0 and json.loads(out) == json.loads(run("fit", reference_store(), *options)[1])
    (tmp_path / "reference").write_text("nothing")
    code, _, err = run("fit", "reference", *options)
    assert code == 2 and "reference ends in ''" in err


def test_one_count_of_n_and_another_level(run, tmp_path):
    isoflop(0.003).assign(n_non_embedding=lambda t: 0.7 * t["n"]).to_csv(tmp_path / "runs.csv", index=False)
    options = ("--law", "chinchilla", "--resamples", 20, "--convention", "non-embedding", "--level", 0.8, "--json")
    code, out, _ = run("fit", tmp_path / "runs.csv", *options)
    found = json.loads(out)
    assert code == 0 and (found["convention"], found["level"]) == ("n_non_embedding", 0.8)
    assert "other_conventions" not in found


def test_the_help_lists_every_method_of_intervals(run):
    from workbench.fitting.uncertainty.methods import METHODS

    for command in ("fit", "forecast", "next"):
        out = " ".join(run(command, "--help")[1].split())
        assert f"auto, {', '.join(METHODS)}." in out and "reference" in out


def test_certificates_of_several_laws_are_one_line_and_notes_keep_their_count_of_n(run, tmp_path):
    isoflop(0.003).assign(n_non_embedding=lambda t: 0.7 * t["n"]).to_csv(tmp_path / "runs.csv", index=False)
    code, out, _ = run(
        "fit", tmp_path / "runs.csv", "--law", "chinchilla", "--law", "kaplan-nd", "--resamples", 0, "--fix", "alpha=.3"
    )
    assert code == 0 and out.count(" found on a grid of") == 2 and out.count("Note: chinchilla: one optimum") == 1
    assert "Note (kaplan-nd): Not held, since the law has no such parameter: alpha = 0.3." in out


def test_notes_of_one_count_of_n_say_which():
    from dataclasses import replace

    from workbench.cli.fit import _notes
    from workbench.fitting import fit

    one = replace(fit(isoflop(0.002), resamples=0), notes=("Both.", "This."))
    other = replace(one, convention="n_non_embedding", notes=("Both.",))
    assert _notes((one, other)) == ["Note: Both.", "Note (chinchilla (total)): This."]


def test_notes_wrap_on_a_terminal_alone(monkeypatch):
    from workbench.cli.output import wrapped

    text = "word " * 40 + "end"
    assert wrapped(text) == text
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, wrapped(text).split("\n"))) < 80


def test_long_work_is_said_on_stderr_in_one_line(capsys, monkeypatch):
    import time

    from workbench.cli import output

    monkeypatch.setattr(output, "PATIENCE", 0.05)
    with output.working("Fitting") as told:
        told("chinchilla")
        time.sleep(0.3)
    with output.working("Fitting"):
        pass
    captured = capsys.readouterr()
    assert captured.err == "Fitting chinchilla …\n" and captured.out == ""


def test_longer_work_is_said_every_few_seconds_with_what_is_being_done_by_then(capsys, monkeypatch):
    import time

    from workbench.cli import output

    monkeypatch.setattr(output, "PATIENCE", 0.05)
    monkeypatch.setattr(output, "EVERY", 0.5)
    with output.working("Fitting") as told:
        told("chinchilla")
        time.sleep(0.3)
        told("isoflop")
        time.sleep(0.6)
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert first == "Fitting chinchilla …" and second.startswith("Fitting isoflop … ") and second.endswith(" s")


def test_each_law_and_count_of_n_is_named_before_it_is_fitted():
    from workbench.fitting import fit_all

    said: list[str] = []
    table = isoflop(0.003).assign(n_non_embedding=lambda t: 0.7 * t["n"])
    fit_all(table, ("kaplan-n", "kaplan-d"), resamples=0, told=said.append)
    assert said == [
        "kaplan-n, total N (1 of 4)",
        "kaplan-d, total N (2 of 4)",
        "kaplan-n, non-embedding N (3 of 4)",
        "kaplan-d, non-embedding N (4 of 4)",
    ]
