"""The peers on PyPI, each called as its own documentation says, on the same points with the same Huber objective.

Each function returns the fitted (E, A, B, α, β) in the table's units, or raises ImportError where it is absent.
"""

import logging
import tempfile
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd

from tests.benchmarks.plain import DELTA
from workbench.fitting.laws.base import Array

CHINCHILLA_GRID = {
    "e": np.linspace(-1, 1, 5),
    "a": np.linspace(0, 25, 5),
    "b": np.linspace(0, 25, 5),
    "alpha": np.linspace(0, 2, 5),
    "beta": np.linspace(0, 2, 5),
}
"""Hoffmann's ranges, five values each: 3,125 starts."""


def installed(package: str) -> str | None:
    """The version of a package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def chinchilla(table: pd.DataFrame, per_axis: int = 5) -> Array:
    """`chinchilla`: BFGS with finite differences from a grid of starts, all cores, mean log-Huber (no figure drawn)."""
    import matplotlib  # type: ignore[import-not-found,unused-ignore]

    matplotlib.use("Agg")
    from chinchilla import Chinchilla  # type: ignore[import-not-found,unused-ignore]
    from chinchilla._metrics import log_huber  # type: ignore[import-not-found,unused-ignore]

    # Thinned from the ends inward, so that a smaller grid spans the same ranges.
    grid = {name: axis[np.linspace(0, 4, per_axis).round().astype(int)] for name, axis in CHINCHILLA_GRID.items()}
    with tempfile.TemporaryDirectory() as folder:
        tool: Any = Chinchilla(
            project_dir=folder, param_grid=grid, loss_fn=partial(log_huber, delta=DELTA), log_level=logging.CRITICAL
        )
        tool.database.df = table.rename(columns={"n": "N", "d": "D", "c": "C"})[["C", "N", "D", "loss"]]
        tool.visualizer.optim = lambda *_args, **_kwargs: None
        tool.fit()
        return np.array([float(getattr(tool, name)) for name in ("E", "A", "B", "alpha", "beta")])


def vpnls(table: pd.DataFrame, resolution: float = 0.01) -> Array:
    """`vpnls`: a grid over both exponents, amplitudes by reweighted least squares, Huber on L (it has no log-Huber)."""
    from vpnls.api import fit_vpnls, huber  # type: ignore[import-not-found,unused-ignore]

    # Its README's units: millions of parameters, billions of tokens.
    n_M, d_M, loss_M = (table[name].to_numpy(dtype=np.float64).copy() for name in ("n", "d", "loss"))
    result: Any = fit_vpnls(n_M / 1e6, d_M / 1e9, loss_M, resolution=resolution, loss=huber(DELTA))
    amplitude_a = result.A * 1e6**result.alpha
    amplitude_b = result.B * 1e9**result.beta
    return np.array([result.E, amplitude_a, amplitude_b, result.alpha, result.beta])
