"""A run, or a pack of them, in a process of its own: trained, measured, its rows committed. Dies with its parent, its
work saved.
"""

import faulthandler
import json
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

from workbench.corpus.shards import Corpus
from workbench.errors import BadInput, Stopped
from workbench.evaluation import run_probes
from workbench.files import full_disk_in_words, remove_folder
from workbench.models.own import import_models
from workbench.runner.claims import claimed
from workbench.runner.ending import BUSY_EXIT_CODE
from workbench.runner.jobs import Job
from workbench.runner.leases import Busy, Lease
from workbench.runner.rows import curve_frame, failed_row, run_row
from workbench.store import AlreadyFinished, Store
from workbench.training.recording import Row
from workbench.training.train import Outcome, save_final, train
from workbench.training.train_pack import train_pack

LONGEST_WORD = 16_000
"""Characters of a worker's last words: they must fit a pipe that nobody reads until the worker is gone."""


def work(job: Job, words: Connection) -> None:
    """Body of a worker process. Leaves with 0, 1 failed, 2 bad input, 3 busy, 75 stopped; the reason goes to `words`.

    They go through a pipe and not a file, because the reason may be a full disk. What else it prints goes to a file,
    a traceback of all threads where it crashes included.
    """
    output = redirect_output(Store(job.store).output(job.checkpoint_name))
    stop = stop_switch()
    try:
        import_models(job.imports)
        train_and_commit(job, stop.is_set)
        output.unlink(missing_ok=True)
    except Busy:
        if all(Store(job.store).finished(run.run_id) for run in job.runs):  # else it is another's, who prints to it
            output.unlink(missing_ok=True)
        sys.exit(BUSY_EXIT_CODE)
    except Stopped:
        if output.is_file() and not output.stat().st_size:
            output.unlink()
        sys.exit(Stopped.exit_code)
    except BadInput as error:
        words.send_bytes(str(error)[:LONGEST_WORD].encode())
        sys.exit(BadInput.exit_code)
    except Exception as error:
        words.send_bytes(f"{type(error).__name__}: {error}\n{traceback.format_exc()}"[:LONGEST_WORD].encode())
        sys.exit(1)


def redirect_output(path: Path) -> Path:
    """Let this process, and the libraries in it, print to the end of a file."""
    with suppress(OSError):  # a disk that is full will be said where work is lost
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for stream in (1, 2):
            os.dup2(descriptor, stream)
        os.close(descriptor)
        faulthandler.enable()
    return path


BEAT_SECONDS = 5.0
"""Between two signs of life, each of which is a step that was done."""


def beating(paths: Sequence[Path], leases: Iterable[Lease], stop: Callable[[], bool]) -> Callable[[], bool]:
    """`stop`, which training asks at every step. Now and then it touches the live curves, so that a run that hangs is
    seen, and raises `Busy` where a lease has been taken over, so that a process that hung does no harm.
    """
    last = [time.monotonic()]

    def ask() -> bool:
        if time.monotonic() - last[0] > BEAT_SECONDS:
            last[0] = time.monotonic()
            for path in paths:
                with suppress(OSError):
                    os.utime(path)
            for lease in leases:
                lease.check()
        return stop()

    return ask


def ignore(_: Row) -> None:
    """A log that nobody reads."""


def train_and_commit(job: Job, stop: Callable[[], bool], log: Callable[[Row], None] = ignore) -> None:
    """Train a job to its end and commit its rows; raises `Stopped` when asked to stop, `Busy` when it is taken."""
    if job.others:
        return train_pack_and_commit(job, stop)
    store, run = Store(job.store), job.run
    corpus = Corpus.open(job.corpus)
    with full_disk_in_words(job.store), claimed(store, run.run_id) as lease, live_log(store, run.run_id, log) as row:
        signs = beating([store.live(run.run_id)], [lease], stop)
        branches = [(one.horizon.branch_step, store.checkpoints(one.run_id)) for one in job.branches]
        outcome = train(run.config, corpus, store.checkpoints(run.run_id), row, signs, branches)
        commit(job, corpus, outcome, lease)


def train_pack_and_commit(job: Job, stop: Callable[[], bool]) -> None:
    """The same for a pack. Members that are in the table by now are trained along, and not committed again.

    Every model's final weights are saved before the pack's checkpoint goes, and it goes before the first row of a
    finished run is committed: whenever the process is killed, what is left is a pack to resume or finished weights.
    """
    store, corpus = Store(job.store), Corpus.open(job.corpus)
    own = {single.run.run_id: single for single in job.each if not store.finished(single.run.run_id)}
    folder, leases = store.checkpoints(job.checkpoint_name), dict[str, Lease]()
    with full_disk_in_words(job.store), ExitStack() as held:
        for run_id in sorted(own):  # in one order, so that two packs never wait with half of the other's runs each
            leases[run_id] = held.enter_context(claimed(store, run_id))
        logs = {run_id: held.enter_context(live_log(store, run_id)) for run_id in own}
        configs = {run.run_id: run.config for run in job.runs}
        signs = beating([store.live(run_id) for run_id in own], leases.values(), stop)
        outcomes = train_pack(configs, corpus, folder, lambda run_id, row: logs.get(run_id, ignore)(row), signs)
        for lease in leases.values():
            lease.check()
        for run_id, single in own.items():
            if outcomes[run_id].status == "done":
                save_final(store.checkpoints(run_id), single.run.horizon.steps, outcomes[run_id])
            else:
                commit(single, corpus, outcomes[run_id], leases[run_id], len(configs))
        remove_folder(folder)
        for run_id, single in own.items():
            if outcomes[run_id].status == "done":
                commit(single, corpus, outcomes[run_id], leases[run_id], len(configs))


def commit(job: Job, corpus: Corpus, outcome: Outcome, lease: Lease, pack: int = 1) -> None:
    """Measure a finished run with the sweep's probes, and write its rows, unless somebody else has taken it over."""
    store, run = Store(job.store), job.run
    if outcome.status == "done" and job.probes:
        rows = run_probes(outcome.model, corpus, job.probes, run.config)
        store.write_evals(run.run_id, run.horizon.steps, rows)
    lease.check()
    try:
        store.write_run(run_row(run, corpus, job.sweep, outcome, pack), curve_frame(outcome.rows))
    except AlreadyFinished:
        raise Busy(run.run_id) from None
    if outcome.status == "diverged":
        shutil.rmtree(store.checkpoints(run.run_id), ignore_errors=True)


def record_failure(job: Job, error: str) -> None:
    """Commit a failed job, so that the table says what is missing and why; unless another process has it by now."""
    store, corpus = Store(job.store), Corpus.open(job.corpus)
    for run in job.runs:
        with suppress(Busy, AlreadyFinished), claimed(store, run.run_id):
            store.write_run(failed_row(run, corpus, job.sweep, error), curve_frame([]))


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
def live_log(
    store: Store, run_id: str, also: Callable[[Row], None] = lambda _: None
) -> Iterator[Callable[[Row], None]]:
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
