"""How far the parametric law can be trusted: its back-tests, its rivals out of sample, what regression says of it.

Nothing here is raised: what the runs do not allow is a reason in words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from workbench.errors import BadInput
from workbench.fitting import BackTest, BackTests, Comparison, Fit, backtest, backtests, compare
from workbench.fitting.design.proposing import departure
from workbench.fitting.diagnostics.diagnosis import Diagnosis, diagnose, refitted
from workbench.fitting.diagnostics.misfit import lack_of_fit, misfits
from workbench.fitting.diagnostics.shared import alike
from workbench.fitting.forecasts.backtests import RESAMPLES

T = TypeVar("T")

LAW = "chinchilla"
"""The law that is judged: it alone forecasts the loss of single runs and says how compute divides."""


@dataclass(frozen=True)
class Diagnosed:
    """What a regression's diagnostics say of the parametric law."""

    diagnosis: Diagnosis
    trends: tuple[str, ...]
    """A sentence where the law bends or steps away from the runs."""
    shared: tuple[str, ...]
    """A sentence where runs of one size or budget miss together."""
    unfit: tuple[str, ...]
    """A sentence where the law misses by more than seeds differ."""
    departure: float
    """p of the F test for a quadratic departure along N and D: the test that `workbench next` reports."""


@dataclass(frozen=True)
class Judged:
    """Everything that bears on trust, computed once."""

    backtest: BackTest | None
    backtest_reason: str
    """Why there is no back-test; empty where there is one."""
    backtests: BackTests | None
    """The same with more and more of the top of the range of compute held out."""
    backtests_reason: str
    comparison: Comparison | None
    comparison_reason: str
    diagnosed: Diagnosed | None
    diagnosed_reason: str


def judge(table: pd.DataFrame, headline: Fit | None, fit: Fit | None, settings: Mapping[str, Any]) -> Judged:
    """Judge the parametric law, `fit`, by runs it has not seen and by those it has."""
    if headline is None:
        no = "not possible, since no law was fitted."
        return Judged(None, no, None, no, None, no, None, no)
    fewer = {**settings, "resamples": min(RESAMPLES, int(settings["resamples"]))}
    tested, untested = said(lambda: backtest(table, LAW, **settings))
    distant, unheld = said(lambda: backtests(table, LAW, **fewer))
    # Rivals are judged by their errors alone, which need no intervals.
    made = {} if distant is None else {LAW: distant}
    compared, alone = said(lambda: compare(table, **{**settings, "resamples": 0}, tested=made))
    if fit is None:
        return Judged(tested, untested, distant, unheld, compared, alone, None, "not possible: it was not fitted.")
    diagnosed, undiagnosed = said(lambda: diagnose_law(fit))
    return Judged(tested, untested, distant, unheld, compared, alone, diagnosed, undiagnosed)


def said(make: Callable[[], T]) -> tuple[T | None, str]:
    """What is made, or why it cannot be."""
    try:
        return make(), ""
    except BadInput as error:
        return None, f"not possible: {error}"


def diagnose_law(fit: Fit) -> Diagnosed:
    """The diagnostics of a fit of the parametric law."""
    seen = refitted(fit)
    unfit = lack_of_fit(fit.residuals, fit.residuals["residual"].to_numpy(float), fit.diagnostics["free_parameters"])
    return Diagnosed(diagnose(fit), tuple(misfits(seen)), tuple(alike(seen)), tuple(unfit), departure(fit))
