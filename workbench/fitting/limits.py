"""Which runs stand for an unlimited resource, and which for the compute-optimal frontier: what Kaplan's laws of one
variable may be fitted to.

L(N) is a law of unlimited data. A size counts as near that limit when its two longest runs show that a further doubling
of the data would lower its loss by less than `NEAR`; one horizon alone cannot show it. L(D) is the mirror image. L(C)
is a law of the frontier: the isoFLOP minima where three budgets bracket theirs, or else the lower hull of final points.
"""

import numpy as np
import pandas as pd

from workbench.fitting.diagnostics.identification import DECADES
from workbench.fitting.envelope import hull_mask
from workbench.fitting.isoflop.estimator import measure
from workbench.fitting.record import NotIdentifiable

NEAR = 0.01
"""A doubling of the other resource that lowers the loss by less than this share is taken as no longer limiting."""

WORDS = {"n": ("kaplan-n", "sizes", "data", "tokens"), "d": ("kaplan-d", "data sets", "size", "parameters")}


def near_limit(table: pd.DataFrame, axis: str, convention: str) -> tuple[pd.DataFrame, str]:
    """For each level of `axis` ("n" or "d") the run with most of the other resource, where that no longer limits."""
    law, levels, resource, unit = WORDS[axis]
    column, other = (convention, "d") if axis == "n" else ("d", convention)
    if other not in table or table[other].isna().all():
        said = f"The table has no amounts of {resource}: its losses are taken as those of unlimited {resource}."
        return table, said
    rows = []
    tried = 0
    for _, group in table.groupby(column):
        best = pd.DataFrame(group.groupby(other, as_index=False)["loss"].min()).sort_values(other)
        amount, loss = best[other].to_numpy(dtype=np.float64), best["loss"].to_numpy(dtype=np.float64)
        shorter = np.flatnonzero(amount <= amount[-1] / 1.5)
        if len(shorter) == 0:
            continue
        tried += 1
        low, high, before, after = amount[shorter[-1]], amount[-1], loss[shorter[-1]], loss[-1]
        gain = np.log(before / after) / np.log2(high / low)
        if gain < NEAR:
            rows.append(group[group[other] == high]["loss"].idxmin())
    if len(rows) < 3:
        raise NotIdentifiable(
            f"{law} needs at least three {levels} with {resource} no longer limiting (a doubling of {unit} lowering "
            f"the loss by under {100 * NEAR:g}%); of {table[column].nunique()} {levels}, {tried} have two or more "
            f"values of {other} to judge by, and {len(rows)} pass."
        )
    which = "longest run" if axis == "n" else "largest model"
    said = f"Fitted to the {which} of {len(rows)} {levels} where a doubling of {unit} lowers the loss by under "
    return table.loc[rows], f"{said}{100 * NEAR:g}%."


def frontier(table: pd.DataFrame, convention: str) -> tuple[pd.DataFrame, str]:
    """The compute-optimal points: c, loss, n, d; and where they come from."""
    found = measure(table, convention).frame()
    good = found[found["bracketed"]]
    if len(good) >= 3:
        points = good.rename(columns={"loss_opt": "loss", "n_opt": "n", "d_opt": "d"})
        points = points[["c", "loss", "n", "d", "budget"]]
        said = f"The frontier is the isoFLOP minima of {len(good)} budgets."
    else:
        ln_c, ln_l = (np.log(table[name].to_numpy(dtype=np.float64)) for name in ("c", "loss"))
        points = table[hull_mask(ln_c, ln_l, np.ones((1, len(table)), dtype=bool))[0]]
        said = f"The frontier is the lower convex hull of final points in log C and log loss: {len(points)} runs."
    decades = float(np.log10(points["c"].max() / points["c"].min())) if len(points) else 0.0
    if len(points) < 3 or decades < DECADES:
        raise NotIdentifiable(
            "kaplan-c needs at least three frontier points over a decade of compute; the table gives "
            f"{len(points)} over {decades:.2f} decades."
        )
    return points.reset_index(drop=True), said
