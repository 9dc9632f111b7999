"""How far forecasts missed, and what other laws say instead: the same words in the report, the terminal and the app."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.fitting import BackTests
from workbench.reporting import formats
from workbench.reporting.figures.pieces import plural


def missed_by_distance(distant: BackTests) -> str:
    """The errors at the nearest and at the farthest distance that were tested, each of the runs so far out alone."""
    near, far = distant.tests[0], max(distant.tests, key=lambda test: test.distance)
    said = f"at {near.distance:.3g} times the compute the fit saw the law missed by "
    said += f"{formats.percent(near.furthest_rms)} in the root mean square"
    if far is near:
        return said
    said += f", at {far.distance:.3g} times, the farthest tested, by {formats.percent(far.furthest_rms)}"
    runs = plural(len(far.at_furthest), "run")
    return f"{said} ({runs}{'' if far.identified else '; what was left to fit did not determine the law'})"


def elsewhere(level: float, own: Sequence[Mapping[Any, Any]], theirs: Mapping[str, Mapping[float, float]]) -> str:
    """That other laws these runs determine forecast a loss outside the interval of the one shown, or nothing.

    `own` are rows of forecasts with `multiple`, `loss_low` and `loss_high`; `theirs` is law → multiple → loss.
    """
    said = []
    for law, losses in theirs.items():
        outside = [
            f"{formats.show(loss, 'loss')} at {row['multiple']:.3g}×"
            for row in own
            if np.isfinite(loss := losses.get(row["multiple"], float("nan")))
            and np.isfinite(row["loss_low"])
            and not row["loss_low"] <= loss <= row["loss_high"]
        ]
        if outside:
            said.append(f"{law} gives a loss of {' and '.join(outside)}")
    if not said:
        return ""
    return (
        f"Another law that these runs determine says otherwise: {'; '.join(said)} the largest budget, outside the "
        f"{100 * level:g}% interval of the law's loss shown: which law holds matters more than that interval says."
    )
