"""What a time was measured on, and how times are taken: a warm-up, then the median of several repetitions."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import scipy

T = TypeVar("T")

BUSY = 0.5
"""A load average above this means that other work disturbs the times."""


def facts() -> list[str]:
    """Processor, cores, versions, load; a warning where the machine is not quiet."""
    load = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    said = [
        f"{_processor()}, {cores} cores, {platform.system()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, SciPy {scipy.__version__}; load average {load:.2f}"
    ]
    if load > BUSY:
        said.append(f"WARNING: a load average of {load:.2f} says that other work disturbs these times.")
    return said


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def seconds(work: Callable[[], object], repetitions: int, warm_up: bool = True) -> float:
    """The median wall-clock time of `work`."""
    if warm_up:
        work()
    taken = []
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result of one call and its wall-clock time."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def readable(taken: float) -> str:
    """A duration with a unit that suits it."""
    for below, unit, size in ((1, "ms", 1e-3), (600, "s", 1), (7200, "min", 60), (172800, "h", 3600)):
        if taken < below:
            return f"{taken / size:.3g} {unit}"
    return f"{taken / 86400:.3g} days"
