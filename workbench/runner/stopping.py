"""Stopping a sweep from another terminal: a file that every runner of the sweep looks for, and a lock that all of its
runners share, which says whether any is there. Free of torch.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from workbench.files import WITHOUT_LOCKS, full_disk_in_words
from workbench.runner.claims import held
from workbench.store import Store
from workbench.store.store import checked

Asked = Callable[[], bool]
"""Whether somebody has asked the sweep to stop since it began to be run here."""


@contextmanager
def being_run(store: Store, sweep: str) -> Iterator[Asked]:
    """Tell other processes that the sweep is being run, while inside: its preparation, which may take long, included.

    What was asked of runners before is none of this one's.
    """
    path = _lock(store, sweep)
    with full_disk_in_words(path):
        path.parent.mkdir(exist_ok=True)
        handle = _shared(path)
    before = _asked_at(store, sweep)
    with handle:
        try:
            yield lambda: _asked_at(store, sweep) not in (None, before)
        finally:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _request(store, sweep).unlink(missing_ok=True)
                path.unlink(missing_ok=True)
            except OSError:  # another runner has it still
                pass


def is_run(store: Store, sweep: str) -> bool:
    """Whether somebody runs the sweep at this moment."""
    try:
        with _lock(store, sweep).open() as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        return bool(in_training(store, sweep))
    return False


def in_training(store: Store, sweep: str) -> list[str]:
    """The sweep's runs that a process has at this moment, by its manifest, which is there before the first begins."""
    if not (store.folder / "sweeps" / f"{checked(sweep, 'sweep')}.json").exists():
        return []
    entries = store.manifest(sweep)["runs"]
    return [run_id for run_id in dict.fromkeys(str(entry["run_id"]) for entry in entries) if held(store, run_id)]


def ask_to_stop(store: Store, sweep: str) -> None:
    """Have every runner of the sweep save its runs and leave."""
    path = _request(store, sweep)
    with full_disk_in_words(path):
        path.parent.mkdir(exist_ok=True)
        path.touch()


def _asked_at(store: Store, sweep: str) -> int | None:
    """When somebody asked last, by the file system's clock."""
    try:
        return _request(store, sweep).stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _shared(path: Path) -> IO[str]:
    """The lock's file, open and locked, and still the one of that name: the last runner to leave removes it."""
    while True:
        handle = path.open("a")
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_SH)
        if path.exists() and path.stat().st_ino == os.fstat(handle.fileno()).st_ino:
            return handle
        handle.close()


def _lock(store: Store, sweep: str) -> Path:
    return store.folder / "live" / f"{checked(sweep, 'sweep')}.runner"


def _request(store: Store, sweep: str) -> Path:
    return store.folder / "live" / f"{checked(sweep, 'sweep')}.stop"
