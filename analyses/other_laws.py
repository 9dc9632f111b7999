"""What the other laws of N and D that a selection's runs determine say of the same budgets."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.analyses import law_fits
from workbench.analyses import scaling_tables as tables
from workbench.analyses.backtest_words import elsewhere
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.selection import Selection
from workbench.fitting import Fit
from workbench.fitting.forecasts.surface import ALLOCATING

FORECASTING = tuple(law for law in tables.ALLOCATING if law in ALLOCATING)
"""Laws of the report that say how compute divides and forecast a loss."""


def said_otherwise(selection: Selection, fit: Fit, rows: Sequence[Mapping[Any, Any]]) -> str:
    """One sentence where another determined law's loss lies outside the interval in `rows` (of `forecasts`)."""
    theirs = {}
    for law in FORECASTING:
        other = law_fits.fitted(selection, LawAsk(law=law, convention=fit.convention))
        if law == fit.law or isinstance(other, str) or not other.identified:
            continue
        found = tables.allocations([other], [float(row["flops"]) for row in rows])
        theirs[law] = dict(zip((row["multiple"] for row in rows), found["loss"].tolist(), strict=True))
    return elsewhere(fit.level, rows, theirs)
