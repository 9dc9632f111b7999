"""Who may train a run: one process at a time, and nobody once it is finished. Free of torch."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.files import full_disk_in_words
from workbench.store import Store


class Busy(Exception):
    """Another process is training the run, or has finished it."""


def finished(store: Store, run_id: str) -> bool:
    """Whether the run is in the table for good; a failed one is tried again."""
    return store.has_run(run_id) and bool((store.runs_by_id([run_id])["status"] != "failed").all())


@contextmanager
def claimed(store: Store, run_id: str) -> Iterator[None]:
    """Hold the run's lock, so that no two processes train it at once; the system drops it with the process."""
    path = _lock(store, run_id)
    with full_disk_in_words(path):
        path.parent.mkdir(exist_ok=True)
        handle = path.open("w")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(run_id) from None
        try:
            if finished(store, run_id):
                raise Busy(run_id)
            yield
        finally:
            # A run that is finished needs no lock. While it is not, the file stays: whoever has opened it already
            # and whoever opens it now must meet at the same one.
            if finished(store, run_id):
                path.unlink(missing_ok=True)


def held(store: Store, run_id: str) -> bool:
    """Whether a process is training the run at this moment."""
    try:
        with _lock(store, run_id).open() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _lock(store: Store, run_id: str) -> Path:
    return store.live(run_id).with_suffix(".lock")
