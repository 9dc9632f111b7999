"""Membership is the manifests', and runs of different corpora never share a law."""

import pytest

from tests.factories import make_runs
from workbench.analyses.samples import named, samples
from workbench.fitting.tables.canonical import filtered


@pytest.fixture(scope="module")
def runs():
    return make_runs(0)[0]


def manifest(name, ids):
    return {"name": name, "runs": [{"run_id": run_id} for run_id in ids]}


def with_another(runs, **columns):
    """The runs, and the first eight of them again as another sweep's."""
    other = runs.head(8).assign(run_id=[f"r-other-{i}" for i in range(8)], sweep="other", **columns)
    return runs.__class__({name: [*runs[name], *other[name]] for name in runs})


def test_sweeps_over_one_corpus_are_one_sample(runs):
    found = samples(with_another(runs))
    assert len(found) == 1 and found[0].where == "" and len(found[0].runs) == len(runs) + 8


@pytest.mark.parametrize(
    "columns", [{"corpus_fingerprint": "fedcba9876543210"}, {"tokenizer": "bytes"}, {"context": 64}]
)
def test_another_corpus_tokenizer_or_context_stands_apart_most_compute_first(runs, columns):
    mixed = with_another(runs, **columns)
    found = samples(mixed)
    assert [sample.where for sample in found] == ["sweep = 'simulated'", "sweep = 'other'"]
    assert [len(sample.runs) for sample in found] == [len(runs), 8]
    for sample in found:
        assert sorted(filtered(mixed, sample.where)["run_id"]) == sample.runs["run_id"].tolist()


def test_within_one_sweep_the_column_tells_them_apart(runs):
    mixed = with_another(runs, context=64).assign(sweep="simulated")
    found = samples(mixed)
    assert [sample.where for sample in found] == ["context = 128", "context = 64"]
    assert [len(filtered(mixed, sample.where)) for sample in found] == [len(runs), 8]


def test_a_run_that_two_sweeps_share_belongs_to_both_and_counts_once(runs):
    ids = runs["run_id"].tolist()
    rows, notes = named(runs, [manifest("simulated", ids), manifest("second", ids[:5])])
    assert notes == {} and len(rows) == len(ids) + 5
    assert sorted(filtered(rows, "sweep = 'second'")["run_id"]) == ids[:5]
    (one,) = samples(rows)
    assert one.runs["run_id"].tolist() == sorted(ids)


def test_runs_that_a_sweep_lists_no_longer_are_left_out_and_counted(runs):
    rows, notes = named(runs, [manifest("simulated", runs["run_id"][3:])])
    assert len(rows) == len(runs) - 3
    assert notes == {"simulated": "Sweep 'simulated' trained 3 runs more by an older definition: left out."}
    assert len(named(runs.assign(sweep=""), [manifest("other", [])])[0]) == len(runs)


def test_a_store_without_runs_is_one_empty_sample(runs):
    (one,) = samples(runs.head(0))
    assert one.runs.empty and one.where == ""
