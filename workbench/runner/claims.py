"""Who may train a run: one process at a time, and nobody once it is finished. Free of torch."""

import errno
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from workbench.files import full_disk_in_words
from workbench.runner.leases import Busy, Lease, leased_elsewhere
from workbench.store import Store

WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What a file system says that has no locks: there, the lease alone tells."""


def finished(store: Store, run_id: str) -> bool:
    """Whether the run is in the table for good; a failed one is tried again."""
    return store.finished(run_id)


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
        locked = _locked(handle, fcntl.LOCK_EX)
        if locked is False:
            raise Busy(run_id)
        try:
            if finished(store, run_id):
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
            if finished(store, run_id):
                path.unlink(missing_ok=True)


def held(store: Store, run_id: str) -> bool:
    """Whether a process is training the run at this moment."""
    try:
        with _lock(store, run_id).open() as handle:
            if _locked(handle, fcntl.LOCK_SH) is False:
                return True
    except FileNotFoundError:
        pass
    return leased_elsewhere(_leases(store, run_id))


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
        if error.errno in WITHOUT_LOCKS:
            return None
        raise
    return True


def _lock(store: Store, run_id: str) -> Path:
    return store.live(run_id).with_suffix(".lock")


def _leases(store: Store, run_id: str) -> Path:
    return store.live(run_id).with_suffix(".leases")
