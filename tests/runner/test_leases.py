"""Machines that share a store: who holds a lease, who may take it over, and who may still commit."""

import json
import os
import time
from pathlib import Path

import pytest

from tests.factories import make_store
from workbench.runner.claims import tidy
from workbench.runner.leases import LEASE_SECONDS, Busy, Lease, leased
from workbench.store import Store


def of_another_machine(lease: Lease) -> Lease:
    """The same lease as another machine would have taken it."""
    text = json.dumps({**json.loads(lease.text), "machine": "another"})
    lease.path.write_text(text)
    return Lease(lease.path, text)


def silent(lease: Lease) -> None:
    """Its holder has not been heard of for longer than a lease lasts."""
    then = time.time() - LEASE_SECONDS - 5
    os.utime(lease.path, (then, then))


def test_a_lease_is_had_by_one_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "r-1.leases"
    lease = Lease.take(folder, locked=False)
    assert lease.valid
    with pytest.raises(Busy, match="r-1"):
        Lease.take(folder, locked=False)
    lease.release()
    assert not folder.exists()
    assert not lease.valid


def test_a_dead_holder_of_this_machine_is_known_by_its_lock_at_once(tmp_path: Path) -> None:
    dead = Lease.take(tmp_path / "r-1.leases", locked=True)
    assert not leased(dead.path.parent, locked=True)
    heir = Lease.take(tmp_path / "r-1.leases", locked=True)
    assert heir.valid and not dead.valid
    with pytest.raises(Busy):
        dead.check()


def test_a_holder_on_another_machine_is_believed_alive_until_it_has_been_silent(tmp_path: Path) -> None:
    far = of_another_machine(Lease.take(tmp_path / "r-1.leases", locked=True))
    assert leased(far.path.parent, locked=True)
    with pytest.raises(Busy):
        Lease.take(far.path.parent, locked=True)
    silent(far)
    assert not leased(far.path.parent, locked=True)
    near = Lease.take(far.path.parent, locked=True)
    assert int(near.path.name) == int(far.path.name) + 1
    assert near.valid and not far.valid


def test_one_that_wakes_after_its_heir_has_come_and_gone_may_not_commit_by_the_same_number(tmp_path: Path) -> None:
    asleep = of_another_machine(Lease.take(tmp_path / "r-1.leases", locked=True))
    silent(asleep)
    Lease.take(asleep.path.parent, locked=True).release()
    third = Lease.take(asleep.path.parent, locked=True)
    assert third.path == asleep.path
    assert third.valid and not asleep.valid
    asleep.release()
    assert third.valid


def test_a_lease_is_renewed_while_its_holder_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.runner.leases.BEAT_SECONDS", 0.01)
    lease = Lease.take(tmp_path / "r-1.leases", locked=True)
    with lease.renewed():
        silent(lease)
        deadline = time.time() + 10
        while time.time() - lease.path.stat().st_mtime > LEASE_SECONDS and time.time() < deadline:
            time.sleep(0.01)
    assert time.time() - lease.path.stat().st_mtime < LEASE_SECONDS


def test_what_a_killed_process_left_of_a_finished_run_is_tidied_away(tmp_path: Path) -> None:
    store = Store(make_store(tmp_path / "store"))
    done = str(store.runs()["run_id"].iloc[0])
    for name in (done, "r-other"):
        (store.folder / "live" / f"{name}.leases").mkdir(parents=True)
        (store.folder / "live" / f"{name}.leases" / "000001").write_text("{}")
    tidy(store)
    assert [path.name for path in (store.folder / "live").iterdir()] == ["r-other.leases"]
