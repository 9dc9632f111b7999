"""One fitted law, looked at closely: its numbers, its picture, what it misses, what it says of a budget.

Where the runs do not determine a law its loose numbers are left out, and words stand in their place.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.analyses import scaling_fits
from workbench.analyses import scaling_tables as tables
from workbench.analyses.scaling import MULTIPLES
from workbench.analyses.scaling_fits import with_budgets
from workbench.analyses.scaling_methods import PROCEDURES, goal
from workbench.fitting import LAWS, Fit
from workbench.fitting.determined import UNDETERMINED
from workbench.fitting.isoflop.curves import SHAPES
from workbench.fitting.record import CONVENTION_LABELS
from workbench.reporting import figures, formats, theme
from workbench.reporting.document import Block, Bullets, Code, Column, Figure, Table, Text
from workbench.reporting.figures.pieces import plural
from workbench.reporting.figures.single import single_law

PARAMETERS = (
    Column("name", "parameter"),
    Column("value", "estimate", "number4"),
    Column("interval", "interval", "interval-number4"),
    Column("meaning", "meaning"),
)

DERIVED = {
    "a": "exponent of N_opt ∝ C^a",
    "b": "exponent of D_opt ∝ C^b",
    "k_N": "factor of N_opt = k_N C^a",
    "k_D": "factor of D_opt = k_D C^b",
    "alpha_C": "exponent of the best loss, L_opt ∝ C^−alpha_C",
}
"""Quantities that are read off a law's parameters, in words."""

OPEN = (
    "These runs do not determine this law. What they leave open has words in place of a number; below the table stands "
    "why."
)


def name_of(law: str) -> str:
    """What a law is called on figures and in choices."""
    return theme.LAW_NAMES.get(law, law)


COMMANDS = "Commands call parametric L(N, D) chinchilla; chinchilla-tied is the same with α = β."
"""For the help of a choice of laws."""


def numbers(fit: Fit) -> list[Block]:
    """Formula, parameters with intervals, how they were made, and what a reader must know."""
    law = LAWS.get(fit.law)
    formula, citation = (law.formula, law.citation) if law is not None else PROCEDURES.get(fit.law, ("", ""))
    parameters = fit.configured_law.parameters if law is not None else ()
    meanings = DERIVED | {p.name: p.meaning for p in parameters}
    rows = [
        {"name": name, **_said(fit, name, value), "meaning": meanings.get(name)}
        for name, value in {**fit.params, **fit.derived}.items()
    ]
    columns = tuple(
        replace(c, title=f"{100 * fit.level:g}% interval") if c.key == "interval" else c for c in PARAMETERS
    )
    blocks: list[Block] = [Code(formula)] if law is not None else [Text(f"{formula}.")]
    if not fit.identified:
        blocks.append(Text(OPEN, note=True))
    frame = pd.DataFrame(rows, dtype=object)
    blocks.append(Table.of("one-law", f"Parameters from {plural(fit.n_points, 'point')}", frame, columns))
    text = f"{citation}. N counts {CONVENTION_LABELS.get(fit.convention, fit.convention)} parameters. Minimised: "
    text += f"{goal(fit)}; its value is {fit.objective_value:.8g}. Intervals: {fit.interval_method}."
    blocks.append(Text(text))
    return [*blocks, Bullets(fit.notes)] if fit.notes else blocks


def _said(fit: Fit, name: str, value: float) -> dict[str, Any]:
    """A number and its interval, or the words that these runs leave it open."""
    if name in fit.undetermined:
        return {"value": UNDETERMINED, "interval": None}
    return {"value": value, "interval": list(tables.interval_of(fit, name))}


def picture(fit: Fit, points: pd.DataFrame) -> list[Block]:
    """The law over its points; the envelope has no picture of its own but the frontier."""
    if fit.law == "isoflop":
        return isoflop(points, fit.convention, fit)
    if fit.law == "envelope":
        return []
    law, points = LAWS[fit.law], fit.residuals
    if law.response == "loss" and set(law.columns) == {"n", "d"}:
        return _surface(fit, points)
    if law.response == "loss" and len(law.columns) == 1 and law.columns[0] in ("n", "d", "c"):
        return _single(fit, points, law.columns[0])
    return _observed(fit, points)


def _surface(fit: Fit, points: pd.DataFrame) -> list[Block]:
    """L(N, D) along D."""
    shown = points.assign(n=points[fit.convention])
    lines = tables.surface_lines(fit, points)
    caption = f"Loss against tokens: {plural(len(points), 'run')}, and the fitted L(N, D) along D at "
    caption += f"{plural(lines['n'].nunique(), 'size')}."
    return [Figure("one-law", caption, figures.law_lines(shown, lines), shown[["n", "d", "loss", "predicted"]])]


def _single(fit: Fit, points: pd.DataFrame, name: str) -> list[Block]:
    """A law of N, D or C alone."""
    x = fit.convention if name == "n" else name
    line = _line(fit, name, points[x])
    caption = f"The law of one variable over the {plural(len(points), 'point')} it was fitted to."
    return [Figure("one-law", caption, single_law(points, line.rename(columns={name: x}), x), points[[x, "loss"]])]


def _observed(fit: Fit, points: pd.DataFrame) -> list[Block]:
    """A law of other columns, or of another response: observed against predicted."""
    law = LAWS[fit.law]
    drawn = points.assign(observed=points[law.response])
    names = [fit.convention if name == "n" else name for name in law.columns]
    caption = (
        f"Observed against predicted {law.response} of {plural(len(points), 'point')}; {fit.law} reads "
        f"{', '.join(names)}. On the dashed line the law is right."
    )
    figure = figures.observed_predicted(drawn, law.response, law.log_response)
    return [Figure("one-law", caption, figure, drawn[[*names, "observed", "predicted"]])]


def _line(fit: Fit, name: str, values: pd.Series, count: int = 61) -> pd.DataFrame:
    """The law over the range of its points, with its interval where it has draws."""
    x = np.geomspace(float(values.min()), float(values.max()), count)
    at: dict[str, Any] = {name: x}
    line = pd.DataFrame({name: x, "loss": fit.predict(**at)})
    if fit.resamples:
        line["low"], line["high"] = fit.predict_interval(**at)
    return line


def residuals(fit: Fit) -> list[Block]:
    """Observed over predicted loss; the envelope predicts no losses."""
    if fit.law == "envelope" or fit.residuals.empty:
        return [Text(f"{name_of(fit.law)} predicts no loss of a run, so there is nothing that it misses.")]
    law = LAWS.get(fit.law)
    response, logarithmic = ("loss", True) if law is None else (law.response, law.log_response)
    points = fit.residuals.assign(n=fit.residuals[fit.convention if fit.convention in fit.residuals else "n"])
    spread = float(np.sqrt(np.mean(points["residual"] ** 2)))
    between, size = ("over", formats.percent(spread)) if logarithmic else ("minus", formats.number(spread))
    caption = (
        f"Observed {between} predicted {response} of {plural(len(points), 'point')}, root mean square "
        f"{size}. A trend in any panel means that the law's form does not fit."
    )
    shown = points[[name for name in ("n", "d", "c", response, "predicted", "residual") if name in points]]
    return [Figure("one-law-residuals", caption, figures.residuals(shown, logarithmic), shown)]


def isoflop(points: pd.DataFrame, convention: str, fit: Fit | None) -> list[Block]:
    """The isoFLOP curves under a count of N; points alone where approach 2 was not fitted."""
    points = with_budgets(points)
    if points.empty or convention not in points:
        return []
    minima, lines = (None, None) if fit is None else (fit.extra["minima"], fit.extra["curves"])
    shown = points.assign(n=points[convention])
    caption = f"Loss against size at equal compute: {plural(len(points), 'run')} in "
    caption += plural(points["budget"].nunique(), "budget")
    if fit is not None and minima is not None:
        caption += f"; curves are {SHAPES[fit.diagnostics['shape']].words}, stars their minima"
        if not minima["bracketed"].all():
            caption += ", hollow where the runs do not bracket them, so that they are left out of the law"
    data = shown[["budget", "n", "d", "c", "loss"]].sort_values(["budget", "n"], ignore_index=True)
    return [Figure("one-isoflop", caption + ".", figures.isoflop(shown, minima, lines), data)]


def minima_table(fit: Fit) -> list[Block]:
    """The minimum of each budget."""
    return [scaling_fits.minima_table(fit)]


def frontier(fit: Fit, points: pd.DataFrame, largest: float, minima: pd.DataFrame | None) -> list[Block]:
    """N_opt and D_opt against compute by this fit, to 100 times the largest budget, where the runs determine them."""
    lines = tables.allocations([fit], tables.grid(float(points["c"].min()), largest, largest * MULTIPLES[-1]))
    if lines.empty:
        return [Text(f"{name_of(fit.law)} does not say how compute divides between N and D: it has no frontier.")]
    drawn = lines[lines["determined"].astype(bool)].reset_index(drop=True)
    if drawn.empty:
        return [Text(f"No frontier is drawn: these runs do not determine {name_of(fit.law)}.", note=True)]
    caption = (
        f"Compute-optimal size and data by {name_of(fit.law)}, {plural(fit.n_points, 'point')}; "
        f"the band is the {100 * fit.level:g}% interval. Right of the dashed line everything is extrapolated."
    )
    if len(drawn) < len(lines):
        caption += " Nothing is drawn where the interval of the best size spans more than two decades."
    return [Figure("one-frontier", caption, figures.optimum(drawn, minima, largest), drawn)]
