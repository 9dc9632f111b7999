"""Rows of a batch, cut into blocks that stay in a core's cache and spread over the cores."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from workbench.fitting.laws.base import Array

ENTRIES = 120_000
"""Entries of an (S, M) array of one block: temporaries of a megabyte stay in the cache, and calls are few."""

SHARED = 20_000
"""Entries from which the cores share even a single block."""

Work = Callable[[np.ndarray], tuple[Array, ...]]


def over_blocks(n_rows: int, n_points: int, work: Work) -> tuple[Array, ...]:
    """`work` takes the indices of some rows and returns arrays with a row for each; those of all blocks are joined.

    NumPy lets go of the interpreter inside its loops, so that threads run on all cores; its linear algebra must then
    use one thread each, or the cores are shared out twice.
    """
    size = max(16, ENTRIES // max(n_points, 1))
    cores = _cores()
    many = max(1, -(-n_rows // size), cores if n_rows * n_points >= SHARED else 1)
    parts = np.array_split(np.arange(n_rows), min(many, n_rows) or 1)
    cores = min(cores, len(parts))
    keep_memory()
    with one_thread():
        if cores == 1:
            found = [work(rows) for rows in parts]
        else:
            with ThreadPoolExecutor(cores) as pool:
                found = list(pool.map(work, parts))
    return tuple(np.concatenate(columns) for columns in zip(*found, strict=True))


def one_thread() -> Any:
    """A context in which linear algebra uses one thread: on small matrices more only wait for one another."""
    return _libraries().limit(limits=1)


def _cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def keep_memory() -> None:
    """Let the C library keep the memory of temporaries for the next ones, in place of handing it back each time.

    glibc returns what is free beyond twice the largest block it has mapped and freed, up to 32 MB: with temporaries of
    a megabyte that is at every step, and the page faults took half of the time. One large block, freed, raises the
    limit for good; elsewhere it does nothing.
    """
    np.empty(31_000_000, dtype=np.uint8)


@cache
def _libraries() -> ThreadpoolController:
    """The linear algebra libraries that are loaded, looked up once."""
    return ThreadpoolController()
