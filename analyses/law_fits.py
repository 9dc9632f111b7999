"""Which fit a reader of the Laws page wants, and that fit of a selection's runs: made once, shared by all its figures.

Nothing here waits for the whole study: one law is fitted, to the final losses alone.
"""

from typing import Annotated, Any

import pandas as pd
from pydantic import Field

from workbench import fitting
from workbench.analyses.ask import Ask, one_of
from workbench.analyses.samples import samples
from workbench.analyses.selection import Selection
from workbench.errors import BadInput
from workbench.fitting import LAW_NAMES, LAWS, Fit, FitSet, from_runs
from workbench.fitting.fit import EVERY_LAW, conventions_of
from workbench.fitting.forecasts.forecast import largest_budget
from workbench.fitting.isoflop.curves import SHAPES
from workbench.fitting.isoflop.estimator import DEFAULT_SHAPE
from workbench.fitting.laws import Law
from workbench.fitting.record import CONVENTION_LABELS
from workbench.fitting.solving.objectives import OBJECTIVES
from workbench.fitting.tables import final_points
from workbench.fitting.uncertainty.methods import METHODS

MOST, FEWER = 5, 100
"""A law of more parameters than that has no grid to start from and many basins: its resamples are fewer."""

NO_RUNS = "There are no finished runs to fit a law to."

SEED = 0
"""Of the resamples: the report's, so that both print the same intervals."""


class LawAsk(Ask):
    """Which fit is wanted."""

    law: Annotated[str, one_of(EVERY_LAW)] = "chinchilla"
    convention: Annotated[str, one_of(CONVENTION_LABELS)] = "n"
    """The count of N: a key of `CONVENTION_LABELS`."""
    objective: Annotated[str, one_of(OBJECTIVES)] = "huber"
    delta: Annotated[float, Field(gt=0)] = 1e-3
    """Corner of the Huber loss."""
    intervals: Annotated[str, one_of(("auto", *METHODS))] = "auto"
    """A key of `uncertainty.METHODS`, or auto: by the design."""
    shape: Annotated[str, one_of(SHAPES)] = DEFAULT_SHAPE
    """Of the curves of isoflop."""


def settings(selection: Selection, ask: LawAsk) -> dict[str, Any]:
    """Of what is asked, the part that the law takes, as `fitting.fit` takes it."""
    found: dict[str, Any] = {
        "law": ask.law, "convention": ask.convention, "resamples": resamples_of(selection, ask.law), "seed": SEED
    }  # fmt: skip
    if ask.law == "isoflop":
        return found | {"shape": ask.shape}
    if ask.law not in LAWS:
        return found
    found |= {"objective": ask.objective, "intervals": ask.intervals}
    return found | ({"delta": ask.delta} if ask.objective == "huber" else {})


def resamples_of(selection: Selection, law: str) -> int:
    """How many resamples a law gets."""
    large = law in LAWS and len(LAWS[law].theta_names) > MOST
    return min(selection.affordable, FEWER) if large else selection.affordable


def sample(selection: Selection) -> pd.DataFrame:
    """The runs that may share a law: of several such sets those of the most compute, as the report takes them."""
    return samples(selection.runs)[0].runs if len(selection.runs) else selection.runs


def table(selection: Selection) -> pd.DataFrame:
    """The canonical table of the selection's final losses; empty where nothing has finished."""

    def make() -> pd.DataFrame:
        runs = sample(selection)
        return from_runs(runs) if len(runs) else pd.DataFrame()

    return selection.once("table", make)


def points(selection: Selection) -> pd.DataFrame:
    """The rows of the table that laws of single runs are fitted to."""
    every = table(selection)
    return every if every.empty else final_points(every)[0].reset_index(drop=True)


def largest(selection: Selection) -> float:
    """The largest budget of the runs, or their largest compute where they have none."""
    return largest_budget(table(selection))


def fitted(selection: Selection, ask: LawAsk) -> Fit | str:
    """The fit asked for, or the reason why there is none."""
    return selection.once(key(selection, ask), lambda: _fit(selection, ask))


def known(selection: Selection, ask: LawAsk) -> bool:
    """Whether the fit has been made already."""
    return selection.knows(key(selection, ask))


def key(selection: Selection, ask: LawAsk) -> tuple[Any, ...]:
    """Under which the fit is kept: what the law does not take makes no other fit."""
    return ("fit", *settings(selection, ask).items())


def every(selection: Selection) -> FitSet:
    """Every law under every count of N, as the report fits them; an empty set where nothing can be fitted."""
    if "study" in vars(selection):  # the report's own fits are there already
        return selection.study.fits
    return selection.once("every", lambda: _every(selection))


def _every(selection: Selection) -> FitSet:
    if table(selection).empty:
        return FitSet(())
    try:
        return fitting.fit_all(_with_curves(selection), resamples=selection.affordable, seed=SEED)
    except BadInput:
        return FitSet(())


def _with_curves(selection: Selection) -> pd.DataFrame:
    """The table with what the runs were worth on the way: the envelope alone reads it."""
    runs, curves = sample(selection), selection.held_out
    return from_runs(runs, curves[curves["run_id"].isin(runs["run_id"])])


def _fit(selection: Selection, ask: LawAsk) -> Fit | str:
    rows = table(selection)
    if rows.empty:
        return NO_RUNS
    if ask.law == "envelope":
        rows = _with_curves(selection)
    try:
        return fitting.fit(rows, **settings(selection, ask))
    except BadInput as error:
        return f"Not fitted: {error}"


def conventions(selection: Selection) -> tuple[str, ...]:
    """The counts of N that the runs carry."""
    rows = table(selection)
    return ("n",) if rows.empty else conventions_of(rows)


def choices(rows: pd.DataFrame, convention: str = "n") -> tuple[str, ...]:
    """The laws that a table's columns can feed: those fitted side by side, then every other."""
    others = (name for name, law in LAWS.items() if name not in LAW_NAMES and _feeds(rows, law, convention))
    return (*LAW_NAMES, *others)


def _feeds(rows: pd.DataFrame, law: Law, convention: str) -> bool:
    """Whether the table has the law's columns, and they vary: what is the same in all runs tells nothing of it."""
    names = [convention if name == "n" else name for name in (*law.columns, law.response)]
    if any(name not in rows or rows[name].nunique() < 2 for name in names):
        return False
    return "u" not in law.columns or bool((rows["u"] < rows["d"]).any())
