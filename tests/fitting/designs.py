"""Simulated sweeps whose law is known."""

import numpy as np
import pandas as pd

TRUE = {"E": 1.8, "A": 95.0, "B": 420.0, "alpha": 0.347, "beta": 0.367}
BUDGETS = tuple(np.geomspace(1e11, 1e13, 5))


def loss_of(n: np.ndarray, d: np.ndarray) -> np.ndarray:
    return TRUE["E"] + TRUE["A"] * n ** -TRUE["alpha"] + TRUE["B"] * d ** -TRUE["beta"]


def isoflop(noise: float = 0.0, seed: int = 0, budgets: tuple[float, ...] = BUDGETS, sizes: int = 6) -> pd.DataFrame:
    """Budgets × sizes around each optimum, C = 6ND exactly."""
    total = TRUE["alpha"] + TRUE["beta"]
    g = (TRUE["alpha"] * TRUE["A"] / (TRUE["beta"] * TRUE["B"])) ** (1 / total)
    rows = [
        (c, g * (c / 6) ** (TRUE["beta"] / total) * factor)
        for c in budgets
        for factor in np.geomspace(20**-0.5, 20**0.5, sizes)
    ]
    table = pd.DataFrame(rows, columns=["c", "n"])
    table["budget"] = table["c"]
    table["d"] = table["c"] / 6 / table["n"]
    table["loss"] = loss_of(table["n"].to_numpy(), table["d"].to_numpy())
    table["loss"] *= np.exp(noise * np.random.default_rng(seed).standard_normal(len(table)))
    return table
