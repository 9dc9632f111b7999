"""L(N, D) of a fit on the plane of N and D, with its runs, their budgets and the compute-optimal frontier."""

import numpy as np
import pandas as pd

from workbench.analyses import scaling_tables as tables
from workbench.analyses.one_law import name_of
from workbench.analyses.scaling_fits import with_budgets
from workbench.fitting import LAWS, Fit
from workbench.reporting.document import Block, Figure, Text
from workbench.reporting.figures.pieces import plural
from workbench.reporting.figures.surface import contour

NODES = 60
"""Of the grid, along N and along D."""

MARGIN = 1.3
"""The map reaches this factor beyond the runs."""

PER_DECADE = 10


def drawable(fit: Fit) -> bool:
    """Whether the law is a loss of N and D and nothing else."""
    law = LAWS.get(fit.law)
    return law is not None and law.response == "loss" and set(law.columns) == {"n", "d"}


def blocks(fit: Fit) -> list[Block]:
    """The map, or why there is none."""
    if not drawable(fit):
        return [Text(f"{name_of(fit.law)} is no loss of N and D: it has no map. The parametric law has one.")]
    points = fit.residuals.assign(n=fit.residuals[fit.convention])
    grid, front, equal = _grid(fit, points), _frontier(fit, points), _budgets(points)
    caption = (
        f"The loss that {name_of(fit.law)} gives to each size and number of tokens, and "
        f"{plural(len(points), 'run')}, coloured by the loss each reached: where a run's colour differs from its "
        "ground, the law misses it."
    )
    if equal is not None:
        caption += f" Dashed lines join runs of equal compute, {plural(equal['c'].nunique(), 'budget')}."
    if front is not None:
        caption += " The line runs through the best pair of each compute."
    drawn = points[["n", "d", "loss", "predicted"]]
    items: list[Block] = [Figure("contour", caption, contour(grid, drawn, front, equal), drawn)]
    if front is None:
        items.append(
            Text(
                f"No frontier is drawn: these runs do not determine {name_of(fit.law)}, whose map is good only "
                "between them.",
                note=True,
            )
        )
    return items


def _grid(fit: Fit, points: pd.DataFrame) -> pd.DataFrame:
    n, d = (np.geomspace(points[x].min() / MARGIN, points[x].max() * MARGIN, NODES) for x in ("n", "d"))
    n_G, d_G = (axis.ravel() for axis in np.meshgrid(n, d))
    return pd.DataFrame({"n": n_G, "d": d_G, "loss": fit.predict(n=n_G, d=d_G)})


def _inside(lines: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """The part of lines that lies on the map."""
    kept = [lines[x].between(points[x].min() / MARGIN, points[x].max() * MARGIN) for x in ("n", "d")]
    return lines[kept[0] & kept[1]].reset_index(drop=True)


def _frontier(fit: Fit, points: pd.DataFrame) -> pd.DataFrame | None:
    """N_opt and D_opt of each compute; None where the runs do not determine them, or the law names none."""
    low, high = (fit.cost.flops(end(points["n"]), end(points["d"])) for end in (np.min, np.max))
    compute = np.geomspace(low / MARGIN**2, high * MARGIN**2, max(2, round(PER_DECADE * np.log10(high / low))))
    lines = tables.allocations([fit], compute.tolist())
    lines = lines[lines["determined"].astype(bool)].rename(columns={"flops": "c"})
    found = _inside(lines, points)
    return None if found.empty else found[["n", "d", "c", "loss"]]


def _budgets(points: pd.DataFrame) -> pd.DataFrame | None:
    """The runs of each budget, to be joined by a line."""
    grouped = with_budgets(points)
    if grouped.empty:
        return None
    return grouped[["budget", "n", "d"]].rename(columns={"budget": "c"}).sort_values(["c", "n"], ignore_index=True)
