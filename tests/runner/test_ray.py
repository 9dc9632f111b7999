"""The Ray backend, on a Ray of this machine. Reference: the local backend, bit for bit."""

import contextlib
import dataclasses
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest

from tests.runner.definitions import write_sweep
from tests.runner.test_sweep import curves, own_cache, planned, table  # noqa: F401
from workbench.cli.main import main
from workbench.errors import BadInput, Stopped
from workbench.runner.backend import Event
from workbench.runner.claims import claimed
from workbench.runner.cost import with_packs
from workbench.runner.local import LocalBackend
from workbench.runner.ray_backend import RayBackend, connected
from workbench.runner.stopping import ask_to_stop
from workbench.runner.sweep import run_sweep
from workbench.store import Store

ray = pytest.importorskip("ray")

pytestmark = pytest.mark.slow
"""Ray alone takes ten seconds to start; the tests share one."""


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with connected(workers=2):
        yield
    assert not ray.is_initialized()


def backend(workers: int = 2) -> RayBackend:
    with connected(workers=workers, device="cpu") as made:  # which leaves a Ray that is there as it is
        return made


def test_losses_are_those_of_the_local_backend_bit_for_bit(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, "[axes]\nseed = [0, 1, 2]\n")
    plan, corpus = planned(path)
    packs = with_packs(plan, plan.runs[:6], 1, "cpu", "always").packs  # some alone, some in packs
    plan = dataclasses.replace(plan, packs=packs)
    kinds: list[str] = []
    for name, made in (("local", LocalBackend.on_this_machine(2, device="cpu")), ("ray", backend())):
        kinds.clear()
        run_sweep(plan, corpus, Store.create(tmp_path / name), made, lambda event: kinds.append(event.kind))
    pd.testing.assert_frame_equal(table(tmp_path / "ray"), table(tmp_path / "local"), check_exact=True)
    pd.testing.assert_frame_equal(curves(tmp_path / "ray"), curves(tmp_path / "local"), check_exact=True)
    assert len(packs) > 0
    assert (kinds.count("started"), kinds.count("ended")) == (12, 12)
    assert not list((tmp_path / "ray").glob("live/*"))


@pytest.mark.parametrize("how", ["sweep stop", "SIGTERM"])
def test_a_stop_has_every_task_save_and_leave(tmp_path: Path, how: str) -> None:
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("[3e7, 6e7]", "[3e10]"))
    plan, corpus = planned(path)
    store = Store.create(tmp_path / "store")

    def note(event: Event) -> None:
        if event.kind == "progress" and list(store.folder.glob("checkpoints/*/*/state.json")):
            ask_to_stop(store, plan.name) if how == "sweep stop" else os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped, match="run it again to resume"):
        run_sweep(plan, corpus, store, backend(), note)
    assert list(store.folder.glob("checkpoints/*/*/optimizer.safetensors"))
    assert not list(store.folder.glob("live/*.leave")) and not list(store.folder.glob("live/*.jsonl"))


def trainer(store: Store, run_id: str) -> psutil.Process:
    """The process that trains a run: its lease says which."""
    (lease,) = store.live(run_id).with_suffix(".leases").glob("[0-9]*")
    return psutil.Process(json.loads(lease.read_text())["pid"])


def supervisor(worker: psutil.Process) -> psutil.Process:
    """Ray's own process, whose child is the server that forked the worker."""
    server = worker.parent()
    ray_worker = server.parent() if server else None
    if ray_worker is None or not ray_worker.name().startswith("ray::"):
        raise psutil.NoSuchProcess(worker.pid)  # killed already, and its children are another's now
    return ray_worker


@pytest.mark.parametrize("victim", [lambda worker: worker, supervisor], ids=["the worker", "Ray's process"])
def test_what_is_killed_is_tried_again_from_its_checkpoint(
    tmp_path: Path, victim: Callable[[psutil.Process], psutil.Process]
) -> None:
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("[3e7, 6e7]", "[2e9]"))  # long enough to be caught in the act
    plan, corpus = planned(path)
    store = Store.create(tmp_path / "store")
    events: list[Event] = []

    def note(event: Event) -> None:
        killed = any(one.kind == "retrying" for one in events)
        if event.kind == "progress" and not killed and list(store.folder.glob("checkpoints/*/*/state.json")):
            with contextlib.suppress(ValueError, psutil.NoSuchProcess):  # it has just ended
                victim(trainer(store, event.job.run.run_id)).kill()
        events.append(event)

    result = run_sweep(plan, corpus, store, backend(), note)
    assert (result.done, result.failed) == (2, {})
    retried = [event for event in events if event.kind == "retrying"]
    assert retried and all("tried again from step" in event.message for event in retried)
    assert any(event.kind == "started" and event.row["step"] > 0 for event in events)


def test_a_run_that_fails_is_recorded_with_its_reason(tmp_path: Path) -> None:
    plan, corpus = planned(write_sweep(tmp_path))
    store, victim = Store.create(tmp_path / "store"), plan.runs[0].run_id
    blocker = store.checkpoints(victim) / "1"
    blocker.mkdir(parents=True)
    (blocker / "state.json").write_text('{"step": 1, "sha256": {}}')  # whole, but of no run
    result = run_sweep(plan, corpus, store, backend())
    assert set(result.failed) == {victim} and result.done == 3
    assert "Error" in store.run(victim)["error"] and "Traceback" in store.run(victim)["error"]


def test_a_run_that_another_process_trains_is_waited_for(tmp_path: Path) -> None:
    plan, corpus = planned(write_sweep(tmp_path))
    store, victim = Store.create(tmp_path / "store"), plan.runs[0].run_id
    claim, events = claimed(store, victim), list[tuple[str, str]]()
    claim.__enter__()

    def note(event: Event) -> None:
        events.append((event.kind, event.job.run.run_id))
        if sum(kind == "ended" for kind, _ in events) == 3 and store.live(victim).with_suffix(".lock").exists():
            claim.__exit__(None, None, None)

    assert run_sweep(plan, corpus, store, backend(), note).trained_now == 4
    assert ("waiting", victim) in events


def test_a_cluster_without_a_gpu_and_a_device_by_number_are_refused() -> None:
    with pytest.raises(BadInput, match="--device cuda: the Ray cluster has no GPU"), connected(device="cuda"):
        pass
    with pytest.raises(BadInput, match="--device cuda:1: Ray chooses the device"), connected(device="cuda:1"):
        pass


def test_the_command_says_that_its_estimate_is_this_machines(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["sweep", "run", str(write_sweep(tmp_path)), "--store", str(tmp_path / "store"), "--json"]
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--backend", "ray", "--workers", "2", "--device", "cpu"])
    out, err = capfd.readouterr()
    assert left.value.code == 0
    assert json.loads(out)["done"] == 4
    assert "4 of 4 runs to train on 2 jobs of ray at a time" in err
    assert "were their machines as fast as this one" in err
