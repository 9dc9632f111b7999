"""The reference store is real, small, and says how it was made."""

import pandas as pd

from workbench.store import Store, reference_store


def test_it_holds_the_quickstart_and_a_task() -> None:
    store = Store(reference_store())
    sweeps = {sweep["name"]: sweep for sweep in store.sweeps()}
    assert set(sweeps) == {"quickstart", "emergence"}
    ids = {run["run_id"] for sweep in sweeps.values() for run in sweep["runs"]}
    assert ids == set(store.runs()["run_id"])
    assert set(store.runs()["status"]) == {"done"}
    assert set(store.evals()["metric"]) >= {"exact_match", "token_probability"}


def test_plain_pandas_reads_it() -> None:
    assert len(pd.read_parquet(reference_store() / "runs")) == len(Store(reference_store()).runs())


def test_it_is_small_and_says_how_it_was_made() -> None:
    files = [path for path in reference_store().rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3_000_000
    assert "workbench quickstart" in (reference_store() / "README.md").read_text()
