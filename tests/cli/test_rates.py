"""`workbench rates` on a store of made-up losses whose best rates are known."""

import json

import numpy as np
import pytest

from tests.factories import make_runs, make_store
from workbench.store import Store

RATES = (0.005, 0.01, 0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two widths of which the wider's best rate is beyond the rates, from two seeds."""
    path = tmp_path_factory.mktemp("rates") / "store"
    store, (runs, curves, _) = Store.create(path), make_runs(0)
    first = runs.iloc[0]
    entries = []
    for width, best in ((16, 0.01), (32, 0.05)):
        for rate in RATES:
            for seed in (0, 1):
                run_id = f"r-{width}-{rate:g}-{seed}"
                loss = 2 + 0.1 * np.log(rate / best) ** 2 + 0.001 * seed
                changed = {"run_id": run_id, "d_model": width, "learning_rate": rate, "seed_init": seed, "loss": loss}
                store.write_run({**first, **changed}, curves[curves["run_id"] == first["run_id"]].assign(run_id=run_id))
                entries.append({"run_id": run_id, "role": "rate"})
    store.write_manifest({"name": "widths", "runs": entries})
    return path


def test_each_width_is_a_line_with_its_best_rate(run, folder):
    code, out, _ = run("rates", "--store", folder, "--sweep", "widths")
    head, narrow, wide = out.splitlines()
    assert code == 0 and head.startswith("parameterisation")
    assert narrow.split()[:3] == ["standard", "16", "0.0100"] and narrow.endswith("yes")
    assert wide.split()[:3] == ["standard", "32", "0.0200"] and wide.endswith("no")


def test_a_script_gets_the_interval(run, folder):
    code, out, _ = run("rates", "--store", folder, "--sweep", "widths", "--json")
    narrow = json.loads(out)["optima"][0]
    assert code == 0 and narrow["rate"] == pytest.approx(0.01, rel=1e-6) and narrow["low"] < 0.01 < narrow["high"]


def test_a_sweep_that_the_store_does_not_have_is_one_sentence_and_exit_code_2(run, folder):
    code, out, err = run("rates", "--store", folder, "--sweep", "other")
    assert code == 2 and out == "" and "other" in err and err.count("\n") == 1


def test_a_sweep_of_one_seed_does_not_say_how_large_the_noise_is(run, tmp_path):
    store = make_store(tmp_path / "store")
    manifest = Store(store).manifest("simulated")
    Store(store).write_manifest({**manifest, "name": "one", "runs": manifest["runs"][:6]})
    code, out, err = run("rates", "--store", store, "--sweep", "one")
    assert code == 2 and out == "" and "noise between seeds is unknown" in err
