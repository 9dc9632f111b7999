"""One run in a process of its own: train it, measure it, commit its rows. Dies with its parent, its work saved."""

import fcntl
import json
import multiprocessing
import multiprocessing.connection
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.corpus.shards import Corpus
from workbench.errors import BadInput, Stopped
from workbench.evaluation import run_probes
from workbench.files import full_disk_in_words
from workbench.runner.plan import PlannedRun
from workbench.runner.rows import curve_frame, failed_row, run_row
from workbench.store import Store
from workbench.training.train import Row, train


@dataclass(frozen=True)
class Job:
    """A run to be trained, and where."""

    run: PlannedRun
    sweep: str
    store: Path
    corpus: Path
    """The prepared corpus's folder."""
    probes: tuple[str, ...] = ()


class Busy(Exception):
    """Another process is training the run."""


def work(job: Job) -> None:
    """Body of a worker process. Leaves with 0, or 1 failed, 2 bad input, 75 stopped; the reason is in the run's log."""
    stop = stop_switch()
    try:
        train_and_commit(job, stop)
    except Busy:
        sys.exit(0)
    except Stopped:
        sys.exit(Stopped.exit_code)
    except BadInput as error:
        leave_word(job, str(error))
        sys.exit(BadInput.exit_code)
    except Exception as error:
        leave_word(job, f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
        sys.exit(1)


def train_and_commit(job: Job, stop: threading.Event) -> None:
    """Train a run to its end and commit its rows; raises `Stopped` when asked to stop, `Busy` when it is taken."""
    store, run = Store(job.store), job.run
    corpus = Corpus.open(job.corpus)
    with full_disk_in_words(job.store), claimed(store, run.run_id), live_log(store, run.run_id) as log:
        outcome = train(run.config, corpus, store.checkpoints(run.run_id), log=log, stop=stop.is_set)
        if outcome.status == "done" and job.probes:
            rows = run_probes(outcome.model, corpus, job.probes, run.config)
            store.write_evals(run.run_id, run.horizon.steps, rows)
        store.write_run(run_row(run, corpus, job.sweep, outcome), curve_frame(outcome.rows))
        if outcome.status == "diverged":
            shutil.rmtree(store.checkpoints(run.run_id), ignore_errors=True)


def finished(store: Store, run_id: str) -> bool:
    """Whether the run is in the table for good; a failed one is tried again."""
    return store.has_run(run_id) and bool((store.runs_by_id([run_id])["status"] != "failed").all())


def record_failure(job: Job, error: str) -> None:
    """Commit a failed run, so that the table says why it is missing."""
    store = Store(job.store)
    store.write_run(failed_row(job.run, Corpus.open(job.corpus), job.sweep, error), curve_frame([]))


def stop_switch() -> threading.Event:
    """An event that SIGTERM, SIGINT or the parent's death sets."""
    stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop.set())
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch(sentinel: int = parent.sentinel) -> None:
            multiprocessing.connection.wait([sentinel])
            stop.set()

        threading.Thread(target=watch, daemon=True).start()
    return stop


@contextmanager
def claimed(store: Store, run_id: str) -> Iterator[None]:
    """Hold the run's lock, so that no two processes train it at once; the system drops it with the process."""
    path = store.live(run_id).with_suffix(".lock")
    with full_disk_in_words(path):
        path.parent.mkdir(exist_ok=True)
        handle = path.open("w")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(run_id) from None
        if finished(store, run_id):
            raise Busy(run_id)
        yield
    path.unlink(missing_ok=True)


@contextmanager
def live_log(store: Store, run_id: str) -> Iterator[Any]:
    """A function that appends a row to the run's live curve; the file goes when the run is committed."""
    path = store.live(run_id)
    with full_disk_in_words(path), path.open("w") as file:

        def log(row: Row) -> None:
            file.write(json.dumps(row) + "\n")
            file.flush()

        yield log
    path.unlink(missing_ok=True)


def leave_word(job: Job, message: str) -> None:
    """Write why the run failed, for the runner to pick up."""
    path = word_of(job)
    with suppress(OSError):  # on a full disk there is no room for words either; the exit code still tells
        path.parent.mkdir(exist_ok=True)
        path.write_text(message)


def word_of(job: Job) -> Path:
    """The file with a worker's last words."""
    return job.store / "live" / f"{job.run.run_id}.error"
