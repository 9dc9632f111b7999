"""The views of the Laws page: each from a selection and a `LawAsk` to what is shown."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench import fitting
from workbench.analyses import law_fits, law_map, law_sureness, one_law, scaling_fits, scaling_trust
from workbench.analyses import scaling_tables as tables
from workbench.analyses.ask import Ask
from workbench.analyses.checks import seed_noise
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.scaling_judged import LAW, Diagnosed, diagnose_law, said
from workbench.analyses.selection import Selection
from workbench.fitting import BackTest, BackTests, Fit, FitSet
from workbench.fitting.determined import UNDETERMINED
from workbench.fitting.forecasts.backtests import RESAMPLES as FEWER
from workbench.reporting import figures
from workbench.reporting.document import Block, Figure, Text
from workbench.reporting.figures.pieces import plural
from workbench.reporting.figures.uncertainty import exponents

View = Callable[[Selection, LawAsk], list[Block]]


def of_fit(draw: Callable[[Fit], list[Block]]) -> View:
    """A view of the fit alone, or the reason why there is none."""

    def view(selection: Selection, ask: LawAsk) -> list[Block]:
        fit = law_fits.fitted(selection, ask)
        return [Text(fit, note=True)] if isinstance(fit, str) else draw(fit)

    return view


def points(selection: Selection, ask: LawAsk) -> list[Block]:
    """The runs before any fit: loss against size at equal compute, or against tokens where runs share no compute."""
    rows = law_fits.points(selection)
    if rows.empty:
        return [Text(law_fits.NO_RUNS, note=True)]
    if drawn := one_law.isoflop(rows, _counted(rows, ask), None):
        return _named(drawn, "law-points")
    shown = rows[["n", "d", "c", "loss"]].assign(n=rows[_counted(rows, ask)])
    caption = f"Loss against tokens: {plural(len(shown), 'run')}, coloured by size."
    return [Figure("law-points", caption, figures.law_lines(shown, shown.iloc[:0]), shown)]


def law(selection: Selection, ask: LawAsk) -> list[Block]:
    """Formula, parameters, and the law over its points."""
    rows = law_fits.points(selection)
    return of_fit(lambda fit: [*one_law.picture(fit, rows), *one_law.numbers(fit)])(selection, ask)


def isoflop(selection: Selection, ask: LawAsk) -> list[Block]:
    """The isoFLOP curves with their minima, whatever the law chosen."""
    rows = law_fits.points(selection)
    if rows.empty:
        return [Text(law_fits.NO_RUNS, note=True)]
    fit = law_fits.fitted(selection, _isoflop(ask))
    drawn = one_law.isoflop(rows, _counted(rows, ask), None if isinstance(fit, str) else fit)
    if not drawn:
        return [Text("No isoFLOP curves: they need three sizes that took equal compute.", note=True)]
    return [*drawn, *([Text(fit, note=True)] if isinstance(fit, str) else one_law.minima_table(fit))]


def frontier(selection: Selection, ask: LawAsk) -> list[Block]:
    """N_opt and D_opt against compute."""
    fit = law_fits.fitted(selection, ask)
    if isinstance(fit, str):
        return [Text(fit, note=True)]
    other = fit if fit.law == "isoflop" else law_fits.fitted(selection, _isoflop(ask))
    minima = None if isinstance(other, str) else other.extra["minima"]
    return one_law.frontier(fit, law_fits.points(selection), law_fits.largest(selection), minima)


def cloud(selection: Selection, ask: LawAsk) -> list[Block]:
    """Resampled parameters in pairs."""
    return of_fit(lambda fit: law_sureness.cloud_of(selection, ask, fit))(selection, ask)


def backtest(selection: Selection, ask: LawAsk) -> list[Block]:
    """The largest budget held out and forecast by the law as asked, and errors by distance."""
    if isinstance(found := law_fits.fitted(selection, ask), str):
        return [Text(found, note=True)]
    if ask.law not in fitting.LAWS:
        text = f"{one_law.name_of(ask.law)} forecasts no loss of single runs, so nothing can be held against them."
        return [Text(f"{text} The parametric law has a back-test.")]
    (tested, untested), (distant, unheld) = tests(selection, ask)
    return scaling_trust.tested_blocks(tested, untested, distant, unheld, "largest compute", one_law.name_of(ask.law))


Tests = tuple[tuple[BackTest | None, str], tuple[BackTests | None, str]]


def tests(selection: Selection, ask: LawAsk) -> Tests:
    """The back-test of the largest compute, and those by distance; each with the reason where there is none."""
    rows, given = law_fits.table(selection), law_fits.settings(selection, ask)
    fewer = given | {"resamples": min(FEWER, given["resamples"])}
    return selection.once(
        ("tests", *law_fits.key(selection, ask)),
        lambda: (said(lambda: fitting.backtest(rows, **given)), said(lambda: fitting.backtests(rows, **fewer))),
    )


def conventions(selection: Selection, ask: Ask) -> list[Block]:  # noqa: ARG001, nothing is asked
    """Exponents by every approach and count of N beside the published ones, then every parameter of every fit."""
    fits = law_fits.every(selection)
    rows = tables.exponents(fits)
    ours, unknown = rows["source"] == tables.OURS, rows["identified"].isin([False])
    if not ours.any():
        reasons = " ".join(f"Not fitted: {item.law}: {item.reason}" for item in fits.not_fitted[:1])
        return [Text(reasons or law_fits.NO_RUNS, note=True)]
    shown = pd.DataFrame([_exponent(row) for row in rows[~unknown].to_dict("records")])
    used = len(law_fits.points(selection))
    caption = (
        f"The exponent of the best size by every approach and count of N, from {plural(used, 'run')}, and as "
        "published, each with its interval (the level stands in the table). On the dotted line size and data grow "
        "alike."
    )
    if unknown.any():
        caption += f" {plural(int(unknown.sum()), 'fit')} that these runs do not identify left out."
    told = rows.assign(**{key: rows[key].mask(unknown) for key in ("a", "a_interval", "b", "b_interval")})
    told = told.assign(identified=told["identified"].map({True: "yes", False: UNDETERMINED}))
    parameters = tables.parameters(fits)
    known = parameters[~parameters["identified"].isin([False])]
    return [
        Figure("exponents-by-approach", caption, exponents(shown), shown),
        scaling_fits.exponents_table(told),
        *_together(selection, fits),
        *scaling_fits.parameters_table(known, next(iter(fits)).level),
        *scaling_fits.stated_conventions(fits),
    ]


def diagnostics(selection: Selection, ask: Ask) -> list[Block]:  # noqa: ARG001
    """What a regression's diagnostics say of the parametric law."""
    fit = law_fits.fitted(selection, LawAsk())
    if isinstance(fit, str):
        return [Text(fit, note=True)]
    found, reason = _diagnosed(selection, fit)
    if found is None:
        return [Text(f"Diagnostics of the parametric law were {reason}", note=True)]
    seeds, _ = seed_noise(law_fits.sample(selection))
    return scaling_trust.diagnosed_blocks(found, not seeds.empty)


def _diagnosed(selection: Selection, fit: Fit) -> tuple[Diagnosed | None, str]:
    return selection.once("diagnosed", lambda: said(lambda: diagnose_law(fit)))


def _together(selection: Selection, fits: FitSet) -> list[Block]:
    """A note where runs miss together and an isoFLOP interval stands beside."""
    fit = fits.get(LAW)
    if fit is None or fits.get("isoflop") is None:
        return []
    text = scaling_fits.missed_together(_diagnosed(selection, fit)[0])
    return [Text(text, note=True)] if text else []


def compared(selection: Selection, ask: Ask) -> list[Block]:  # noqa: ARG001
    """Which law forecasts best."""
    rows = law_fits.table(selection)
    if rows.empty:
        return [Text(law_fits.NO_RUNS, note=True)]
    found, reason = selection.once(
        "compared", lambda: said(lambda: fitting.compare(rows, resamples=0, seed=law_fits.SEED))
    )
    if found is None:
        return [Text(f"A comparison of laws out of sample was {reason}", note=True)]
    return scaling_trust.compared_blocks(found)


def _exponent(row: Mapping[Any, Any]) -> dict[str, object]:
    low, high = row["a_interval"]
    of = "" if row["source"] == tables.OURS else f"{row['source']}, "
    label = f"{of}{row['approach']}".replace("N_opt", "N<sub>opt</sub>") + f" (N {row['convention']})"
    return {"label": label, "a": row["a"], "low": low, "high": high, "ours": row["source"] == tables.OURS}


def _isoflop(ask: LawAsk) -> LawAsk:
    return LawAsk(law="isoflop", convention=ask.convention, shape=ask.shape)


def _counted(rows: pd.DataFrame, ask: LawAsk) -> str:
    """The count of N asked for, or the only one there is."""
    return ask.convention if ask.convention in rows and np.isfinite(rows[ask.convention]).any() else "n"


def _named(blocks: list[Block], name: str) -> list[Block]:
    return [Figure(name, b.caption, b.figure, b.data) for b in blocks if isinstance(b, Figure)]


law_residuals: View = of_fit(one_law.residuals)
contour: View = of_fit(law_map.blocks)
profile: View = of_fit(law_sureness.profile)
