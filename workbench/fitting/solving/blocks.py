"""Rows of a batch, cut into blocks that stay in a core's cache and spread over the cores."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from workbench.fitting.laws.base import Array

ENTRIES = 120_000
"""Entries of an (S, M) array of one block: temporaries of a megabyte stay in the cache, and calls are few."""

Work = Callable[[np.ndarray], tuple[Array, ...]]


def over_blocks(n_rows: int, n_points: int, work: Work) -> tuple[Array, ...]:
    """`work` takes the indices of some rows and returns arrays with a row for each; those of all blocks are joined.

    NumPy lets go of the interpreter inside its loops, so that threads run on all cores; its linear algebra must then
    use one thread each, or the cores are shared out twice.
    """
    size = max(16, ENTRIES // max(n_points, 1))
    many = max(1, -(-n_rows // size))
    parts = np.array_split(np.arange(n_rows), many)
    cores = min(_cores(), many)
    with _libraries().limit(limits=1):
        if cores == 1:
            found = [work(rows) for rows in parts]
        else:
            with ThreadPoolExecutor(cores) as pool:
                found = list(pool.map(work, parts))
    return tuple(np.concatenate(columns) for columns in zip(*found, strict=True))


def _cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _libraries() -> ThreadpoolController:
    """The linear algebra libraries that are loaded, looked up once."""
    return ThreadpoolController()
