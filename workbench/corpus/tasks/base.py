"""What a task is: training documents without end of problems, and test items that no training document contains.

Disjoint by construction: a problem's own hash says whether it is for testing, whatever the seed. The seed decides which
problems are drawn on either side.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.corpus.documents import Document
from workbench.errors import BadInput


@dataclass(frozen=True)
class Item:
    """One test problem: what the model is given, and what it should write."""

    prompt: str
    answer: str
    key: str = ""
    """The item's size (digits, pairs), by which results are grouped."""


class Task(Protocol):
    """A family of problems with one right answer each."""

    def documents(self) -> Iterator[Document]:
        """Training text: each problem a line that begins with a newline, so that a prompt can begin as one does."""
        ...

    def items(self, n: int) -> list[Item]:
        """`n` distinct test problems, or as many as there are, spread over the sizes; the same on every call."""
        ...


def is_test(*parts: NDArray[np.uint64], fraction: float) -> NDArray[np.bool_]:
    """Whether each problem, given by its parts, is for testing: its hash, uniform in [0, 1), is below `fraction`.

    The hash is splitmix64 (Steele, Lea, Flood 2014), folded over the parts.
    """
    state = np.full(parts[0].shape, 0x9E3779B97F4A7C15, dtype=np.uint64)
    for part in parts:
        state = _mix(state ^ part.astype(np.uint64))
    return state.astype(np.float64) / 2.0**64 < fraction


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64's step; unsigned arithmetic wraps, as it is meant to."""
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def in_range(task: str, key: str, value: Any, low: float, high: float) -> None:
    """Refuse a setting outside its range."""
    if not low <= value <= high:
        raise BadInput(f"corpus.settings.{key} = {value!r}: the task {task!r} needs a value from {low:g} to {high:g}.")


def spread(n: int, sizes: int) -> list[int]:
    """`n` split over `sizes` as evenly as whole numbers allow."""
    return [n // sizes + (i < n % sizes) for i in range(sizes)]
