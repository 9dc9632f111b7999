"""Packs in a sweep: which are made, and that whatever interrupts them, every run ends as it would have."""

from pathlib import Path

import pandas as pd
import pytest

from tests.runner.definitions import write_sweep
from tests.runner.test_sweep import curves, own_cache, planned, table  # noqa: F401
from workbench.corpus.shards import Corpus
from workbench.runner.cost import with_packs
from workbench.runner.local import LocalBackend
from workbench.runner.packing import candidates, pack_id
from workbench.runner.plan import Plan
from workbench.runner.sweep import make_jobs, run_sweep
from workbench.store import Store

SEEDS = '[axes]\nseed = [0, 1, 2]\n"train.rate_factor" = [1, 2]\n'
"""Six runs of each of the four points: four packs on one slot."""


def packs_of(plan: Plan, slots: int) -> list[int]:
    return sorted(len(pack) for pack in candidates(plan.runs, slots))


def run_packed(path: Path, folder: Path) -> Store:
    plan, corpus = planned(path)
    store = Store.create(folder)
    backend = LocalBackend.on_this_machine(1, device="cpu")
    run_sweep(with_packs(plan, plan.runs, 1, "cpu", "always"), corpus, store, backend)
    return store


def test_runs_of_one_shape_are_packed_and_slots_share_what_there_is(tmp_path: Path) -> None:
    plan, _ = planned(write_sweep(tmp_path, SEEDS))
    assert packs_of(plan, slots=1) == [6, 6, 6, 6]
    assert packs_of(plan, slots=2) == [3, 3, 3, 3, 3, 3, 3, 3]
    many, _ = planned(
        write_sweep(tmp_path, "[axes]\nseed = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]\n")
    )
    assert packs_of(many, slots=1) == [8, 8, 8, 8, 9, 9, 9, 9]
    alone, _ = planned(write_sweep(tmp_path))
    assert packs_of(alone, slots=1) == []


def test_a_packed_sweep_is_the_sweep_within_rounding(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, SEEDS)
    packed = table(run_packed(path, tmp_path / "packed").folder)
    plan, corpus = planned(path)
    run_sweep(plan, corpus, Store.create(tmp_path / "alone"), LocalBackend.on_this_machine(2, device="cpu"))
    alone = table(tmp_path / "alone")
    pd.testing.assert_frame_equal(packed, alone.assign(numerics=packed["numerics"]), rtol=1e-3)
    assert packed["numerics"].str.contains(" pack 6").all()
    assert not alone["numerics"].str.contains("pack").any()
    assert not list((tmp_path / "packed" / "checkpoints").glob("p-*"))


@pytest.mark.parametrize("commits", [0, 2])
def test_killed_between_its_commits_a_pack_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    from workbench.runner import worker

    plan, corpus = one_pack(tmp_path)
    store, commit = Store.create(tmp_path / "store"), worker.commit
    (job,) = make_jobs(plan, corpus, store)
    left = iter([True] * commits)

    def killed_after_some(*arguments: object) -> None:
        if not next(left, False):
            raise KeyboardInterrupt
        commit(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "commit", killed_after_some)
    with pytest.raises(KeyboardInterrupt):
        worker.train_and_commit(job, lambda: False)
    monkeypatch.setattr(worker, "commit", commit)
    assert len(store.runs()) == commits

    jobs = make_jobs(plan, corpus, store)
    assert all(not job.others for job in jobs)
    assert len(jobs) == 3 - commits
    monkeypatch.setattr("workbench.training.train.update", None)  # nothing is left to be trained
    for job in jobs:
        worker.train_and_commit(job, lambda: False)
    assert list(store.runs()["status"]) == ["done"] * 3


def test_a_pack_goes_on_where_some_of_its_runs_were_finished_elsewhere(tmp_path: Path) -> None:
    from workbench.errors import Stopped
    from workbench.runner.worker import train_and_commit

    plan, corpus = one_pack(tmp_path)
    store = Store.create(tmp_path / "store")
    (job,) = make_jobs(plan, corpus, store)
    polls = iter([False] * 3)
    with pytest.raises(Stopped):
        train_and_commit(job, lambda: next(polls, True))
    train_and_commit(job.each[1], lambda: False)
    before = store.run(job.runs[1].run_id)
    (again,) = make_jobs(plan, corpus, store)
    assert again.runs == job.runs
    train_and_commit(again, lambda: False)
    assert set(store.runs()["status"]) == {"done"}
    assert store.run(job.runs[1].run_id).equals(before)


def one_pack(folder: Path) -> tuple[Plan, Corpus]:
    path = write_sweep(folder, "[axes]\nseed = [0, 1, 2]\n")
    path.write_text(path.read_text().replace("[3e7, 6e7]", "[3e7]").replace("large = { d_model = 8 }", ""))
    plan, corpus = planned(path)
    return with_packs(plan, plan.runs, 1, "cpu", "always"), corpus


def test_a_pack_is_named_by_its_members_in_order() -> None:
    assert pack_id(["r-1", "r-2"]) == pack_id(("r-1", "r-2")) != pack_id(["r-2", "r-1"])
