"""What a size costs in each group, so that a group that pays more FLOPs for the same model and tokens is charged."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.fitting.forecasts.cost import Cost

ALIKE = 0.01
"""Groups whose FLOPs for the same N and D differ by less are charged alike: a difference in sizes, not in price."""


def costs(table: pd.DataFrame, groups: Sequence[str], convention: str) -> dict[str, Cost]:
    """C = k_g N^(1+tilt) D: one tilt for all, by least squares over all runs; k of each group, one where they agree."""
    ln_n, ln_d, ln_c = np.log([table[name].to_numpy(dtype=np.float64) for name in (convention, "d", "c")])
    own_MG = table["group"].to_numpy()[:, None] == np.array(groups, dtype=object)
    ln_k = ln_c - ln_n - ln_d
    if len(np.unique(ln_n)) < 3:
        tilt = 0.0
    else:
        apart = np.column_stack([ln_n - ln_n.mean(), own_MG])
        tilt = float(np.linalg.lstsq(apart, ln_k, rcond=None)[0][0])
    tilt = 0.0 if abs(tilt) < 1e-6 else tilt
    level_M = ln_k - tilt * ln_n
    level_G = np.array([level_M[own].mean() for own in own_MG.T])
    if np.ptp(level_G) < ALIKE:
        level_G[:] = level_M.mean()
    return {group: Cost(float(np.exp(level)), tilt) for group, level in zip(groups, level_G, strict=True)}
