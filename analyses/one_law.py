"""One fit of a scaling study, looked at closely: its numbers, its picture, what it misses, what it says of a budget."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from workbench import fitting
from workbench.analyses import scaling_tables as tables
from workbench.analyses.scaling import MULTIPLES, ScalingStudy
from workbench.analyses.scaling_fits import with_budgets
from workbench.analyses.scaling_methods import PROCEDURES, goal
from workbench.errors import BadInput
from workbench.fitting import LAW_NAMES, LAWS, Fit
from workbench.fitting.isoflop.curves import SHAPES
from workbench.fitting.isoflop.estimator import DEFAULT_SHAPE
from workbench.fitting.laws import Law
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


MOST, FEWER = 5, 100
"""A law of more parameters than that has no grid to start from and many basins: its resamples are fewer."""


@dataclass(frozen=True)
class Ask:
    """Which fit is wanted."""

    law: str = "chinchilla"
    convention: str = "n"
    objective: str = "huber"
    delta: float = 1e-3
    intervals: str = "auto"
    """A key of `uncertainty.METHODS`, or auto: by the design."""
    shape: str = DEFAULT_SHAPE
    """Of the curves of isoflop."""


def choices(study: ScalingStudy, convention: str = "n") -> tuple[str, ...]:
    """The laws that the study's columns can feed: those fitted side by side, then every other."""
    table = study.table
    others = (name for name, law in LAWS.items() if name not in LAW_NAMES and _feeds(table, law, convention))
    return (*LAW_NAMES, *others)


def _feeds(table: pd.DataFrame, law: Law, convention: str) -> bool:
    """Whether the table has the law's columns, and they vary: what is the same in all runs tells nothing of it."""
    names = [convention if name == "n" else name for name in (*law.columns, law.response)]
    if any(name not in table or table[name].nunique() < 2 for name in names):
        return False
    return "u" not in law.columns or bool((table["u"] < table["d"]).any())


def asked(study: ScalingStudy, ask: Ask) -> Fit | str:
    """The fit asked for, or the reason why there is none; the study's own where it is the same."""
    own = study.settings
    same = ask.objective == own["objective"] and (ask.objective != "huber" or ask.delta == own["delta"])
    plain = same and ask.intervals == "auto" and ask.law in LAWS
    procedure = ask.law == "envelope" or (ask.law == "isoflop" and ask.shape == DEFAULT_SHAPE)
    if ask.law in LAW_NAMES and (plain or procedure):
        return chosen(study, ask.law, ask.convention)
    shape = ask.shape if ask.law == "isoflop" else None
    many = int(own["resamples"])
    if ask.law in LAWS and len(LAWS[ask.law].theta_names) > MOST:
        many = min(many, FEWER)
    try:
        return fitting.fit(
            study.table, ask.law, ask.objective, ask.delta, ask.convention, many, int(own["seed"]),
            float(own["level"]), intervals=ask.intervals, shape=shape,
        )  # fmt: skip
    except BadInput as error:
        return f"Not fitted: {error}"


def chosen(study: ScalingStudy, law: str, convention: str) -> Fit | str:
    """The study's own fit, or the reason why there is none."""
    found = study.fits.get(law, convention)
    if found is not None:
        return found
    for item in study.fits.not_fitted:
        if (item.law, item.convention) == (law, convention):
            return f"Not fitted: {item.reason}"
    return " ".join(study.problems) or f"{law} was not fitted under this count of N."


def numbers(fit: Fit) -> list[Block]:
    """Formula, parameters with intervals, how they were made, and what a reader must know."""
    law = LAWS.get(fit.law)
    formula, citation = (law.formula, law.citation) if law is not None else PROCEDURES.get(fit.law, ("", ""))
    parameters = fit.configured_law.parameters if law is not None else ()
    meanings = DERIVED | {p.name: p.meaning for p in parameters}
    rows = [
        {"name": name, "value": value, "interval": list(tables.interval_of(fit, name)), "meaning": meanings.get(name)}
        for name, value in {**fit.params, **fit.derived}.items()
    ]
    columns = tuple(
        replace(c, title=f"{100 * fit.level:g}% interval") if c.key == "interval" else c for c in PARAMETERS
    )
    blocks: list[Block] = [Code(formula)] if law is not None else [Text(f"{formula}.")]
    if not fit.identified:
        blocks.append(Text("These runs do not determine this law: see the notes before using its numbers.", note=True))
    blocks.append(Table.of("one-law", f"Parameters from {plural(fit.n_points, 'point')}", pd.DataFrame(rows), columns))
    text = f"{citation}. N counts {CONVENTION_LABELS.get(fit.convention, fit.convention)} parameters. Minimised: "
    text += f"{goal(fit)}; its value is {fit.objective_value:.8g}. Intervals: {fit.interval_method}."
    blocks.append(Text(text))
    return [*blocks, Bullets(fit.notes)] if fit.notes else blocks


def picture(study: ScalingStudy, fit: Fit) -> list[Block]:
    """The law over its points."""
    if fit.law == "isoflop":
        return isoflop(study, fit)
    if fit.law == "envelope":
        return []
    points = fit.residuals
    law = LAWS[fit.law]
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
        return []
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
    minimum = fit if fit.law == "isoflop" else study.fits.get("isoflop", fit.convention)
    minima = None if minimum is None else minimum.extra["minima"]
    caption = (
        f"Compute-optimal size and data by {theme.LAW_NAMES.get(fit.law, fit.law)}, {plural(fit.n_points, 'point')}; "
        f"the band is the {100 * fit.level:g}% interval. Right of the dashed line everything is extrapolated."
    )
    return [Figure("one-frontier", caption, figures.optimum(lines, minima, largest), lines)]
