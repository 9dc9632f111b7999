"""A table's folder put in the place of another in two renames, and finished by whoever comes next where that was cut.

.new-<table>   the folder to come, whole as soon as it has this name
.old-<table>   the folder that was, until the new one is in its place

No system call of Python's exchanges two folders, so that for a moment there is none of that name.
"""

import errno
import shutil
from pathlib import Path

from workbench.files import sync


def swap(folder: Path, table: str) -> None:
    """Put `.new-<table>` in the place of `<table>`."""
    (folder / table).rename(folder / f".old-{table}")
    _finish(folder, table)


def recover(folder: Path, table: str) -> str:
    """Finish or undo a swap that was cut short; returns what was done, or nothing where there was none."""
    here, new, old = folder / table, folder / f".new-{table}", folder / f".old-{table}"
    if not old.exists():
        if not new.exists():
            return ""
        shutil.rmtree(new)  # the swap had not begun: nothing is in it that is not here
        return "a replacement that had not begun was undone"
    if new.exists():
        _finish(folder, table)
        return "a replacement was finished"
    if here.exists():
        shutil.rmtree(old)  # its rows are in the new folder, which came into its place whole
        return "the small files of a finished replacement were removed"
    old.rename(here)
    return "a replacement was undone"


def _finish(folder: Path, table: str) -> None:
    here, new, old = folder / table, folder / f".new-{table}", folder / f".old-{table}"
    for _ in range(100):
        try:
            new.rename(here)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            # A process that was about to write has made the folder anew.
            for entry in here.iterdir():
                entry.replace(new / entry.name)
    sync(folder)
    shutil.rmtree(old)
    sync(folder)
