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


def repeated(noise: float = 0.002, seed: int = 0, r_n: float = 5.3, r_d: float = 15.4) -> pd.DataFrame:
    """Sizes × tokens × limits of unique tokens, by the law of Muennighoff et al. 2023 with the true constants."""
    from workbench.fitting.laws import LAWS

    rows = [(n, d, min(u, d)) for n in (1e5, 3e5, 1e6, 3e6) for d in (3e6, 1e7, 3e7, 1e8) for u in (1e6, 1e7, 1e9)]
    table = pd.DataFrame(rows, columns=["n", "d", "u"]).drop_duplicates(ignore_index=True)
    columns = {name: table[name].to_numpy() for name in ("n", "d", "u")}
    table["loss"] = LAWS["data-constrained"].predict({**TRUE, "R_N": r_n, "R_D": r_d}, **columns)
    table["loss"] *= np.exp(noise * np.random.default_rng(seed).standard_normal(len(table)))
    return table
