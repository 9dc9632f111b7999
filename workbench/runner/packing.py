"""Packs of a plan: which runs are trained as one batched model, and which packs wait to be resumed. Free of torch.

A pack is the unit of claim, checkpoint and resume. Its checkpoint lies beside those of runs, under a name made of its
members, and lists them: as long as it is there, the same runs are trained together.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress

from workbench.files import remove_folder
from workbench.runner.plan import Kind, PlannedRun
from workbench.store import Store
from workbench.training.packable import pack_key

MOST = 16
"""Models of a pack at most: beyond, nothing is left to be shared."""


def pack_id(run_ids: Iterable[str]) -> str:
    """`p-` and 12 hex digits, from the members in their order."""
    return "p-" + hashlib.sha256("\n".join(run_ids).encode()).hexdigest()[:12]


def candidates(runs: Sequence[PlannedRun], slots: int) -> list[tuple[PlannedRun, ...]]:
    """Packs that could be made of the runs, leaving no slot without work: to be kept where they pay."""
    groups: dict[str, list[PlannedRun]] = {}
    parents = {run.parent_id for run in runs}
    keys: dict[Kind, str | None] = {}
    for run in runs:
        if run.parent_id or run.run_id in parents:  # trunks and branches train alone
            continue
        kind = run.kind
        if kind not in keys:
            keys[kind] = pack_key(run.config, run.horizon)
        key = keys[kind]
        if key is not None:
            groups.setdefault(key, []).append(run)
    # Few groups are cut for the slots to share; of many, each slot has some anyway.
    shares = slots if len(groups) < 4 * slots else 1
    packs: list[tuple[PlannedRun, ...]] = []
    for group in groups.values():
        pieces = max(shares, -(-len(group) // MOST))
        packs += [tuple(group[i::pieces]) for i in range(min(pieces, len(group)))]
    return [pack for pack in packs if len(pack) > 1]


def interrupted(store: Store) -> dict[tuple[str, ...], int]:
    """Packs with a checkpoint: their members, and the step they would go on from."""
    found: dict[tuple[str, ...], int] = {}
    for path in sorted(store.folder.glob("checkpoints/p-*/*/state.json")):
        with suppress(OSError, ValueError, KeyError):  # what is wrong with it is said by the worker that reads it
            members = tuple(json.loads(path.read_text())["runs"])
            found[members] = max(found.get(members, 0), int(path.parent.name))
    return found


def remove_finished(store: Store) -> None:
    """Remove the checkpoints of packs all of whose runs are in the table, as others may have trained them."""
    for members in interrupted(store):
        if all(store.finished(run_id) for run_id in members):
            remove_folder(store.checkpoints(pack_id(members)))
