"""Where a repair puts what it takes out of the tables: .broken/, out of every reader's sight, beside what was there."""

import os
import shutil
from pathlib import Path

from workbench.files import sync

ASIDE = ".broken"


def aside(folder: Path, path: Path, keep: bool = False) -> str:
    """Move a file or folder of the store in `folder` there, or let a file stay too; returns what was done, in words."""
    target = folder / ASIDE / path.relative_to(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while target.exists():
        target = target.with_name(f"{path.name}.{number}")
        number += 1
    if keep:
        linked(path, target)
    else:
        path.rename(target)
    sync(target.parent)
    sync(path.parent)
    return f"{'kept in' if keep else 'moved to'} {target.relative_to(folder)}"


def linked(source: Path, target: Path) -> None:
    """Give a file a second name, or where there are no such links, copy it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
