"""What of a store's checkpoints nothing can resume or branch from."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workbench.files import remove_folder
from workbench.store.store import Store

FINAL_FILES = ("model.safetensors", "state.json")
"""What a step has at least that can be loaded."""


@dataclass(frozen=True)
class Garbage:
    """Something to be removed."""

    path: str
    """Below the store's folder."""
    why: str
    bytes: int


def collect(store: Store, held: Callable[[str], bool], unknown: bool = False, dry_run: bool = False) -> list[Garbage]:
    """Remove checkpoints that are of no use, or only list them.

    `held` says whether a living process trains a run: what it has is left alone. `unknown` includes checkpoints of runs
    that are not in the table: an interrupted run would begin anew.
    """
    runs = store.runs()
    status = dict(zip(runs["run_id"], runs["status"], strict=True))
    found: list[tuple[Path, str]] = []
    for folder in sorted(store.folder.glob("checkpoints/[!.]*")):
        if not folder.is_dir() or held(folder.name):
            continue
        if folder.name.startswith("p-"):
            members = _members(folder)
            if members and all(status.get(run_id, "failed") != "failed" and not held(run_id) for run_id in members):
                found.append((folder, "a pack all of whose runs are finished"))
            continue
        found += _of_run(folder, str(status.get(folder.name, "")), unknown)
    gone = [Garbage(str(path.relative_to(store.folder)), why, _bytes(path)) for path, why in found]
    if not dry_run:
        for path, _ in found:
            remove_folder(path) if path.is_dir() else path.unlink(missing_ok=True)
    return gone


def _of_run(folder: Path, status: str, unknown: bool) -> list[tuple[Path, str]]:
    """What may go of one run's checkpoints, and why."""
    if status == "diverged":
        return [(folder, "the run diverged")]
    if not status:
        return [(folder, "of no run in the table")] if unknown else []
    if status != "done":
        return []  # a failed run may be tried again from here
    steps = sorted((path for path in folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    whole = [path for path in steps if all((path / name).is_file() for name in FINAL_FILES)]
    if not whole:
        return []
    return [(path, "an older step of a run that is done") for path in steps if path != whole[-1]]


def _members(folder: Path) -> set[str]:
    """The runs of a pack, from its checkpoint; none where it cannot be read."""
    members: set[str] = set()
    for state in folder.glob("[0-9]*/state.json"):
        try:
            members |= set(json.loads(state.read_text())["runs"])
        except (OSError, ValueError, KeyError, TypeError):
            return set()
    return members


def _bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
