"""The main study of a sweep: every law, the optimal allocation, the back-test and the checks, as one record."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.analyses import checks as checking
from workbench.analyses import scaling_tables as tables
from workbench.analyses.checks import Checks
from workbench.analyses.samples import Sample, samples, sweeps_of
from workbench.analyses.scaling_judged import LAW, Judged, judge
from workbench.errors import BadInput
from workbench.fitting import BackTest, Fit, FitSet, NotFitted, fit_all, from_runs
from workbench.fitting.record import CONVENTION_LABELS
from workbench.reporting.document import Report

MULTIPLES = (10.0, 100.0)
"""Forecasts are made at these multiples of the largest budget."""


@dataclass(frozen=True)
class ScalingStudy:
    """Everything the report, the app and the closing lines of a quickstart say, computed once."""

    name: str
    """What the study is of: a store's or a table's name."""
    source: str
    """What commands are given to read it: a path, with the options that chose its rows."""
    path: str
    """The path alone."""
    table: pd.DataFrame
    """The canonical table the laws were fitted to; final points only."""
    fits: FitSet
    headline: Fit | None
    """The fit that gives the answer: of `scaling_tables.ALLOCATING` the first identified, else the first fitted."""
    exponents: pd.DataFrame
    """a and b of all approaches under all conventions, and published ones."""
    parameters: pd.DataFrame
    """Every parameter of every fit."""
    frontier: pd.DataFrame
    """Compute-optimal n, d, loss by law from the smallest compute to 100× the largest."""
    forecasts: pd.DataFrame
    """The same at 10× and 100× the largest budget, with `multiple`."""
    largest: float
    """The largest budget, FLOPs: of the isoFLOP design, or else of any run."""
    largest_name: str
    """What that is called: "largest budget" where runs have budgets, else "largest compute"."""
    judged: Judged
    """How far to trust the parametric law."""
    settings: Mapping[str, Any]
    """Objective, resamples, seed, level."""
    runs: pd.DataFrame | None = None
    """The runs studied, those left out of the fits included."""
    others: tuple[Sample, ...] = ()
    """Runs of the store that cannot share a law with these, being of another corpus, tokenizer or context."""
    curves: pd.DataFrame | None = None
    evals: pd.DataFrame | None = None
    checks: Checks | None = None
    """Only where the source is a store."""
    problems: tuple[str, ...] = field(default=())
    """What is not identified or could not be done, in sentences."""

    @property
    def backtest(self) -> BackTest | None:
        """The largest budget, held out and forecast."""
        return self.judged.backtest

    @property
    def backtest_reason(self) -> str:
        """Why there is no back-test; empty where there is one."""
        return self.judged.backtest_reason


def study(
    runs: pd.DataFrame | None = None,
    curves: pd.DataFrame | None = None,
    evals: pd.DataFrame | None = None,
    *,
    name: str,
    source: str = "",
    where: str | None = None,
    notes: Mapping[str, str] | None = None,
    table: pd.DataFrame | None = None,
    objective: str = "huber",
    delta: float = 1e-3,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> ScalingStudy:
    """Fit every law to a store's tables, or to a canonical `table`; what cannot be fitted is said, never raised.

    Of runs that cannot share a law (see `samples`), those that took the most compute are studied. `source` is how a
    command names the data, and `where` the rows that the caller chose: both are quoted where the report says how to
    reproduce it. `notes` say, by sweep, what the caller left out.
    """
    others: tuple[Sample, ...] = ()
    if table is None:
        if runs is None:
            raise BadInput(f"{name}: a study needs the runs of a store or a table of runs; give one of them")
        chosen, *rest = samples(runs)
        runs, others = chosen.runs, tuple(rest)
        if rest:
            where = f"({where}) AND {chosen.where}" if where else chosen.where
        curves = None if curves is None else curves[curves["run_id"].isin(runs["run_id"])].reset_index(drop=True)
        table = from_runs(runs, curves) if len(runs) else pd.DataFrame()
        said = (note for sweep, note in (notes or {}).items() if sweep in sweeps_of(runs))
        table.attrs["notes"] = (*said, *table.attrs.get("notes", ()))
    settings = {"objective": objective, "delta": delta, "resamples": resamples, "seed": seed, "level": level}
    fits, reason = _fitted(table, settings)
    final = _final(table)
    largest = _largest(final)
    headline = _headline(fits)
    judged = judge(table, headline, fits.get(LAW), settings)
    frontier, forecasts = _optima(fits, final, largest)
    result = ScalingStudy(
        name=name,
        source=" ".join([source or name, *(["--where", quoted(where)] if where else [])]),
        path=source or name,
        table=final,
        fits=fits,
        headline=headline,
        exponents=tables.exponents(fits),
        parameters=tables.parameters(fits),
        frontier=frontier,
        forecasts=forecasts,
        largest=largest,
        largest_name="largest budget" if _has_budgets(final) else "largest compute",
        judged=judged,
        settings=settings,
        runs=runs,
        others=others,
        curves=curves,
        evals=evals,
        problems=_problems(fits, headline, judged.backtest_reason, reason),
    )
    if runs is None or runs.empty:
        return result
    found = checking.check(runs)
    tested = judged.backtest
    error = None if tested is None else float(tested.points["relative_error"].abs().max())
    stated = checking.facts(runs, found, error, _unidentified(headline), _misfit(fits), judged.diagnosed)
    return replace(result, checks=replace(found, facts=stated))


def analyse(
    runs: pd.DataFrame | None = None,
    curves: pd.DataFrame | None = None,
    evals: pd.DataFrame | None = None,
    *,
    name: str,
    table: pd.DataFrame | None = None,
    **settings: Any,
) -> Report:
    """The report of `study`."""
    from workbench.analyses.scaling_report import report

    return report(study(runs, curves, evals, name=name, table=table, **settings))


def quoted(text: str) -> str:
    """A word for a shell: in double quotes where single ones would have to be broken up."""
    if "'" in text and not set(text) & set('"$`\\!\n'):
        return f'"{text}"'
    return shlex.quote(text)


def minima_of(fits: FitSet, convention: str = "n") -> pd.DataFrame | None:
    """The isoFLOP minima, where that law was fitted."""
    fit = fits.get("isoflop", convention)
    return None if fit is None else fit.extra.get("minima")


def _fitted(table: pd.DataFrame, settings: Mapping[str, Any]) -> tuple[FitSet, str]:
    """All fits; where not one can be made, an empty set and the reason."""
    if table.empty:
        return FitSet(()), "There are no finished runs."
    try:
        return fit_all(table, **settings), ""
    except BadInput as error:
        return FitSet(()), f"No law could be fitted: {error}"


def _final(table: pd.DataFrame) -> pd.DataFrame:
    if table.empty or "point" not in table.columns:
        return table
    kept = table[table["point"] != "mid-schedule"].reset_index(drop=True)
    kept.attrs = dict(table.attrs)
    return kept


def _largest(table: pd.DataFrame) -> float:
    if table.empty or "c" not in table.columns:
        return float("nan")
    return float(table["budget"].max() if _has_budgets(table) else table["c"].max())


def _has_budgets(table: pd.DataFrame) -> bool:
    return "budget" in table.columns and bool(table["budget"].notna().any())


def _headline(fits: FitSet) -> Fit | None:
    candidates = [fit for law in tables.ALLOCATING if (fit := fits.get(law)) is not None]
    # An envelope of points in mid-schedule favours runs that end early; it stands beside, but does not answer.
    candidates = [fit for fit in candidates if fit.extra.get("kind") != "curves"]
    return next((fit for fit in candidates if fit.identified), candidates[0] if candidates else None)


def _optima(fits: FitSet, table: pd.DataFrame, largest: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frontier under the primary convention of N, and forecasts under every one."""
    allocating = [fit for fit in fits if fit.law in tables.ALLOCATING]
    if not allocating or not np.isfinite(largest):
        return tables.allocations((), ()), tables.allocations((), ()).assign(multiple=[])
    compute = tables.grid(float(table["c"].min()), largest, largest * MULTIPLES[-1])
    frontier = tables.allocations([fit for fit in allocating if fit.convention == "n"], compute)
    forecasts = tables.allocations(allocating, [largest * multiple for multiple in MULTIPLES])
    return frontier, forecasts.assign(multiple=(forecasts["flops"] / largest).round(6))


def _misfit(fits: FitSet) -> tuple[float, bool] | None:
    """What the parametric law misses, and whether seeds explain less than that."""
    fit = fits.get(LAW)
    if fit is None:
        return None
    return float(np.sqrt(np.mean(fit.residuals["residual"] ** 2))), bool(fit.diagnostics["lack_of_fit"])


def _unidentified(headline: Fit | None) -> tuple[str, ...]:
    if headline is None:
        return ("no law was fitted",)
    return () if headline.identified else (f"{headline.law} is not",)


def _problems(fits: FitSet, headline: Fit | None, untested: str, reason: str) -> tuple[str, ...]:
    """Sentences on what this sweep does not tell."""
    found = [reason] if reason else []
    if headline is None and (first := next((item for item in fits.not_fitted if item.law == LAW), None)):
        found.append(_not_fitted(first))
    for convention, label in CONVENTION_LABELS.items():
        if weak := [fit.law for fit in fits if fit.convention == convention and not fit.identified]:
            found.append(f"Fitted, but not identified (N {label}): {', '.join(weak)}; the notes say why.")
    found += [text for item in fits.not_fitted if item.convention == "n" and (text := _not_fitted(item)) not in found]
    if untested and headline is not None:
        found.append(f"The back-test was {untested}")
    return tuple(found)


def _not_fitted(item: NotFitted) -> str:
    said = f"Not fitted (N {CONVENTION_LABELS.get(item.convention, item.convention)})"
    return f"{said}: {item.reason}" if item.reason.startswith(item.law) else f"{said}: {item.law}: {item.reason}"


def laws_of(fits: Sequence[Fit], convention: str = "n") -> list[Fit]:
    """The fits under one convention of N."""
    return [fit for fit in fits if fit.convention == convention]
