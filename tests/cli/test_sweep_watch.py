"""A sweep that one process runs is watched and stopped from another: here, from the test."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.runner.definitions import write_sweep
from workbench.runner.stopping import ask_to_stop, being_run, is_run
from workbench.store import Store

LONG = "[3e7, 3e10]"
"""The second level trains for minutes."""


@pytest.fixture
def definition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("[3e7, 6e7]", LONG))
    return path


@contextmanager
def running(definition: Path, store: Path, there: str = "live/*.jsonl", size: int = 1) -> Iterator[subprocess.Popen]:
    """A runner of the sweep, once it has a live curve with rows, or another file of `there`."""
    run = f"from workbench.cli.main import main; main(['sweep', 'run', {str(definition)!r}, '--store', {str(store)!r}])"
    call = [sys.executable, "-c", f"if __name__ == '__main__':\n    {run}"]
    process = subprocess.Popen(call, stderr=subprocess.PIPE, text=True)
    try:
        while process.poll() is None and not any(path.stat().st_size >= size for path in store.glob(there)):
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_a_sweep_is_watched_and_stopped_from_elsewhere(run, definition, tmp_path):
    store = tmp_path / "store"
    with running(definition, store) as process:
        _, out, _ = run("sweep", "status", definition, "--store", store, "--json")
        said = json.loads(out)
        going = [row["run_id"] for row in said["runs"] if row["status"] == "running"]
        assert going and said["counts"]["running"] == len(going)
        assert all(row["idle"] < 60 for row in said["runs"])

        code, out, _ = run("sweep", "logs", definition, "--store", store)
        assert code == 0 and f"{going[0]}  running" in out

        code, out, _ = run("sweep", "stop", definition, "--store", store)
        assert code == 0 and "stopped. Resume: workbench sweep run" in out
        assert process.wait(timeout=60) == 75
    _, out, _ = run("sweep", "stop", definition, "--store", store)
    assert "nobody runs it" in out


def test_a_sweep_that_is_still_preparing_is_stopped_before_it_trains(run, definition, tmp_path):
    """The steps that it times first may take long; a request of before is none of its own."""
    store = tmp_path / "store"
    ask_to_stop(Store.create(store), "tiny")
    with running(definition, store, "live/tiny.runner", 0) as process:
        code, out, err = run("sweep", "stop", definition, "--store", store)
        assert (code, process.wait(timeout=60)) == (0, 75)
        assert "stopped. Resume" in out and ("asked not to begin" in err or "asked to save" in err)
    assert not [path.name for path in store.glob("live/tiny.*")]


def test_a_stop_where_no_store_is_yet_says_what_to_do(run, definition, tmp_path):
    code, _, err = run("sweep", "stop", definition, "--store", tmp_path / "store")
    assert code == 2 and "there is no store yet" in err and "Ctrl-C" in err


def test_a_stop_is_asked_of_those_that_run_at_the_moment(tmp_path):
    store = Store.create(tmp_path / "store")
    with being_run(store, "tiny") as first, being_run(store, "tiny") as second:
        assert is_run(store, "tiny") and not first() and not second()
        ask_to_stop(store, "tiny")
        assert first() and second()
        with being_run(store, "tiny") as later:
            assert not later() and first()
    assert not is_run(store, "tiny")


def test_followed_rows_end_with_the_run(run, definition, tmp_path):
    store = tmp_path / "store"
    with running(definition, store):
        live = next(path for path in store.glob("live/*.jsonl") if path.stat().st_size)
        assert run("sweep", "stop", definition, "--store", store, "--no-wait")[0] == 0
        code, out, _ = run("sweep", "logs", definition, live.stem, "--store", store, "--follow")
    assert code == 0 and live.stem in out


def test_a_run_that_diverges_is_told_from_one_that_is_done(run, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path, store = write_sweep(tmp_path), tmp_path / "store"
    text = path.read_text().replace("levels = [3e7, 6e7]", 'levels = [{ level = 3e7, sizes = ["small"] }]')
    path.write_text(
        text.replace("batch_tokens = 64", 'batch_tokens = 64\noptimizer = "sgd"\nlearning_rate = 1e30\nclip = 0')
    )
    code, out, err = run("sweep", "run", path, "--store", store)
    assert code == 0 and "0 done, 1 diverged" in out
    assert "workbench report" not in out and f"workbench sweep logs {path}" in out
    (line,) = [line for line in err.splitlines() if line.startswith("[1/1]")]
    assert "small at 3e+07: diverged: the loss is not finite at step" in line

    _, out, _ = run("sweep", "run", path, "--store", store, "--json")
    (run_id,) = json.loads(out)["diverged_runs"]
    last = int(Store(store).curves(run_id)["step"].max())
    _, out, _ = run("sweep", "status", path, "--store", store)
    assert f"{run_id}  small at 3e+07  diverged    step {last} of" in out
    _, out, _ = run("sweep", "logs", path, "--store", store)
    assert out.startswith(f"{run_id}  diverged: the loss is not finite at step {last} of") and out.count("\n") == 1


def test_a_failed_run_says_why_and_what_was_printed_last(run, definition, tmp_path):
    from tests.factories import make_store
    from workbench.runner.plan import read_plan

    plan, _ = read_plan(definition, lambda _: None)
    store = Store(make_store(tmp_path / "store"))
    row = {str(name): value for name, value in store.runs().iloc[0].items()}
    failed = {"run_id": plan.runs[0].run_id, "status": "failed", "error": "OSError: no disk\nTraceback\nlast line"}
    store.write_run(row | failed, store.curves().iloc[:0])
    _, out, _ = run("sweep", "logs", definition, "--store", store.folder)
    for words in (f"{plan.runs[0].run_id}  failed", "OSError: no disk", "last line"):
        assert words in out


@pytest.mark.parametrize(
    ("more", "message"),
    [(["r-nothing"], "no run with an id that begins with 'r-nothing'"), (["--follow"], "give the run to follow")],
)
def test_a_run_that_is_not_named_is_one_sentence_and_exit_code_2(run, definition, tmp_path, more, message):
    Store.create(tmp_path / "store")
    code, out, err = run("sweep", "logs", definition, *more, "--store", tmp_path / "store")
    assert (code, out) == (2, "") and message in err
