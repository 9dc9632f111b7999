"""A fuse: at the n-th change that a process makes to a store's files, it is killed, or all are, or its disk is full.

Python tells an audit hook of every file that is opened for writing, linked, renamed or removed, before it is done: each
is a fault point, and a commit is nothing but these. The fuse is a file: whoever burns it is the only one.
"""

import errno
import json
import os
import signal
import sys
from pathlib import Path

FUSE = "WORKBENCH_TEST_FUSE"
"""Variable of the environment that names the fuse's file."""

CHANGES = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.utime", "os.truncate", "shutil.rmtree"}
WRITING = os.O_WRONLY | os.O_RDWR


def lay(path: Path, who: str, at: int, what: str) -> None:
    """Lay a fuse for `who` ("runner" or "worker"), at its n-th change, for what: "kill" and "full" are of that process,
    "crash" of all of them at once."""
    path.write_text(json.dumps({"who": who, "at": at, "what": what}))


def watch(who: str, store: Path) -> None:
    """Let this process, and those forked from it, burn the fuse that is laid for them."""
    fuse = Path(os.environ[FUSE])
    try:
        laid = json.loads(fuse.read_text())
    except FileNotFoundError:
        return
    if laid["who"] != who:
        return
    inside, counts = str(store.resolve()), {"changes": 0}

    def hook(event: str, args: tuple[object, ...]) -> None:
        if not _changes(event, args) or not str(args[0]).startswith(inside):
            return
        counts["changes"] += 1
        if counts["changes"] >= laid["at"] and _burnt(fuse):
            if laid["what"] == "crash":
                os.killpg(os.getpgid(0), signal.SIGKILL)
            if laid["what"] == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(args[0]))

    sys.addaudithook(hook)


def _changes(event: str, args: tuple[object, ...]) -> bool:
    if event == "open":
        return isinstance(args[2], int) and bool(args[2] & WRITING)
    return event in CHANGES


def _burnt(fuse: Path) -> bool:
    """Whether it was still there: the one process that removes it may go on to fail."""
    try:
        fuse.unlink()
    except OSError:
        return False
    return True
