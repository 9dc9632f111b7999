"""Who may train a run where machines share a store: a lease, renewed while its holder lives. Free of torch.

On one machine a lock tells at once whether its holder is alive. Network file systems may not carry locks from machine
to machine, so a holder also has a lease: a file that it touches, under a number one higher than that of the lease it
took over. Creating a file that must not exist is atomic everywhere, so that one process takes a number over. One that
was believed dead and wakes finds a higher number, or another name in its own, and commits nothing.
"""

import json
import os
import platform
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BEAT_SECONDS = 15.0
LEASE_SECONDS = 120.0
"""Without a sign of life for so long, a holder on another machine counts as dead."""


class Busy(Exception):
    """Another process is training the run, or has finished it."""


@dataclass(frozen=True)
class Lease:
    """A lease that this process has taken."""

    path: Path
    text: str
    """What the file holds: as long as it does, the lease is ours."""

    @classmethod
    def take(cls, folder: Path, locked: bool) -> "Lease":
        """Take the lease kept in `folder` over from a dead holder, or from nobody; `Busy` where somebody has it.

        `locked` says that the run's lock is held here, so that no living process of this machine has it.
        """
        before = _newest(folder)
        if before is not None and not _expired(before, locked):
            raise Busy(folder.stem)
        path = folder / f"{int(before.name) + 1 if before else 1:06d}"
        text = json.dumps({"owner": uuid.uuid4().hex, "machine": machine(), "pid": os.getpid()})
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with path.open("x") as file:
                try:
                    file.write(text)
                    file.flush()
                except OSError:  # a full disk: an empty lease would count as somebody's
                    path.unlink(missing_ok=True)
                    raise
        except (FileExistsError, FileNotFoundError):  # another was faster; or ended, and removed the folder
            raise Busy(folder.stem) from None
        if before is not None:
            before.unlink(missing_ok=True)
        return cls(path, text)

    @property
    def valid(self) -> bool:
        """Whether nobody has taken it over."""
        try:
            return _newest(self.path.parent) == self.path and self.path.read_text() == self.text
        except FileNotFoundError:
            return False

    def check(self) -> None:
        """Raise `Busy` where somebody has taken it over: to be asked before anything is committed."""
        if not self.valid:
            raise Busy(self.path.parent.stem)

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Touch the file from time to time while inside."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(BEAT_SECONDS):
                with suppress(OSError):  # gone, or a network that will be back
                    os.utime(self.path)

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def release(self) -> None:
        """Give it back."""
        if self.valid:
            self.path.unlink(missing_ok=True)
        with suppress(OSError):  # somebody else's is in it
            self.path.parent.rmdir()


def leased(folder: Path, locked: bool) -> bool:
    """Whether a living process has the lease kept in `folder`; `locked` as in `Lease.take`."""
    newest = _newest(folder)
    return newest is not None and not _expired(newest, locked)


def holder(folder: Path) -> str:
    """The process that took the newest lease kept in `folder`, as a word; empty where there is none."""
    newest = _newest(folder)
    try:
        taken = json.loads(newest.read_text()) if newest else {}
        return f"{taken['machine']} {taken['pid']}"
    except (OSError, ValueError, KeyError):  # given back just now; or being written
        return ""


@cache
def machine() -> str:
    """What two processes share that see each other's locks: a kernel since its start, whatever containers call it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"{socket.gethostname()} {platform.system()}"


def _newest(folder: Path) -> Path | None:
    try:
        return max((path for path in folder.iterdir() if path.name.isdigit()), default=None)
    except FileNotFoundError:
        return None


def _expired(path: Path, locked: bool) -> bool:
    try:
        holder = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):  # given back just now; or being written
        holder = {}
    if locked and holder.get("machine") == machine():
        return True
    try:
        return _clock(path.parent) - path.stat().st_mtime > LEASE_SECONDS
    except FileNotFoundError:
        return True


def _clock(folder: Path) -> float:
    """The time by the file system's own clock, by which the others' leases were touched."""
    probe = folder / f".{uuid.uuid4().hex}"
    probe.touch()
    try:
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
