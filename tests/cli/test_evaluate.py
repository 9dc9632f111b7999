"""`workbench eval`: what it prints is what the store then holds."""

import json
from typing import Any

import pytest

from tests.cli.trained import store as store
from workbench.cli.main import main
from workbench.store import Store


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main(["eval", *map(str, args)])
    out, err = capsys.readouterr()
    assert isinstance(exit_.value.code, int)
    return exit_.value.code, out, err


def test_a_run_is_measured_and_recorded_once(store: Store, capsys: pytest.CaptureFixture[str]):
    run_id = store.runs()["run_id"][0]
    args = (run_id[:5], "perplexity", "task", "--set", "items=20", "--store", store.folder, "--json")
    code, out, err = run(capsys, *args)
    assert code == 0 and run_id in err
    rows = {(row["metric"], row["key"]): row for row in json.loads(out)["rows"]}
    assert rows["exact_match", ""]["settings"]["task"] == "addition"
    row = store.runs().iloc[0]
    assert rows["loss", ""]["value"] == pytest.approx(row["loss"], abs=3 * (rows["loss", ""]["se"] + row["loss_se"]))
    assert {(row["run_id"], row["step"]) for row in rows.values()} == {(run_id, store.runs()["steps"][0])}

    before = store.evals()
    assert len(before) == len(json.loads(out)["rows"])
    assert run(capsys, *args)[1] == out
    assert store.evals().equals(before)


def test_all_runs_and_a_sweeps_runs(store: Store, capsys: pytest.CaptureFixture[str]):
    run_id = store.runs()["run_id"][0]
    store.write_manifest({"name": "pair", "runs": [{"run_id": run_id}, {"run_id": "r-absent"}]})
    for name in ("all", "pair"):
        code, out, _ = run(capsys, name, "loss-by-position", "--store", store.folder, "--json")
        rows: list[dict[str, Any]] = json.loads(out)["rows"]
        assert code == 0 and len(rows) == 10 and {row["run_id"] for row in rows} == {run_id}


def test_text_is_a_table(store: Store, capsys: pytest.CaptureFixture[str]):
    code, out, _ = run(capsys, "all", "perplexity", "--store", store.folder)
    assert code == 0
    assert "bits_per_byte" in out and len(out.splitlines()) == 6


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["r-nothing", "perplexity"], "no run with an id that begins with 'r-nothing'"),
        (
            ["all", "bleu"],
            "There is no probe named 'bleu'; the probes are perplexity, loss-by-position, longer-context",
        ),
        (["all", "perplexity", "--set", "windows"], "--set 'windows': give a setting and its value as KEY=VALUE"),
        (["all", "perplexity", "--set", "windows=many"], "probe perplexity: windows = 'many'"),
        (["all", "perplexity", "--set", "items=3"], "items = 3: no setting of perplexity"),
        (["all"], "Missing argument 'PROBE...'"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_2(
    store: Store, capsys: pytest.CaptureFixture[str], args: list[str], sentence: str
):
    code, out, err = run(capsys, *args, "--store", store.folder)
    assert (code, out) == (2, "")
    assert sentence in err


def test_a_folder_that_is_no_store_is_bad_input(tmp_path: Any, capsys: pytest.CaptureFixture[str]):
    code, _, err = run(capsys, "all", "perplexity", "--store", tmp_path)
    assert code == 2 and "not a store" in err


def test_a_store_without_finished_runs_is_bad_input(tmp_path: Any, capsys: pytest.CaptureFixture[str]):
    Store.create(tmp_path / "empty")
    code, _, err = run(capsys, "all", "perplexity", "--store", tmp_path / "empty")
    assert code == 2 and "no run of 'all' is done" in err
