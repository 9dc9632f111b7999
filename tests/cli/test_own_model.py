"""The example of docs/own-models.md, by the command line: workers import it, and its source is part of its id."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.runner.definitions import write_sweep
from workbench.models import own

EXAMPLE = Path(__file__).parents[2] / "docs" / "own_model.py"
TINY = {
    "n_layer = 1\nn_head = 1\n": 'architecture = "ours"\n',
    "{ d_model = 4 }": '{ "model.settings.hidden" = 4 }',
    "{ d_model = 8 }": '{ "model.settings.hidden" = 8 }',
    "[3e7, 6e7]": "[1e7, 2e7]",
    'name = "tiny"': 'name = "tiny"\nprobes = ["perplexity"]',
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the example in it; what a test registers and imports ends with it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for registry in ("_registered", "_imported"):
        monkeypatch.setattr(own, registry, getattr(own, registry).copy())
    write_example(tmp_path / "first")
    return tmp_path


def write_example(folder: Path, name: str = "ours", more: str = "") -> Path:
    """The example under another name, so that tests do not meet in the registry."""
    folder.mkdir(exist_ok=True)
    text = EXAMPLE.read_text().replace('register("gru"', f'register("{name}"')
    path = folder / f"{name}_{folder.name}.py"
    path.write_text(text + more)
    return path


def test_a_sweep_of_ones_own_model(folder: Path, run) -> None:
    definition, store = write_sweep(folder, **TINY), folder / "store"
    model = folder / "first" / "ours_first.py"
    code, _, err = run("sweep", "run", definition, "--store", store, "--workers", 2)
    assert code == 2
    assert "no model of this name is registered" in err
    code, out, _ = run("sweep", "run", definition, "--store", store, "--workers", 2, "--import", model, "--json")
    assert code == 0
    assert json.loads(out)["done"] == 4
    runs = pd.read_parquet(store / "runs")
    hidden = [json.loads(text)["model"]["settings"]["hidden"] for text in runs["config"]]
    # Embedding and head, the three gates' two matrices and biases.
    expected = [2 * 257 * h + 3 * (2 * h * h + 2 * h) for h in hidden]
    assert runs["n_params"].tolist() == expected
    assert runs["n_params_non_embedding"].tolist() == [n - 2 * 257 * h for n, h in zip(expected, hidden, strict=True)]
    assert set(runs["position"]) == {""}

    run_id = runs["run_id"].iloc[0]
    code, out, _ = run("generate", run_id, "--prompt", "1 plus", "--tokens", 4, "--store", store, "--json")
    assert (code, len(json.loads(out)["tokens"])) == (0, 4)  # the file is imported already in this process
    code, _, err = run("export", run_id, "--out", folder / "exported", "--store", store)
    assert code == 2
    assert "is of the registered model 'ours'" in err

    shutil.rmtree(folder / "first")
    changed = write_example(folder / "second", more="# A comment is a change.\n")
    code, out, _ = run("sweep", "plan", definition, "--store", store, "--import", changed, "--json")
    assert code == 0
    assert [planned["done"] for planned in json.loads(out)["runs"]] == [False] * 4
    code, _, err = run("sweep", "status", definition, "--store", store, "--import", changed)
    assert code == 0
    assert "has 4 runs of tiny by another source of 'ours'" in err
    code, _, err = run("eval", run_id, "perplexity", "--store", store)
    assert code == 2
    assert "it has changed since" in err


KILLED_ONCE = """
import os, signal
from multiprocessing import parent_process
from pathlib import Path

CALLS = 0

def forward(self, ids_BT):
    global CALLS
    CALLS += self.training and parent_process() is not None
    if CALLS == 5 and not Path({flag!r}).exists():
        Path({flag!r}).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(self, ids_BT)

plain, Gru.forward = Gru.forward, forward
"""
"""Added to a model's file: the first worker to come that far dies in the middle of a step."""


def test_a_sweep_whose_worker_was_killed_goes_on_from_its_checkpoint_and_ends_the_same(folder: Path, run) -> None:
    flag = folder / "killed once"
    definition = write_sweep(folder, **TINY, **{"checkpoint_seconds = 0.05": "checkpoint_seconds = 0"})
    model = write_example(folder / "third", name="killed", more=KILLED_ONCE.format(flag=str(flag)))
    definition.write_text(definition.read_text().replace('"ours"', '"killed"'))

    def sweep(store: str) -> int:
        options = ("--store", folder / store, "--workers", 1, "--pack", "never", "--import", model, "--json")
        code, _, err = run("sweep", "run", definition, *options)
        assert ("killed by SIGKILL" in err) == (store == "stormy")
        return int(code)

    assert (sweep("stormy"), flag.exists()) == (0, True)
    assert sweep("calm") == 0
    for table, keys in (("runs", ["run_id"]), ("curves", ["run_id", "step"])):
        stormy, calm = (
            pd.read_parquet(folder / store / table).sort_values(keys, ignore_index=True) for store in ("stormy", "calm")
        )
        kept = [*keys, "loss"] if table == "runs" else [*keys, "train_loss"]
        pd.testing.assert_frame_equal(stormy[kept], calm[kept], check_exact=True)
