"""One fit of a scaling study, looked at closely: its numbers, its picture, what it misses, what it says of a budget."""

from dataclasses import replace

import numpy as np
import pandas as pd

from workbench.analyses import scaling_tables as tables
from workbench.analyses.scaling import MULTIPLES, ScalingStudy
from workbench.analyses.scaling_fits import OBJECTIVES, PROCEDURES, with_budgets
from workbench.fitting import LAWS, Fit
from workbench.fitting.isoflop_curves import SHAPES
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


def chosen(study: ScalingStudy, law: str, convention: str) -> Fit | str:
    """The fit, or the reason why there is none."""
    fit = study.fits.get(law, convention)
    if fit is not None:
        return fit
    for item in study.fits.not_fitted:
        if (item.law, item.convention) == (law, convention):
            return f"Not fitted: {item.reason}"
    return " ".join(study.problems) or f"{law} was not fitted under this count of N."


def numbers(fit: Fit) -> list[Block]:
    """Formula, parameters with intervals, how they were made, and what a reader must know."""
    law = LAWS.get(fit.law)
    formula, citation = (law.formula, law.citation) if law is not None else PROCEDURES.get(fit.law, ("", ""))
    meanings = DERIVED | ({p.name: p.meaning for p in law.parameters} if law is not None else {})
    rows = [
        {"name": name, "value": value, "interval": list(tables.interval_of(fit, name)), "meaning": meanings.get(name)}
        for name, value in {**fit.params, **fit.derived}.items()
    ]
    columns = tuple(
        replace(c, title=f"{100 * fit.level:g}% interval") if c.key == "interval" else c for c in PARAMETERS
    )
    goal = OBJECTIVES.get(fit.objective, fit.objective)
    goal = goal.format(delta=fit.delta) if fit.delta is not None else goal
    blocks: list[Block] = [Code(formula)] if law is not None else [Text(f"{formula}.")]
    if not fit.identified:
        blocks.append(Text("These runs do not determine this law: see the notes before using its numbers.", note=True))
    blocks.append(Table.of("one-law", f"Parameters from {plural(fit.n_points, 'point')}", pd.DataFrame(rows), columns))
    blocks.append(
        Text(
            f"{citation}. N counts {CONVENTION_LABELS.get(fit.convention, fit.convention)} parameters. Minimised: "
            f"{goal}; its value is {fit.objective_value:.8g}. Intervals: {fit.interval_method}."
        )
    )
    return [*blocks, Bullets(fit.notes)] if fit.notes else blocks


def picture(study: ScalingStudy, fit: Fit) -> list[Block]:
    """The law over its points."""
    if fit.law == "isoflop":
        return isoflop(study, fit)
    if fit.law == "envelope":
        return []
    points = fit.residuals
    law = LAWS[fit.law]
    if len(law.columns) == 2:
        shown = points.assign(n=points[fit.convention])
        lines = tables.surface_lines(fit, points)
        caption = f"Loss against tokens: {plural(len(points), 'run')}, and the fitted L(N, D) along D at "
        caption += f"{plural(lines['n'].nunique(), 'size')}."
        return [Figure("one-law", caption, figures.law_lines(shown, lines), shown[["n", "d", "loss", "predicted"]])]
    name = law.columns[0]
    x = fit.convention if name == "n" else name
    line = _line(fit, name, points[x])
    caption = f"The law of one variable over the {plural(len(points), 'point')} it was fitted to."
    return [Figure("one-law", caption, single_law(points, line.rename(columns={name: x}), x), points[[x, "loss"]])]


def _line(fit: Fit, name: str, values: pd.Series, count: int = 61) -> pd.DataFrame:
    """The law over the range of its points, with its interval where it has draws."""
    x = np.geomspace(float(values.min()), float(values.max()), count)
    line = pd.DataFrame({name: x, "loss": fit.predict(**{name: x})})
    if fit.resamples:
        line["low"], line["high"] = fit.predict_interval(**{name: x})
    return line


def residuals(fit: Fit) -> list[Block]:
    """Observed over predicted loss; the envelope predicts no losses."""
    if fit.law == "envelope" or fit.residuals.empty:
        return []
    points = fit.residuals.assign(n=fit.residuals[fit.convention if fit.convention in fit.residuals else "n"])
    spread = float(np.sqrt(np.mean(points["residual"] ** 2)))
    caption = (
        f"Observed over predicted loss of {plural(len(points), 'point')}, root mean square "
        f"{formats.percent(spread)}. A trend in any panel means that the law's form does not fit."
    )
    shown = points[[name for name in ("n", "d", "c", "loss", "predicted", "residual") if name in points]]
    return [Figure("one-law-residuals", caption, figures.residuals(points), shown)]


def isoflop(study: ScalingStudy, fit: Fit | None) -> list[Block]:
    """The isoFLOP curves under the fit's count of N; points alone where approach 2 could not be fitted."""
    convention = "n" if fit is None else fit.convention
    points = with_budgets(study.table)
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


def frontier(study: ScalingStudy, fit: Fit) -> list[Block]:
    """N_opt and D_opt against compute by this fit, to 100 times the largest budget."""
    largest, table = study.largest, study.table
    if not np.isfinite(largest):
        return []
    lines = tables.allocations([fit], tables.grid(float(table["c"].min()), largest, largest * MULTIPLES[-1]))
    if lines.empty:
        return []
    minimum = study.fits.get("isoflop", fit.convention)
    minima = None if minimum is None else minimum.extra["minima"]
    caption = (
        f"Compute-optimal size and data by {theme.LAW_NAMES.get(fit.law, fit.law)}, {plural(fit.n_points, 'point')}; "
        f"the band is the {100 * fit.level:g}% interval. Right of the dashed line everything is extrapolated."
    )
    return [Figure("one-frontier", caption, figures.optimum(lines, minima, largest), lines)]
