"""How sure a fit is of its parameters: the profile of each, and the cloud of resampled ones."""

import numpy as np
import pandas as pd

from workbench.analyses import law_fits
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.one_law import name_of
from workbench.analyses.selection import Selection
from workbench.errors import BadInput
from workbench.fitting import LAWS, Fit
from workbench.fitting.uncertainty.methods import RESAMPLING
from workbench.fitting.uncertainty.traced import Traced, trace
from workbench.reporting import formats
from workbench.reporting.document import Block, Column, Figure, Table, Text
from workbench.reporting.figures.pieces import plural
from workbench.reporting.figures.uncertainty import cloud, profiles

RESAMPLES = tuple(RESAMPLING)
"""Methods whose draws are a sample, so that a cloud of them means something."""

INSTEAD = "residuals"
"""What is resampled where the intervals come from no sample."""

DRAWN = 400
"""Draws of the cloud, however many were made: every pair of parameters shows them again."""

MOST = 6
"""Parameters of the cloud: more pairs than these give could not be read."""


def profile(fit: Fit) -> list[Block]:
    """The profile of each parameter of a law of single runs."""
    if fit.law not in LAWS:
        return [_none(fit, "profile")]
    try:
        traced = trace(fit)
    except BadInput as error:
        return [Text(f"No profile is drawn: {error}", note=True)]
    level = f"{100 * traced.level:g}%"
    caption = (
        f"Profile of each parameter of {name_of(fit.law)}, {plural(fit.n_points, 'run')}: how much worse the best fit "
        "becomes when one number is held at another value and the rest is fitted anew. The statistic is an F of one "
        "degree of freedom: the rise of the objective over its noise. Values above the dashed line "
        f"are rejected at {level}; a curve that stays below it on one side is a number these runs leave open there. "
        "Positive parameters are followed over three decades on either side."
    )
    if resting := [name for name in fit.params if name not in set(traced.curves["name"])]:
        caption += f" Not drawn, resting at the edge of the range that the law allows: {', '.join(resting)}."
    drawn = Figure("profile", caption, profiles(traced.curves, traced.limit, traced.level), traced.curves)
    return [drawn, _ends(fit, traced)] if fit.identified else [drawn]


def _ends(fit: Fit, traced: Traced) -> Table:
    """Where each curve crosses the line, beside the fit's own interval."""
    rows = []
    for name in dict.fromkeys(traced.curves["name"]):
        low, high = traced.ends(name)
        rows.append({"name": name, "low": _end(low), "high": _end(high), "own": list(fit.interval(name))})
    columns = [Column("name", "parameter"), Column("low", "from", "number4"), Column("high", "to", "number4")]
    frame = pd.DataFrame(rows, dtype=object)
    if np.isfinite([end for row in rows for end in row["own"]]).any():
        columns.append(Column("own", f"the fit's own interval ({fit.interval_method})", "interval-number4"))
    return Table.of("profile-ends", f"Where the profiles meet the line of {100 * traced.level:g}%", frame, columns)


def _end(value: float) -> float | str:
    return value if np.isfinite(value) else "open"


def cloud_of(selection: Selection, ask: LawAsk, fit: Fit) -> list[Block]:
    """Every pair of resampled parameters; where the intervals come from no sample, residuals are resampled for it."""
    sampled, said = fit, f"Resampled as for the intervals: {fit.interval_method}."
    if not _is_sample(fit):
        other = law_fits.fitted(selection, LawAsk(**{**ask.model_dump(), "intervals": INSTEAD}))
        if fit.law not in LAWS or isinstance(other, str) or not other.resamples:
            return [_none(fit, "cloud")]
        sampled = other
        said = f"The intervals of the fit are by another method ({_short(fit)}); this cloud is by the "
        said += f"{_short(other)}."
    draws = pd.DataFrame(sampled.draws())
    draws = draws[list(draws.columns[np.ptp(draws, axis=0) > 0])[:MOST]]
    draws = draws.loc[np.isfinite(draws.to_numpy()).all(axis=1)]
    if draws.shape[1] < 2:
        return [Text("No cloud is drawn: fewer than two parameters vary between the resamples.", note=True)]
    shown = draws.iloc[np.unique(np.linspace(0, len(draws) - 1, min(DRAWN, len(draws))).astype(int))]
    many = plural(len(shown), "resample") if len(shown) == len(draws) else f"{len(shown)} of {len(draws):,} resamples"
    caption = (
        f"Parameters of {name_of(fit.law)} refitted to resampled data, in pairs: {many} of "
        f"{plural(fit.n_points, 'run')}. {said} A cloud along a line: the two move together, and the runs fix them "
        "less well than their combination. The axes leave out the outermost "
        "half percent at either end."
    )
    kept = draws.columns.tolist()
    note = _rank(draws)
    return [Figure("cloud", caption, cloud(shown, pd.Series(sampled.params)[kept]), draws), *note]


def _is_sample(fit: Fit) -> bool:
    return bool(fit.resamples) and "bootstrap" in fit.interval_method


def _short(fit: Fit) -> str:
    """The method of the intervals, without what was met on the way."""
    return fit.interval_method.partition(";")[0]


def _rank(draws: pd.DataFrame) -> list[Block]:
    """The pair that moves together most."""
    ranks = draws.corr(method="spearman").to_numpy(copy=True)
    np.fill_diagonal(ranks, 0.0)
    if not np.isfinite(ranks).all():
        return []
    row, column = np.unravel_index(np.abs(ranks).argmax(), ranks.shape)
    one, two = sorted((draws.columns[row], draws.columns[column]))
    said = (
        f"The most correlated pair is {one} and {two} (rank correlation {formats.number(float(ranks[row, column]))})."
    )
    return [Text(said)]


def _none(fit: Fit, what: str) -> Text:
    return Text(f"{name_of(fit.law)} has no {what}: it is a procedure, or its draws are no sample of its parameters.")
