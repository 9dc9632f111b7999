"""What a scaling study says in words, the same in the terminal, the report and the app."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.analyses import scaling_tables as tables
from workbench.analyses.backtest_words import elsewhere
from workbench.analyses.samples import sweeps_of
from workbench.analyses.scaling import ScalingStudy
from workbench.fitting import BackTest, Comparison, Fit
from workbench.fitting.determined import UNDETERMINED as NOT_DETERMINED
from workbench.fitting.determined import VAGUE, narrow
from workbench.reporting import formats
from workbench.reporting.figures.pieces import plural

UNDETERMINED = "These runs do not determine the law; the numbers are only what its fit gives"


def summary_lines(study: ScalingStudy) -> list[str]:
    """The study in a few lines for a terminal: exponents, forecasts, back-test, what fails."""
    fit = study.headline
    first = [said] if (said := chosen(study)) else []
    if fit is None:
        return [*first, f"No law says how compute divides. {' '.join(study.problems[:1])}".rstrip()]
    lines = [
        *first,
        *([] if fit.identified else [f"{UNDETERMINED}:"]),
        f"Compute-optimal size grows as N_opt ∝ C^a with a = {with_interval(fit, 'a')}, data as D_opt ∝ C^b with "
        f"b = {with_interval(fit, 'b')}.",
        *(_forecast_line(row, study.largest_name) for row in headline_forecasts(study).to_dict("records")),
    ]
    if study.backtest is None:
        lines.append(f"Back-test: {study.backtest_reason}")
    else:
        lines.append(f"Back-test ({held_out(study)}): {backtest_text(study.backtest)}.")
    failed = [fact for fact in study.checks.facts if not fact.met] if study.checks else []
    lines += [said for said in (rival(study),) if said]
    return lines + [f"Weak: {fact.name}: {fact.found} (asked: {fact.asked})." for fact in failed]


def chosen(study: ScalingStudy) -> str:
    """Which of the store's runs are studied, where they cannot all share a law; else nothing."""
    if not study.others or study.runs is None:
        return ""
    mine = " and ".join(f"'{name}'" for name in sweeps_of(study.runs)) or "the runs"
    others = "; ".join(f'{one.name} ({len(one.runs)} runs, --where "{one.where}")' for one in study.others)
    return (
        f"These are the laws of {mine}, which took the most compute. The store also holds runs of another corpus, "
        f"tokenizer or context, whose losses cannot share a law: {others}."
    )


def with_interval(fit: Fit, name: str) -> str:
    """'0.512 (95% interval 0.490 to 0.530)'."""
    if name in fit.undetermined:
        return NOT_DETERMINED
    low, high = tables.interval_of(fit, name)
    value = {**fit.params, **fit.derived}.get(name, float("nan"))
    if not (np.isfinite(low) and np.isfinite(high)):
        return f"{formats.number(value)} (no interval)"
    return f"{formats.number(value)} ({100 * fit.level:g}% interval {formats.number(low)} to {formats.number(high)})"


def headline_forecasts(study: ScalingStudy) -> pd.DataFrame:
    """The rows of `forecasts` that belong to the headline's law and convention."""
    if study.headline is None:
        return study.forecasts.iloc[:0]
    frame = study.forecasts
    same = (frame["law"] == study.headline.law) & (frame["convention"] == study.headline.convention)
    return frame[same].reset_index(drop=True)


def held_out(study: ScalingStudy) -> str:
    """Which law was tested, and on what."""
    return f"the parametric law, fitted without the {study.largest_name} and held against it"


def backtest_text(tested: BackTest) -> str:
    """The errors of the back-test, as printed everywhere."""
    errors = tested.points["relative_error"].abs()
    return (
        f"the best loss there is forecast as {tested.predicted:.3f} and was {tested.observed:.3f} "
        f"({formats.signed_percent(tested.relative_error)}); over its {plural(len(errors), 'run')} the error is "
        f"{formats.percent(float(errors.mean()))} on average and {formats.percent(float(errors.max()))} at most"
    )


def settled(row: Mapping[Any, Any], key: str) -> bool:
    """Whether these runs say anything of a forecast: of a size where the law is determined, of a loss where its own
    interval and that of one run are no wider than a factor of two."""
    if key in ("n", "d"):
        return bool(row["determined"])
    ends = ((float(row["run_low"]), float(row["run_high"])), (float(row["loss_low"]), float(row["loss_high"])))
    return bool(np.isfinite(row["loss"])) and (bool(row["determined"]) or all(narrow(one, VAGUE) for one in ends))


def sized(row: Mapping[Any, Any]) -> bool:
    """Whether the runs say anything of the best size and tokens: no interval of theirs spans more than two decades."""
    return all(narrow((float(row[f"{key}_low"]), float(row[f"{key}_high"]))) for key in ("n", "d"))


def forecast_text(row: Mapping[Any, Any], key: str, style: str) -> str:
    """'412k (380k to 450k)': a forecast with its interval, or the word for what the runs leave open."""
    low, high = float(row[f"{key}_low"]), float(row[f"{key}_high"])
    if not (settled(row, key) if key == "loss" else sized(row)):
        return NOT_DETERMINED
    value = formats.show(float(row[key]), style)
    if not row["determined"] and key in ("n", "d"):
        return f"{value} ({NOT_DETERMINED})"
    if not (np.isfinite(low) and np.isfinite(high)):
        return value
    return f"{value} ({formats.show(low, style)} to {formats.show(high, style)})"


def _forecast_line(row: Mapping[Any, Any], largest_name: str) -> str:
    sizes = f"N_opt and D_opt {NOT_DETERMINED}"
    if sized(row):
        n, d = (forecast_text(row, key, "count") for key in ("n", "d"))
        sizes = f"N_opt = {n} parameters, D_opt = {d} tokens"
    loss = forecast_text(row, "loss", "loss") if np.isfinite(row["loss"]) else ""
    said = f", loss {loss}" + ("" if loss == NOT_DETERMINED else " nats per token") if loss else ""
    return f"At {row['multiple']:g}× the {largest_name} (C = {formats.power(row['flops'])} FLOPs): {sizes}{said}."


CLEARLY = 2 / 3
"""Errors must be this much smaller before another law is named: laws that are alike change places by chance."""


def rival(study: ScalingStudy) -> str:
    """A law that forecasts better than the one that answers, by both judges; and what other determined laws say."""
    return " ".join(text for text in (_better(study), _elsewhere(study)) if text)


def _better(study: ScalingStudy) -> str:
    """A law that misses by clearly less where the runs left determined both, and whose log score is no worse."""
    fit, found = study.headline, study.judged.comparison
    if fit is None or found is None:
        return ""
    frame = found.frame().set_index("law")
    if fit.law not in frame.index:
        return ""
    errors = {
        law: both
        for law in frame.index
        if law != fit.law and frame.loc[law, "log_score"] >= frame.loc[fit.law, "log_score"]
        if (both := found.determined(str(law), fit.law))[0] and both[1] <= CLEARLY * both[2]
    }
    if not errors:
        return ""
    law, (factors, theirs, own) = min(errors.items(), key=lambda item: item[1][1])
    above = ", ".join(f"1/{factor:g}" for factor in factors)
    better = "forecasts better"
    if not told_apart(found, str(law), fit.law):
        better = "forecast better, though runs left out a part at a time do not tell the two apart"
    return (
        f"Another law {better}: held out above {above} of the largest compute, where what was left determined "
        f"both, {law} misses by {formats.percent(theirs)} in the root mean square, {fit.law} by "
        f"{formats.percent(own)}."
    )


def _elsewhere(study: ScalingStudy) -> str:
    """What other laws that these runs determine forecast outside the interval of the one that answers."""
    fit = study.headline
    if fit is None:
        return ""
    theirs = {
        one.law: _losses(study, one.law, one.convention)
        for one in study.fits
        if one.identified and one.law != fit.law and one.convention == fit.convention
    }
    return elsewhere(fit.level, headline_forecasts(study).to_dict("records"), theirs)


def told_apart(found: Comparison, better: str, other: str) -> bool:
    """Whether the log score puts one law before another by more than two standard errors of their difference."""
    score = {one.law: one.scores.score_G for one in found.candidates}
    gain_G = score[better] - score[other]
    return bool(gain_G.sum() > 2 * np.sqrt(len(gain_G)) * gain_G.std(ddof=1))


def _losses(study: ScalingStudy, law: str, convention: str) -> dict[float, float]:
    """Multiple of the largest budget → the loss that another law forecasts there."""
    frame = study.forecasts
    mine = frame[(frame["law"] == law) & (frame["convention"] == convention)]
    return dict(zip(mine["multiple"].tolist(), mine["loss"].tolist(), strict=True))
