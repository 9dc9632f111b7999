"""Which runs may miss together: seeds of one configuration (clusters), all runs of one size or budget (groups)."""

import numpy as np
import pandas as pd

SAME = {"model sizes": 1.002, "budgets": 1.05}
"""Values within this factor of a neighbour are one: a size is exact, a budget is met to a few steps."""

FEWEST = 3
"""With fewer groups than this there is nothing to resample."""


def clusters(table: pd.DataFrame) -> np.ndarray:
    """The configuration of each run (runs that differ in their seeds alone share it), or else the run itself."""
    if "cluster" in table and table["cluster"].notna().all():
        return table["cluster"].to_numpy()
    return np.arange(len(table))


def groups(table: pd.DataFrame, size: str = "n") -> tuple[np.ndarray, str]:
    """The group of each run, and what the groups are, in the plural; `size` is the column of N.

    The rule: model sizes, where at least three are there and a size has two runs or more on average (a size is tuned
    and initialised once, and errs as one); else budgets of compute, under the same condition; else configurations.
    """
    for names, words in (((size, "n"), "model sizes"), (("budget", "c"), "budgets")):
        name = next((name for name in names if name in table and table[name].notna().all()), None)
        if name is None:
            continue
        code_M = level_codes(table[name].to_numpy(dtype=np.float64), SAME[words])
        if FEWEST <= code_M.max() + 1 <= len(table) / 2:
            return code_M, words
    code_M = np.unique(clusters(table), return_inverse=True)[1]
    return code_M, "runs" if code_M.max() + 1 == len(table) else "configurations"


def share_trunks(table: pd.DataFrame) -> bool:
    """Whether some of the runs are one run until their decays begin."""
    if "trunk" not in table:
        return False
    named = table["trunk"].dropna()
    return bool(named[named != ""].duplicated().any())


def level_codes(values_M: np.ndarray, factor: float) -> np.ndarray:
    """The number of each value's level, values within `factor` of a neighbour taken as one."""
    order = np.argsort(values_M, kind="stable")
    step = np.diff(np.log(values_M[order])) > np.log(factor)
    code_M = np.empty(len(values_M), dtype=np.int64)
    code_M[order] = np.concatenate([[0], np.cumsum(step)])
    return code_M
