"""What was measured on this machine before, kept for a while: a plan need not time the same steps again. Free of torch.

One JSON file in the cache's folder: a hash of everything that a time depends on → the value, when it was measured, and
what of. A file that cannot be read is as good as none, and one that cannot be written is done without. What is measured
while the machine is busy with something else is used, and not kept.
"""

import hashlib
import json
import math
import os
import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.errors import BadInput
from workbench.files import write_json

KEPT = timedelta(days=30)
"""Age from which a time is measured anew: drivers, firmware and neighbours change without a version to show for it."""
FUTURE = timedelta(minutes=1)
"""How far ahead of our clock a time may be; beyond, one of the two clocks is wrong."""
FORMAT = 1


@dataclass(frozen=True)
class Taken:
    """A measured value."""

    value: float
    """Seconds of a step, or a pack's gain."""
    at: datetime
    """When it was measured, UTC."""
    cached: bool
    """Whether that was before."""
    busy: bool = False
    """Whether other work made it longer than it would be: it is not kept."""


@dataclass(frozen=True)
class Timing:
    """Where a plan's times come from."""

    taken: tuple[Taken, ...] = ()

    @property
    def words(self) -> str:
        """For the end of a sentence about a time."""
        before = [taken for taken in self.taken if taken.cached]
        if not before:
            busy = any(taken.busy for taken in self.taken)
            return f"measured on this machine just now{', while it was busy' if busy else ''}"
        date = f"{min(taken.at for taken in before):%Y-%m-%d}"
        share = "" if len(before) == len(self.taken) else ", in part"
        return f"measured on this machine{share} on {date}; --recalibrate measures anew"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: how many values were measured now and before, and when the oldest was."""
        cached = sum(taken.cached for taken in self.taken)
        oldest = min((taken.at for taken in self.taken), default=None)
        return {
            "measured_now": len(self.taken) - cached,
            "measured_before": cached,
            "while_busy": any(taken.busy for taken in self.taken),
            "oldest": oldest.strftime("%Y-%m-%dT%H:%M:%SZ") if oldest else None,
        }


UNTIMED = Timing()
"""No time was measured."""


def cache_path() -> Path:
    """Where the times of this user's machines are kept."""
    from platformdirs import user_cache_path

    return user_cache_path("workbench") / "calibration.json"


@dataclass
class Calibrations:
    """Times measured before, and those measured now."""

    path: Path | None = None
    """The file; None keeps nothing."""
    anew: bool = False
    """Measure everything again."""
    measuring: Callable[[], None] = lambda: None
    """Called once, before the first measurement."""
    check: Callable[[], None] = lambda: None
    """Called before every measurement, which may take seconds: it raises where somebody wants the command to stop."""
    _said: bool = field(default=False, init=False)

    def get(self, facts: Mapping[str, Any], measure: Callable[[], float]) -> Taken:
        """The value that these facts had before, or has been measured now."""
        key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
        now = datetime.now(UTC)
        known = {} if self.anew or self.path is None else _read(self.path, now)
        if key in known:
            return Taken(float(known[key]["value"]), _when(known[key]["at"]), True)
        self.check()
        if not self._said:
            self.measuring()
            self._said = True
        value, disturbed = measure(), busy()
        if not disturbed and self.path is not None and math.isfinite(value) and value > 0:
            entry = {"value": value, "at": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "facts": facts}
            with suppress(OSError, BadInput):
                # Of two that write at once one is lost, and measured again.
                write_json(self.path, {"format": FORMAT, "measured": _read(self.path, now) | {key: entry}})
        return Taken(value, now, False, disturbed)


def busy() -> bool:
    """Whether more processes want to run than there are cores, on the average of the last minute."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > usable_cores()


def usable_cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> dict[str, Any]:
    """What of this machine and this code a time on its CPU depends on."""
    python = platform.python_version()
    return {"processor": processor(), "cores": usable_cores(), "workbench": __version__, "python": python}


def processor() -> str:
    """The processor's name, as the system has it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _read(path: Path, now: datetime) -> dict[str, dict[str, Any]]:
    """The entries that are whole and young enough; none of a file that is broken, or of another format."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        entries = document["measured"].items() if document["format"] == FORMAT else ()
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
    return {key: entry for key, entry in entries if _usable(entry, now)}


def _usable(entry: Any, now: datetime) -> bool:
    try:
        value, age = float(entry["value"]), now - _when(entry["at"])
    except (ValueError, TypeError, KeyError):
        return False
    return math.isfinite(value) and value > 0 and -FUTURE <= age < KEPT


def _when(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
