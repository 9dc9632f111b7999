"""The command line: every command has help, errors are one sentence, exit codes are as documented."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runner.definitions import write_sweep
from workbench.cli.main import COMMANDS, main


def call(*args: object) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(arg) for arg in args])
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(name, "--help") == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: workbench {name}")
    assert len(text) > 200


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--help") == 0
    text = capsys.readouterr().out
    assert all(f"  {name}" in text for name in COMMANDS)
    assert "75 stopped and resumable" in " ".join(text.split())


@pytest.mark.parametrize("args", [("nonsense",), ("fit",), ("sweep", "plan", "x.toml", "--workers", "0")])
def test_wrong_usage_leaves_with_2(args: tuple[str, ...]) -> None:
    assert call(*args) == 2


def test_a_mistyped_command_is_told_which_was_likely_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("reprt") == 2
    assert "there is no command 'reprt'; did you mean report?" in capsys.readouterr().err
    assert call("xyzzy") == 2
    assert "there is no command 'xyzzy'; workbench --help lists them." in capsys.readouterr().err


def test_a_bad_definition_leaves_with_2_and_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("eval_windows", "eval_window"))
    assert call("sweep", "plan", path, "--store", tmp_path / "store") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (sentence,) = [line for line in captured.err.splitlines() if line.startswith("Bad input")]
    assert "tiny.toml" in sentence and "train.eval_window" in sentence
    assert not (tmp_path / "store").exists()


def test_plan_run_and_status_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path, store = write_sweep(tmp_path), tmp_path / "store"
    assert call("sweep", "plan", path, "--store", store, "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["todo"] == len(plan["runs"]) == 4
    assert all(run["seconds"] > 0 and run["memory_bytes"] > 0 and not run["done"] for run in plan["runs"])

    assert call("sweep", "run", path, "--store", store, "--workers", 2, "--device", "cpu", "--json") == 0
    assert json.loads(capsys.readouterr().out)["done"] == 4

    assert call("sweep", "status", path, "--store", store, "--json") == 0
    status = json.loads(capsys.readouterr().out)
    assert status["counts"] == {"done": 4}
    assert {row["run_id"] for row in status["runs"]} == {run["run_id"] for run in plan["runs"]}


def test_run_trains_one_model_and_shows_it_when_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_sweep(tmp_path)
    config = tmp_path / "one.toml"
    config.write_text(
        f'[corpus]\nsource = "files"\nsettings = {{ path = "{tmp_path / "texts"}" }}\ntokenizer = "bytes"\n'
        "validation_fraction = 0.2\ndeduplicate = false\n"
        "[model]\nn_layer = 1\nn_head = 1\nd_model = 8\ncontext = 16\n[train]\ntokens = 2000\nbatch_tokens = 64\n"
    )
    rows = []
    for _ in range(2):
        assert call("run", config, "--store", tmp_path / "store", "--json") == 0
        rows.append(json.loads(capsys.readouterr().out))
    assert rows[0] == rows[1]
    assert rows[0]["status"] == "done" and rows[0]["tokens"] == 1984
    assert rows[0]["design"] == "single"


def test_json_is_alone_on_stdout(tmp_path: Path) -> None:
    code = "from workbench.cli.main import main; main(['models', '--json'])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    json.loads(result.stdout)


def test_a_sweep_that_is_done_times_nothing_and_a_line_is_said_per_finished_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path, store = write_sweep(tmp_path), tmp_path / "store"
    said = []
    for _ in range(2):
        assert call("sweep", "run", path, "--store", store, "--workers", 1, "--device", "cpu") == 0
        said.append(capsys.readouterr().err)
    assert [line[:5] for line in said[0].splitlines() if line.startswith("[")] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    assert "timing a few steps" in said[0] and "timing a few steps" not in said[1]


def test_status_starts_without_torch() -> None:
    code = "import sys, workbench.runner.status; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
