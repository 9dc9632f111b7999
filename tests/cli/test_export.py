"""`workbench export`: what it writes continues a prompt as `workbench generate` does."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.trained import store as store
from workbench.store import Store, reference_store

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers")


def test_an_exported_run_writes_the_same_text(store: Store, run, tmp_path: Path):
    run_id, out = store.runs()["run_id"][0], tmp_path / "out"
    code, printed, err = run("export", run_id, "--store", store.folder, "--out", out, "--json")
    payload = json.loads(printed)
    assert (code, err) == (0, "")
    assert payload["run_id"] == run_id and payload["folder"] == str(out)
    assert (payload["format"], payload["architecture"]) == ("gpt_neox", "GPTNeoXForCausalLM")
    assert payload["n_params"] == store.run(run_id)["n_params"]
    assert payload["files"] == sorted(path.name for path in out.iterdir())

    model = transformers.AutoModelForCausalLM.from_pretrained(out)
    tokenizer = transformers.AutoTokenizer.from_pretrained(out)
    prompt = "12+"
    written = model.generate(**tokenizer(prompt, return_tensors="pt"), max_new_tokens=7, do_sample=False)[0]
    text = run("generate", run_id, "--prompt", prompt, "--tokens", 7, "--temperature", 0, "--store", store.folder)[1]
    assert tokenizer.decode(written, skip_special_tokens=True) == text.removesuffix("\n")


def test_a_person_is_told_how_to_open_it(store: Store, run, tmp_path: Path):
    code, printed, _ = run("export", "r-", "--store", store.folder, "--out", tmp_path / "out")
    assert code == 0
    assert "parameters as GPTNeoXForCausalLM in" in printed
    assert f"transformers.AutoModelForCausalLM.from_pretrained('{tmp_path / 'out'}')" in printed


def test_bad_input_is_a_sentence_and_exit_2(store: Store, run, tmp_path: Path):
    here, new = ("--store", store.folder), ("--out", tmp_path / "out")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").touch()
    reference = Store(reference_store())
    for args, sentence in [
        (("r-none", *here, *new), "no run with an id that begins with 'r-none'"),
        (("r-", *here, "--out", tmp_path / "taken"), "taken: is there already; give a folder that does not exist yet"),
        (("r-", *here), "Missing option '--out'"),
        (("r-", "--store", tmp_path, *new), "not a store"),
        ((reference.runs()["run_id"][0], "--store", reference.folder, *new), "no checkpoint; train the run again"),
    ]:
        code, printed, err = run("export", *args)
        assert (code, printed) == (2, "") and sentence in err
    assert not (tmp_path / "out").exists()


def test_only_a_finished_run_is_exported(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    reference = Store(reference_store())
    row = reference.runs().iloc[0].copy()
    row["status"] = "diverged"
    monkeypatch.setattr(Store, "run", lambda self, prefix: row)
    code, _, err = run("export", "r-", "--store", reference.folder, "--out", tmp_path / "out")
    assert code == 2 and "is diverged, not done; only a finished run can be exported" in err
