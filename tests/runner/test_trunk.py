"""Runs that branch off a trunk, against the same runs trained alone: equal bit for bit."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.runner.definitions import write_sweep
from workbench.corpus.prepare import prepare
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.runner.backend import Event
from workbench.runner.definition import read_definition
from workbench.runner.local import LocalBackend
from workbench.runner.plan import Plan, plan_sweep
from workbench.runner.sweep import run_sweep
from workbench.store import Store

LOSSES = ["run_id", "trunk_id", "status", "tokens", "steps", "flops", "learning_rate", "loss", "loss_se", "bpb"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def planned(
    folder: Path, design: str = 'type = "grid"\ntrunk = true\nlevels = [4000, 8000, 16000]'
) -> tuple[Plan, Corpus]:
    path = write_sweep(folder)
    text = path.read_text().replace('type = "isoflop"\nlevels = [3e7, 6e7]', design)
    path.write_text(text.replace("batch_tokens = 64", 'schedule = "wsd"'))
    definition = read_definition(path)
    corpus = prepare(definition.corpus)
    return plan_sweep(definition, str(path), corpus), corpus


def train(plan: Plan, corpus: Corpus, folder: Path, note=lambda _: None) -> Store:
    store = Store.create(folder)
    run_sweep(plan, corpus, store, LocalBackend.on_this_machine(2, device="cpu"), note)
    return store


def rows(store: Store) -> pd.DataFrame:
    return store.runs().sort_values("run_id", ignore_index=True)


def test_the_longest_of_a_size_is_the_trunk_and_decides_batch_rate_and_warmup(tmp_path: Path) -> None:
    plan, _ = planned(tmp_path)
    for size in ("small", "large"):
        *branches, trunk = (run for run in plan.runs if run.size == size)
        assert not trunk.parent_id and {run.parent_id for run in branches} == {trunk.run_id}
        assert len({run.trunk_id for run in (*branches, trunk)}) == 1
        for run in branches:
            assert run.horizon.learning_rate == trunk.horizon.learning_rate
            assert run.horizon.warmup_steps == trunk.horizon.warmup_steps
            assert run.horizon.batch_windows == trunk.horizon.batch_windows
    assert len({run.trunk_id for run in plan.runs}) == 2


def test_branches_equal_the_same_runs_trained_alone_and_cost_their_decays(tmp_path: Path) -> None:
    plan, corpus = planned(tmp_path)
    kinds: list[tuple[str, str]] = []
    branched = train(plan, corpus, tmp_path / "branched", lambda e: kinds.append((e.kind, e.job.run.run_id)))
    alone = replace(plan, runs=tuple(replace(run, parent_id="") for run in plan.runs))
    found, expected = rows(branched), rows(train(alone, corpus, tmp_path / "alone"))
    pd.testing.assert_frame_equal(found[LOSSES], expected[LOSSES])
    by_id = {run.run_id: run for run in plan.runs}
    for row in found.to_dict("records"):
        run = by_id[row["run_id"]]
        assert row["parent_id"] == run.parent_id
        assert row["branch_step"] == (run.horizon.branch_step if run.parent_id else 0)
        assert row["flops_spent"] == pytest.approx(run.horizon.flops * run.own_share)
    assert (expected["parent_id"] == "").all() and (expected["flops_spent"] == expected["flops"]).all()
    curves = branched.curves()
    assert (curves[curves["point"] == "final"]["run_id"].value_counts() == 1).all()


def test_a_branch_begins_when_its_trunk_has_passed_it(tmp_path: Path) -> None:
    plan, corpus = planned(tmp_path)
    started: dict[str, int] = {}

    def note(event: Event) -> None:
        if event.kind == "started":
            started.setdefault(event.job.run.run_id, event.row["step"])

    train(plan, corpus, tmp_path / "store", note)
    for run in plan.runs:
        assert started[run.run_id] == (run.horizon.branch_step if run.parent_id else 0)


def test_a_branch_whose_trunk_is_finished_is_trained_alone(tmp_path: Path) -> None:
    plan, corpus = planned(tmp_path)
    trunks = replace(plan, runs=tuple(run for run in plan.runs if not run.parent_id))
    store = train(trunks, corpus, tmp_path / "store")
    run_sweep(plan, corpus, store, LocalBackend.on_this_machine(2, device="cpu"))
    assert (store.runs()["parent_id"] == "").all() and len(store.runs()) == 6


def test_budgets_in_flops_branch_as_well(tmp_path: Path) -> None:
    plan, _ = planned(tmp_path, 'type = "isoflop"\ntrunk = true\nlevels = [3e7, 6e7]')
    assert sum(bool(run.parent_id) for run in plan.runs) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('schedule = "wsd"', 'schedule = "cosine"', 'trunk is given with schedule = "cosine"'),
        ("4000", "300", "the trunk's warm-up makes"),
    ],
)
def test_what_cannot_branch_is_refused_in_words(tmp_path: Path, old: str, new: str, message: str) -> None:
    planned(tmp_path)
    path = tmp_path / "tiny.toml"
    path.write_text(path.read_text().replace(old, new))
    definition = read_definition(path)
    with pytest.raises(BadInput, match=message):
        plan_sweep(definition, str(path), prepare(definition.corpus))
