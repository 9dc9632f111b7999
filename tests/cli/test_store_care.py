"""`workbench store` compacts, checks, repairs and collects, says what it did, and leaves a run in training alone."""

import json
import shutil

import pandas as pd
import pytest

from workbench.runner.claims import claimed
from workbench.store import Store, reference_store


@pytest.fixture
def store(tmp_path):
    shutil.copytree(reference_store(), tmp_path / "store")
    return tmp_path / "store"


def test_compact_keeps_every_row(run, store):
    before = Store(store).curves()
    code, out, _ = run("store", "compact", store, "--json")
    tables = {one["table"]: one for one in json.loads(out)["tables"]}
    assert code == 0 and tables["curves"]["rows"] == len(before)
    assert run("store", "compact", store)[1].startswith("runs ")
    pd.testing.assert_frame_equal(Store(store).curves(), before)


def test_replace_says_that_it_is_offline_and_waits_for_no_one(run, store):
    before = Store(store).runs()
    with claimed(Store(store), "r-training"):
        for act in (["compact", store, "--replace"], ["repair", store]):
            code, _, err = run("store", *act)
            assert code == 2 and "r-training is being trained; " in err and "offline" in err
    assert len(list((store / "runs").iterdir())) == len(before)
    code, out, _ = run("store", "compact", store, "--replace")
    assert code == 0 and out.startswith("Offline: ")
    assert [path.name for path in (store / "runs").iterdir()] == ["merged@runs.parquet"]
    pd.testing.assert_frame_equal(Store(store).runs(), before)


def test_check_leaves_with_one_where_something_is_wrong_until_it_is_mended(run, store):
    assert run("store", "check", store)[:2] == (0, f"{store}: nothing is wrong.\n")
    torn = store / "runs" / (Store(store).runs(where="sweep = 'quickstart'")["run_id"].iloc[0] + ".parquet")
    torn.write_bytes(b"PAR1")
    code, out, _ = run("store", "check", store)
    assert code == 1 and f"WRONG unreadable            runs/{torn.name}: " in out
    assert "1 thing wrong; `workbench store repair" in out
    code, out, _ = run("store", "check", store, "--json")
    assert code == 1 and json.loads(out)["wrong"] == 1
    code, out, _ = run("store", "repair", store)
    assert code == 0 and f"lost: {torn.stem}: `workbench sweep run` with the definition of quickstart" in out
    assert json.loads(run("store", "repair", store, "--json")[1])["repairs"] == []
    code, out, _ = run("store", "check", store)
    assert code == 1 and f"quickstart.json: lost 1 run ({torn.stem}) of 44: " in out
    assert out.endswith("1 thing wrong; no repair brings back what is lost.\n")


def test_gc_says_how_much_it_frees(run, store):
    run_id = Store(store).runs()["run_id"].iloc[0]
    for step in (1, 2):
        folder = store / "checkpoints" / run_id / str(step)
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"x" * 1500)
        (folder / "state.json").write_text("{}")
    assert "1.5 kB would be freed in 1 place." in run("store", "gc", store, "--dry-run")[1]
    assert json.loads(run("store", "gc", store, "--json")[1])["bytes"] == 1502
    assert not (store / "checkpoints" / run_id / "1").exists() and (store / "checkpoints" / run_id / "2").exists()
    assert "0 bytes freed" in run("store", "gc", store)[1]


def test_a_lost_marker_is_something_wrong_that_repair_mends(run, store):
    before = (store / "store.json").read_text()
    (store / "store.json").unlink()
    code, out, _ = run("store", "check", store)
    assert code == 1 and "store.json: missing; the files are of schema version 1\n" in out
    assert "`workbench store repair" in out
    code, out, _ = run("store", "repair", store)
    assert code == 0 and out.startswith("store.json: missing; written anew")
    assert (store / "store.json").read_text() == before
    assert run("store", "check", store)[0] == 0
