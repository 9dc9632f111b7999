"""How a worker ends, as its runner hears of it. Free of torch."""

from dataclasses import dataclass

BUSY_EXIT_CODE = 3
"""A worker's word to its runner alone: another process has the run."""


@dataclass(frozen=True)
class Ending:
    """How a worker ended: with 0, 1 failed, 2 bad input, 3 busy, 75 stopped as asked, or as nobody had asked."""

    exit_code: int | None
    """Negative: the signal that killed it. None where nobody can tell."""
    words: str = ""
    """The exception and its traceback, or nothing."""
    killed_for_memory: bool = False
    """The system counts processes that it killed for want of memory, and has killed one meanwhile."""
    lost: str = ""
    """Where the worker is gone for a reason outside of it, as with its machine: a sentence that says so."""
