"""The Slurm backend, on submitit's executor for one machine and on a Slurm that is faked but runs its jobs.

Reference: the local backend, bit for bit. No real Slurm has been met.
"""

import contextlib
import os
import signal
import stat
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from tests.runner import fake_slurm
from tests.runner.definitions import write_sweep
from tests.runner.test_sweep import curves, own_cache, planned, table  # noqa: F401
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput, Stopped
from workbench.runner.backend import Event
from workbench.runner.local import LocalBackend
from workbench.runner.plan import Plan
from workbench.runner.slurm import SlurmBackend, backend_of, log_folder, submitting
from workbench.runner.slurm_options import OPTIONS, read_options
from workbench.runner.stopping import ask_to_stop
from workbench.runner.sweep import run_sweep
from workbench.store import Store

submitit = pytest.importorskip("submitit")


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "slurm"
    # submitit remembers how every job ended, and each test's Slurm counts its jobs from the same number.
    monkeypatch.setattr(submitit.SlurmJob, "watcher", type(submitit.SlurmJob.watcher)())
    monkeypatch.setenv("PATH", f"{fake_slurm.install(folder, room=2)}:{os.environ['PATH']}")
    return folder


def backend(store: Store, workers: int = 2, **options: str) -> SlurmBackend:
    made = submitting(store, "tiny", options, workers, device="cpu")
    for slot in made.slots:
        slot.queue.look_seconds = 0.5
    made.poll_seconds = 0.1
    return made


@pytest.mark.slow
def test_submitits_own_executor_gives_the_losses_of_the_local_backend_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("[3e7, 6e7]", "[3e7]"))
    plan, corpus = planned(path)
    run_sweep(plan, corpus, Store.create(tmp_path / "local"), LocalBackend.on_this_machine(2, device="cpu"))
    store = Store.create(tmp_path / "slurm")
    executor = submitit.LocalExecutor(log_folder(store))
    submitted: list[Any] = []
    submit = executor.submit

    def remembered(work: Any) -> Any:
        submitted.append(submit(work))
        return submitted[-1]

    monkeypatch.setattr(executor, "submit", remembered)
    made = backend_of(executor, 2, "cpu", look_seconds=0.5, poll_seconds=0.1)
    result = run_sweep(plan, corpus, store, made)
    for job in submitted:  # they answer a moment before they end
        job._process.wait()
    assert (result.done, result.trained_now) == (2, 2)
    pd.testing.assert_frame_equal(table(tmp_path / "slurm"), table(tmp_path / "local"), check_exact=True)
    pd.testing.assert_frame_equal(curves(tmp_path / "slurm"), curves(tmp_path / "local"), check_exact=True)
    assert stat.S_IMODE((store.folder / "live" / "slurm").stat().st_mode) == 0o700


@pytest.mark.slow
def test_a_preempted_job_saves_goes_back_to_the_queue_and_goes_on(tmp_path: Path, slurm: Path) -> None:
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("[3e7, 6e7]", "[1e9]").replace("small = { d_model = 4 }", ""))
    plan, corpus = planned(path)
    store = Store.create(tmp_path / "store")
    signals: list[signal.Signals] = [
        signal.SIGTERM,
        signal.SIGUSR2,
    ]  # of a preemption with a time of grace, and of a time limit
    kinds: list[str] = []

    def note(event: Event) -> None:
        kinds.append(event.kind)
        (job,) = fake_slurm.jobs(slurm)
        runs = len((job / "runs").read_text())
        if signals and runs == 3 - len(signals) and any(store.folder.glob("checkpoints/*/*/state.json")):
            number = signals.pop(0)
            if number == signal.SIGTERM:
                for process in fake_slurm.processes(job):
                    process.send_signal(number)
            else:
                supervisor_of(job).send_signal(number)

    result = run_sweep(plan, corpus, store, backend(store, partition="night", comment="a test"), note)
    assert (result.done, result.failed) == (1, {})
    (job,) = fake_slurm.jobs(slurm)
    assert (job / "runs").read_text() == "xxx"
    assert "retrying" not in kinds
    script = (job / "script").read_text()
    for line in ("--partition=night", "--comment='a test'", "--cpus-per-task=1", "--time=60", "--signal=USR2@90"):
        assert f"#SBATCH {line}\n" in script
    assert "#SBATCH --job-name=workbench-tiny\n" in script
    pd.testing.assert_frame_equal(table(store.folder), undisturbed(plan, corpus, tmp_path), check_exact=True)


def undisturbed(plan: Plan, corpus: Corpus, folder: Path) -> pd.DataFrame:
    run_sweep(plan, corpus, Store.create(folder / "calm"), LocalBackend.on_this_machine(1, device="cpu"))
    return table(folder / "calm")


def supervisor_of(job: Path) -> psutil.Process:
    return next(one for one in fake_slurm.processes(job) if "submitit.core._submit" in one.cmdline())


@pytest.mark.slow
def test_a_stop_has_running_jobs_save_and_takes_the_others_out_of_the_queue(tmp_path: Path, slurm: Path) -> None:
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("[3e7, 6e7]", "[3e10, 4e10]"))
    plan, corpus = planned(path)
    store = Store.create(tmp_path / "store")
    events: list[Event] = []

    def note(event: Event) -> None:
        events.append(event)
        if event.kind == "progress" and list(store.folder.glob("checkpoints/*/*/state.json")):
            ask_to_stop(store, plan.name)

    with pytest.raises(Stopped, match="tiny stopped with 4 of 4 runs left"):
        run_sweep(plan, corpus, store, backend(store, workers=4), note)
    assert list(store.folder.glob("checkpoints/*/*/optimizer.safetensors"))
    assert not list(store.folder.glob("live/*.leave")) and not list(store.folder.glob("live/slurm/*.json"))
    assert len(fake_slurm.jobs(slurm)) == 4, [(event.kind, event.message) for event in events]
    assert "PENDING" not in {fake_slurm.state(job) for job in fake_slurm.jobs(slurm)}


@pytest.mark.slow
def test_a_job_that_dies_without_an_answer_is_submitted_again(tmp_path: Path, slurm: Path) -> None:
    path = write_sweep(tmp_path)
    path.write_text(path.read_text().replace("[3e7, 6e7]", "[1e9]").replace("small = { d_model = 4 }", ""))
    plan, corpus = planned(path)
    store = Store.create(tmp_path / "store")
    events: list[Event] = []

    def note(event: Event) -> None:
        if event.kind == "progress" and not any(one.kind == "progress" for one in events):
            for process in fake_slurm.processes(fake_slurm.jobs(slurm)[0]):
                with contextlib.suppress(psutil.NoSuchProcess):  # the first took it along
                    process.kill()
        events.append(event)

    result = run_sweep(plan, corpus, store, backend(store), note)
    assert (result.done, result.failed) == (1, {})
    (retried,) = [event for event in events if event.kind == "retrying"]
    assert "ended without an answer: FAILED" in retried.message


def test_options_are_read_as_slurm_writes_them() -> None:
    read = read_options(["partition=a,b,time=4:00:00", "gres=gpu:1,exclude=n1,n2", "setup=module load x", "setup=date"])
    assert read == {
        "partition": "a,b",
        "time": 240,
        "gres": "gpu:1",
        "exclude": "n1,n2",
        "setup": ["module load x", "date"],
    }
    times = {"90": 90, "90:30": 91, "1:30:00": 90, "2-0": 2880, "1-12:30": 2190, "0:10:30": 11}
    assert {text: read_options([f"time={text}"])["time"] for text in times} == times


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("partiton=gpu", "--slurm partiton: no such option; there are account, "),
        ("gpu", "--slurm gpu: it should be KEY=VALUE"),
        ("time=soon", "--slurm time=soon: it should be minutes, HH:MM:SS or D-HH:MM:SS"),
        ("cpus_per_task=0", "--slurm cpus_per_task=0: it should be a whole number above 0"),
        ("exclusive=yes", "--slurm exclusive=yes: it should be true or false"),
    ],
)
def test_a_wrong_option_is_named(text: str, sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_options([text])
    assert str(refused.value).startswith(sentence)


def test_every_option_is_one_of_submitits() -> None:
    assert set(OPTIONS) <= submitit.SlurmExecutor._valid_parameters()


def test_a_machine_without_slurm_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="there is no srun here"):
        submitting(Store.create(tmp_path / "store"), "tiny", {})


def test_what_sbatch_refuses_is_passed_on(tmp_path: Path, slurm: Path) -> None:
    (slurm / "bin" / "sbatch").write_text(
        "#!/bin/sh\necho 'sbatch: error: invalid partition specified: x' >&2\nexit 1\n"
    )
    plan, corpus = planned(write_sweep(tmp_path))
    store = Store.create(tmp_path / "store")
    with pytest.raises(BadInput, match=r"sbatch refused a job \(.*invalid partition specified: x"):
        run_sweep(plan, corpus, store, backend(store))
