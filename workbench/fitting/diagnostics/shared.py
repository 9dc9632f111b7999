"""Which runs err together: those of one size or budget, or the seeds of one configuration, held against all others.

shared errors  one effect for each size is added to the law, linearised at its optimum: runs of one size, tuned and
               initialised once, may miss together (F test of the added columns)
replicates     the variance of the misses between configurations against that between the seeds of one (F test): seeds
               that differ as much as configurations do err on their own
"""

import numpy as np

from workbench.fitting.diagnostics.misfit import LEFT, OUTLYING
from workbench.fitting.uncertainty.fitted import Fitted
from workbench.fitting.uncertainty.groups import clusters, groups

SHARED = 0.1
"""p of shared errors below which whole groups are resampled: a wrong choice costs width, the other way coverage."""

ALIKE = 0.02
"""p of shared errors below which it is said that runs miss together."""

FEWEST_GROUPS = 5
"""Of fewer groups no bootstrap makes an interval."""

MOST_GROUPS = 200
"""So many groups are as good as single runs."""


def shared_errors(fitted: Fitted) -> float:
    """p of runs of one group (a size, as a rule) erring no more alike than any two; 1 where that cannot be tested."""
    code_M, words = groups(fitted.prepared.table)
    many = int(code_M.max()) + 1
    units = fitted.units
    if words in ("runs", "configurations") or not FEWEST_GROUPS <= many <= MOST_GROUPS or not units.r_G.any():
        return 1.0
    from scipy.special import fdtrc

    q_GQ, _ = np.linalg.qr(units.j_GQ)
    own_G = units.r_G - q_GQ @ (q_GQ.T @ units.r_G)
    z_GK = units.indicators(code_M)
    zq_KQ = z_GK.T @ q_GQ
    # The columns less what the jacobian has of them, by their products alone: sparse, however many runs there are.
    square_K, vector_KK = np.linalg.eigh((z_GK.T @ z_GK).toarray() - zq_KQ @ zq_KQ.T)
    kept_K = square_K > 1e-10 * max(square_K[-1], 1e-300)
    extra, free = int(kept_K.sum()), len(own_G) - q_GQ.shape[1] - int(kept_K.sum())
    if extra < 1 or free < LEFT:
        return 1.0
    between = float(((vector_KK[:, kept_K].T @ (z_GK.T @ own_G)) ** 2 / square_K[kept_K]).sum())
    within = float((own_G**2).sum()) - between
    return float(fdtrc(extra, free, (between / extra) / (within / free))) if within > 0 else 0.0


def replicates_alike(fitted: Fitted) -> float:
    """p of the seeds of one configuration erring no more alike than any two runs; 1 where that cannot be tested."""
    kept = fitted.copy_M == np.arange(len(fitted.copy_M))
    _, code_M = np.unique(clusters(fitted.prepared.table)[kept], return_inverse=True)
    r_M = (fitted.miss_M * np.sqrt(fitted.weight_M))[kept]
    far = OUTLYING * 1.4826 * float(np.median(np.abs(r_M)))
    r_M = np.clip(r_M, -far, far) if far > 0 else r_M
    # A robust fit leaves more between configurations than least squares do, which is what F is of.
    q_MQ, _ = np.linalg.qr((fitted.gradient_MQ * np.sqrt(fitted.weight_M)[:, None])[kept])
    r_M = r_M - q_MQ @ (q_MQ.T @ r_M)
    size_G = np.bincount(code_M)
    mean_G = np.bincount(code_M, r_M) / size_G
    extra, free = len(size_G) - len(fitted.estimated), len(r_M) - len(size_G)
    between, within = float((size_G * mean_G**2).sum()), float(((r_M - mean_G[code_M]) ** 2).sum())
    if extra < 1 or free < 1 or between <= 0:
        return 1.0
    from scipy.special import fdtrc

    return float(fdtrc(extra, free, (between / extra) / (within / free))) if within > 0 else 0.0


def alike(fitted: Fitted, method: str = "") -> list[str]:
    """A sentence where runs of one size or budget clearly miss together, which `method` allows for or does not."""
    if not fitted.shared < ALIKE:
        return []
    _, words = groups(fitted.prepared.table)
    resampled = f"resampling {words}" in method
    how = f"whole {words} are resampled" if resampled else "intervals that take every run by itself are too narrow"
    one = words[:-1]
    return [
        f"Runs of the same {one} err in the same direction (p = {fitted.shared:.1g}), as if each {one} had an error "
        f"of its own; {how}."
    ]
