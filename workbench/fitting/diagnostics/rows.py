"""What single rows of the table say: runs far off the law, rows that are there twice, a law that misses them all."""

import numpy as np

from workbench.fitting.tables.checks import row_numbers
from workbench.fitting.uncertainty.fitted import Fitted

FAR = 6.0
"""Residuals beyond this many robust standard deviations are named: of normal noise one in 500 million."""

SHOWN = 5
"""Outliers that are named."""

POOR = 0.1
"""A law that misses its runs by more than this, in ln of the loss, does not describe them."""

FEWEST = 5
"""With fewer residuals to spare their median is no measure of the noise."""

TINY = 1e-9
"""Noise below this is rounding."""


def outlying(fitted: Fitted) -> list[str]:
    """A sentence that names the runs far off the law, by the median of the misses' sizes."""
    r_M = fitted.miss_M * np.sqrt(fitted.weight_M)
    # The law passes through about as many runs as it has parameters: these say nothing of the noise.
    size_M = np.sort(np.abs(r_M))[len(fitted.estimated) :]
    scale = 1.4826 * float(np.median(size_M)) if fitted.free >= FEWEST else 0.0
    far = np.flatnonzero(np.abs(r_M) > FAR * scale) if scale > TINY else np.empty(0, dtype=int)
    if not len(far):
        return []
    far = far[np.argsort(-np.abs(r_M[far]), kind="stable")]
    table, log = fitted.prepared.table, fitted.prepared.law.log_response
    number_M = row_numbers(table)
    named = []
    for m in far[:SHOWN]:
        given = table["run_id"].iloc[m] if "run_id" in table else None
        who = f"run {given}" if isinstance(given, str) else f"row {number_M[m]}"
        miss = float(fitted.residual_M[m])
        off = f"{100 * np.expm1(miss):+.3g}%" if log else f"{miss:+.3g}"
        named.append(f"{who} ({off})")
    more = f" and {len(far) - SHOWN} more" if len(far) > SHOWN else ""
    return [
        f"Far off the law, by more than {FAR:g} times what the others are: {', '.join(named)}{more}. "
        "Look at what was recorded there; leave out what is wrong."
    ]


def poor(fitted: Fitted) -> list[str]:
    """A sentence where the law misses most runs by far more than training's noise."""
    if not fitted.prepared.law.log_response:
        return []
    rms = float(np.sqrt(np.average(fitted.residual_M**2, weights=fitted.weight_M)))
    size_M = np.abs(fitted.residual_M)
    # Not for a wrong loss or two, which are named as outliers.
    if not (rms > POOR and np.quantile(size_M, 0.95) > POOR):
        return []
    return [
        f"The law misses these runs by {100 * rms:.2g}% (root mean square), half of them by more than "
        f"{100 * np.median(size_M):.2g}%: it does not describe them all, and neither its parameters nor its forecasts "
        "should be relied on."
    ]


def copied(fitted: Fitted) -> list[str]:
    """A sentence where rows are there more than once."""
    _, many_K = np.unique(fitted.copy_M, return_counts=True)
    twice_K = many_K[many_K > 1]
    if not len(twice_K):
        return []
    rows = f"{len(twice_K)} row{'' if len(twice_K) == 1 else 's'}"
    least, most = int(twice_K.min()), int(twice_K.max())
    copies = f"{least} copies" if least == most else f"{least} to {most} copies"
    return [
        f"{copies} of {'each of ' if len(twice_K) > 1 else ''}{rows}: they are counted as often, which makes intervals "
        "too narrow."
    ]
