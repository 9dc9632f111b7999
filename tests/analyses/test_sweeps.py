"""Sweeps as their manifests list them, whatever the runs themselves say."""

import pytest

from tests.factories import make_runs
from workbench.analyses import sweeps


@pytest.fixture(scope="module")
def runs():
    return make_runs(0)[0]


def manifest(name, ids, **more):
    return {"name": name, "runs": [{"run_id": run_id, "role": "grid"} for run_id in ids], **more}


def test_membership_is_the_manifests(runs):
    shared = manifest("other", runs["run_id"][:5])
    assert sweeps.of_sweep(runs, shared)["run_id"].tolist() == runs["run_id"][:5].tolist()
    assert len(sweeps.of_sweep(runs, None)) == len(runs)


def test_progress_counts_planned_done_and_failed_and_adds_up_the_cost(runs):
    some = runs.assign(status=["diverged"] + ["done"] * (len(runs) - 1))
    planned = manifest("mine", [*runs["run_id"], "r-not-yet-trained"], description="All of them.")
    row = sweeps.progress(some, [planned]).iloc[0]
    assert (row["planned"], row["done"], row["failed"]) == (len(runs) + 1, len(runs) - 1, 1)
    assert row["flops"] == pytest.approx(runs["flops_spent"].sum())
    assert row["description"] == "All of them."


def test_a_column_that_says_nothing_is_left_out(runs):
    shown = sweeps.table(runs, [manifest("mine", runs["run_id"])])
    assert "description" not in [column.key for column in shown.columns]
