"""What a run has said: its newest rows, what its worker printed, why it failed. Free of torch."""

import json
import math
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.runner.output import last_lines
from workbench.runner.packing import interrupted, pack_id
from workbench.store import Store

Row = dict[str, Any]


@dataclass(frozen=True)
class Said:
    """Of one run."""

    rows: list[Row]
    """The newest rows of its curve, oldest first."""
    printed: list[str]
    """What its worker printed last, or that of its pack."""
    error: str
    """Of a failed run: why, with its traceback and its last lines; of a diverged one: where."""


def said(store: Store, run_id: str, most: int) -> Said:
    """The last `most` rows and lines of a run."""
    found = store.runs_by_id([run_id])
    error = str(found["error"].iloc[0]) if len(found) else ""
    if len(found) and found["status"].iloc[0] != "failed":
        rows: list[Row] = store.curves(run_id).tail(most).to_dict("records")  # type: ignore[assignment]
    else:
        rows = live_rows(store.live(run_id), 0)[0][-most:]
    names = [run_id, *(pack_id(members) for members in interrupted(store) if run_id in members)]
    printed = [line for name in names for line in last_lines(store.output(name), most)]
    return Said(rows, printed, error)


class Tails:
    """The live curves of runs in training, of which each look reads what is new."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._rows: dict[str, list[Row]] = {}
        self._offsets: dict[str, int] = {}

    def rows(self, run_id: str) -> list[Row]:
        """All rows of a run so far, oldest first."""
        new, self._offsets[run_id] = live_rows(self.store.live(run_id), self._offsets.get(run_id, 0))
        kept = self._rows.setdefault(run_id, [])
        if new:  # a run that was begun anew, or resumed, repeats steps
            kept[:] = [row for row in kept if row["step"] < new[0]["step"]] + new
        return kept

    def last(self, run_id: str) -> tuple[int, float]:
        """Step and training loss of its newest row; 0 and NaN before the first."""
        rows = self.rows(run_id)
        return (int(rows[-1]["step"]), float(rows[-1]["train_loss"])) if rows else (0, math.nan)

    def keep(self, run_ids: Collection[str]) -> None:
        """Forget all runs but these."""
        for run_id in [run_id for run_id in self._rows if run_id not in run_ids]:
            del self._rows[run_id], self._offsets[run_id]


def saved_rows(store: Store, run_id: str, step: int) -> list[Row]:
    """The curve that an interrupted run's checkpoint of a step keeps; none where a pack's has it, or it is gone."""
    try:
        rows: list[Row] = json.loads((store.checkpoints(run_id) / str(step) / "state.json").read_text())["rows"]
    except (OSError, ValueError, KeyError):  # what is wrong with it is said by the worker that reads it
        return []
    return rows


def live_size(store: Store, run_id: str) -> int:
    """Bytes of a run's live curve so far."""
    try:
        return store.live(run_id).stat().st_size
    except FileNotFoundError:
        return 0


def live_rows(path: Path, offset: int) -> tuple[list[Row], int]:
    """Rows appended to a live curve after `offset` bytes, and the next offset; a line still being written waits.

    A curve that is shorter than that was begun anew: it is read from its start.
    """
    try:
        with path.open("rb") as file:
            offset = offset if offset <= file.seek(0, 2) else 0
            file.seek(offset)
            text = file.read()
    except FileNotFoundError:
        return [], offset
    whole = text[: text.rfind(b"\n") + 1]
    rows: list[Row] = []
    for line in whole.splitlines():
        # Rows are for watching alone: one that a killed process cut short is no reason to stop a sweep.
        with suppress(json.JSONDecodeError):
            rows.append(json.loads(line))
    return rows, offset + len(whole)
