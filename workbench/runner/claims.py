"""Who may train a run: one process at a time, and nobody once it is finished. Free of torch."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from workbench.files import WITHOUT_LOCKS, full_disk_in_words
from workbench.runner.leases import Busy, Lease, holder, leased
from workbench.store import Store

PATIENCE, PATIENCE_SECONDS = 20, 0.02
"""`held` has the lock for a moment while it looks; a process that trains has it for long."""


@contextmanager
def claimed(store: Store, run_id: str) -> Iterator[Lease]:
    """Hold the run, so that no two processes train it at once; raises `Busy` where another has it or it is finished.

    The system drops the lock with the process; the lease is asked again (`Lease.check`) before anything is committed.
    """
    path = _lock(store, run_id)
    with full_disk_in_words(path):
        path.parent.mkdir(exist_ok=True)
        handle = path.open("w")
    with handle:
        for _ in range(PATIENCE):
            if (locked := _locked(handle, fcntl.LOCK_EX)) is not False:
                break
            time.sleep(PATIENCE_SECONDS)
        else:
            raise Busy(run_id)
        try:
            if store.finished(run_id):
                raise Busy(run_id)
            with full_disk_in_words(path):
                lease = Lease.take(_leases(store, run_id), bool(locked))
            try:
                with lease.renewed():
                    yield lease
            finally:
                lease.release()
        finally:
            # A run that is finished needs no lock. While it is not, the file stays: whoever has opened it already
            # and whoever opens it now must meet at the same one.
            if store.finished(run_id):
                path.unlink(missing_ok=True)


def tidy(store: Store) -> None:
    """Remove the leases that killed processes left of runs that are finished, which nobody will claim any more."""
    for folder in (store.folder / "live").glob("*.leases"):
        if store.finished(folder.stem):
            shutil.rmtree(folder, ignore_errors=True)


def held(store: Store, run_id: str) -> bool:
    """Whether a process is training the run at this moment."""
    locked: bool | None = True
    try:
        with _lock(store, run_id).open() as handle:
            locked = _locked(handle, fcntl.LOCK_SH)
    except FileNotFoundError:
        pass
    return locked is False or leased(_leases(store, run_id), bool(locked))


def worker_of(store: Store, run_id: str) -> str:
    """The process that trains the run, as a word: the same for runs that are trained as one. Empty where none is."""
    return holder(_leases(store, run_id))


def any_held(store: Store) -> list[str]:
    """The runs of a store that a process is training at this moment."""
    claims = (path.stem for kind in ("lock", "leases") for path in store.folder.glob(f"live/*.{kind}"))
    return [run_id for run_id in sorted(set(claims)) if held(store, run_id)]


def _locked(handle: IO[str], kind: int) -> bool | None:
    """Whether the lock is ours now; None where the file system has no locks."""
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in WITHOUT_LOCKS:  # there, the lease alone tells
            return None
        raise
    return True


def _lock(store: Store, run_id: str) -> Path:
    return store.live(run_id).with_suffix(".lock")


def _leases(store: Store, run_id: str) -> Path:
    return store.live(run_id).with_suffix(".leases")
