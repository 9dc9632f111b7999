"""One run in a process of its own: train it, measure it, commit its rows. Dies with its parent, its work saved."""

import json
import multiprocessing
import multiprocessing.connection
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from workbench.corpus.shards import Corpus
from workbench.errors import BadInput, Stopped
from workbench.evaluation import run_probes
from workbench.files import full_disk_in_words
from workbench.runner.claims import Busy, claimed
from workbench.runner.plan import PlannedRun
from workbench.runner.rows import curve_frame, failed_row, run_row
from workbench.store import Store
from workbench.training.train import Row, train

BUSY_EXIT_CODE = 3
"""A worker's word to its runner alone: another process has the run."""

LONGEST_WORD = 16_000
"""Characters of a worker's last words: they must fit a pipe that nobody reads until the worker is gone."""


@dataclass(frozen=True)
class Job:
    """A run to be trained, and where."""

    run: PlannedRun
    sweep: str
    store: Path
    corpus: Path
    """The prepared corpus's folder."""
    probes: tuple[str, ...] = ()


def work(job: Job, words: Connection) -> None:
    """Body of a worker process. Leaves with 0, 1 failed, 2 bad input, 3 busy, 75 stopped; the reason goes to `words`.

    They go through a pipe and not a file, because the reason may be a full disk.
    """
    stop = stop_switch()
    try:
        train_and_commit(job, stop.is_set)
    except Busy:
        sys.exit(BUSY_EXIT_CODE)
    except Stopped:
        sys.exit(Stopped.exit_code)
    except BadInput as error:
        words.send_bytes(str(error)[:LONGEST_WORD].encode())
        sys.exit(BadInput.exit_code)
    except Exception as error:
        words.send_bytes(f"{type(error).__name__}: {error}\n{traceback.format_exc()}"[:LONGEST_WORD].encode())
        sys.exit(1)


def train_and_commit(job: Job, stop: Callable[[], bool], log: Callable[[Row], None] = lambda _: None) -> None:
    """Train a run to its end and commit its rows; raises `Stopped` when asked to stop, `Busy` when it is taken."""
    store, run = Store(job.store), job.run
    corpus = Corpus.open(job.corpus)
    with full_disk_in_words(job.store), claimed(store, run.run_id), live_log(store, run.run_id, log) as log_row:
        outcome = train(run.config, corpus, store.checkpoints(run.run_id), log=log_row, stop=stop)
        if outcome.status == "done" and job.probes:
            rows = run_probes(outcome.model, corpus, job.probes, run.config)
            store.write_evals(run.run_id, run.horizon.steps, rows)
        store.write_run(run_row(run, corpus, job.sweep, outcome), curve_frame(outcome.rows))
        if outcome.status == "diverged":
            shutil.rmtree(store.checkpoints(run.run_id), ignore_errors=True)


def record_failure(job: Job, error: str) -> None:
    """Commit a failed run, so that the table says why it is missing; unless another process has it by now."""
    store = Store(job.store)
    with suppress(Busy), claimed(store, job.run.run_id):
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
def live_log(store: Store, run_id: str, also: Callable[[Row], None]) -> Iterator[Callable[[Row], None]]:
    """A function that appends a row to the run's live curve; the file goes when the run is left."""
    path = store.live(run_id)
    with full_disk_in_words(path), path.open("w") as file:

        def log(row: Row) -> None:
            file.write(json.dumps(row) + "\n")
            file.flush()
            also(row)

        try:
            yield log
        finally:
            with suppress(OSError):  # a disk that filled up has said so already
                file.close()
            path.unlink(missing_ok=True)
