"""Files that are whole or absent: written under a name that begins with a dot, synced, renamed, the folder synced."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from workbench.errors import BadInput

STALE_SECONDS = 86_400.0
"""Age at which a temporary file is what a killed process left behind: no write takes a day."""

FULL = (errno.ENOSPC, errno.EDQUOT)
WITHOUT_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG)


@contextmanager
def full_disk_in_words(path: Path) -> Iterator[None]:
    """Turn "no space left", "read-only" and a file where a folder should be into one sentence that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise BadInput(
                f"{path}: the disk is full; free some space and run the same command again, finished work is kept"
            ) from error
        if error.errno in NOT_WRITABLE:
            raise BadInput(f"{path}: cannot be written ({error.strerror}); choose a folder you may write to") from error
        raise


def write_atomic(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in place: a reader sees the old file or the new."""
    with prepared(path, write) as temporary:
        temporary.replace(path)
        sync(path.parent)


@contextmanager
def prepared(path: Path, write: Callable[[Path], None]) -> Iterator[Path]:
    """Let `write` fill a temporary file beside `path`, synced, for the body to put in place; what it leaves is removed.

    The slow half of a write comes first, so that the body can put several files in place at nearly one moment.
    """
    temporary = _temporary(path)
    with full_disk_in_words(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            sync(temporary)
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


def put_new(temporary: Path, path: Path) -> None:
    """Give a finished file its name, unless the name is taken: then `FileExistsError`, and what is there stays.

    A link fails where the name exists, which a rename does not. Where the file system has no hard links, the name is
    looked for and then the file renamed: two processes could come between, so that locks must keep them apart there.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        if not path.samefile(temporary):  # over a network, an answer may be lost, and the second try finds the first
            raise
    except OSError as error:
        if error.errno not in WITHOUT_LINKS:
            raise
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        temporary.rename(path)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock of a file while inside, waiting for it; where the file system has no locks, go on without."""
    with full_disk_in_words(path), path.open("a") as handle:
        _lock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def alone_or_none(path: Path) -> Iterator[bool]:
    """The same, without waiting: whether the lock is held, or there are none."""
    with full_disk_in_words(path), path.open("a") as handle:
        try:
            _lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _lock(handle: IO[str], kind: int) -> None:
    try:
        fcntl.flock(handle, kind)
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise


def write_json(path: Path, document: Any) -> None:
    """Write a document as indented JSON, atomically. NaN is refused: it is not JSON."""
    write_text(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file, atomically."""
    write_atomic(path, lambda temporary: _write_text(temporary, text))


def write_folder(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary folder beside `path`, then give it its name, whole.

    No folder can be replaced by another in one stroke, so an older one is never touched: what stands under a name was
    finished, and what another process finished first is as good as ours.
    """
    temporary = _temporary(path)
    with full_disk_in_words(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.mkdir()
            write(temporary)
            for file in temporary.iterdir():
                sync(file)
            sync(temporary)
            try:
                temporary.rename(path)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        sync(path.parent)


def remove_folder(path: Path) -> None:
    """Remove a folder, and its name first: a reader sees it whole or not at all."""
    hidden = _temporary(path)
    try:
        path.rename(hidden)
    except FileNotFoundError:
        return
    shutil.rmtree(hidden, ignore_errors=True)


def remove_stale(folder: Path, seconds: float = STALE_SECONDS) -> None:
    """Remove the temporary files and folders in `folder` that killed processes left behind."""
    for path in folder.glob(".*.tmp"):
        try:
            if time.time() - path.stat().st_mtime < seconds:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        except OSError:
            continue  # another process was faster, or it is not ours to remove


def checksum(path: Path) -> str | None:
    """The SHA-256 of a file; none where there is no file to read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex[:12]}.tmp")


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
