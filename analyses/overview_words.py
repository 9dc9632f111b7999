"""A sweep at a glance in plain sentences: the answer, or why these runs give none, and what is weak about it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.analyses import checks as checking
from workbench.analyses import law_fits, law_views, one_law
from workbench.analyses.backtest_words import missed_by_distance
from workbench.analyses.checks import Fact
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.other_laws import said_otherwise
from workbench.analyses.overview import answers, forecasts
from workbench.analyses.samples import samples, sweeps_of
from workbench.analyses.scaling import MULTIPLES
from workbench.analyses.scaling_judged import LAW, diagnose_law, said
from workbench.analyses.scaling_words import forecast_text, sized, with_interval
from workbench.analyses.selection import Selection
from workbench.fitting import BackTest, Fit, backtest
from workbench.fitting.determined import UNDETERMINED
from workbench.reporting import formats
from workbench.reporting.document import Block, Bullets, Column, Table, Text
from workbench.reporting.figures.pieces import plural

REASONS = 4
"""Reasons why a law is not determined that are given here; the Laws page has every one."""

OPEN = ("determined", "leaves open", "The data leave", "exponents need", "an exponent needs", "collinear", "decades")
"""What a note says that tells why a law is not determined."""

WHY = {
    "runs": "from few runs every interval is wide",
    "range": "a law seen over a short range of compute is little guide beyond it",
    "minima": "where the best size lies outside the sizes tried, its place is a guess",
    "margin over the unigram": "models that hardly beat word counts follow other laws",
    "seeds": "without repeated runs nobody knows how far two equal runs differ",
    "learning rate": "a rate that is wrong at some sizes bends the law",
    "fresh tokens": "laws for fresh data do not hold where data are repeated",
    "back-test": "a law that cannot forecast runs it has not seen will not forecast larger ones",
    "identified": "exponents that these runs leave open say nothing",
    "form": "the law's form misses by more than chance",
    "trend": "misses that follow N, D or C grow further out",
    "curvature": "a law that bends away from its runs is off beyond them",
    "errors shared within a size": "the runs then count for fewer than they are",
    "influence": "one run decides the answer",
}
"""Check of a sweep → why it matters."""

WEAK_COLUMNS = (
    Column("check", "check"),
    Column("wanted", "wanted"),
    Column("found", "found"),
    Column("why", "why it matters"),
)

SETTLE = (
    "The page Next proposes runs that would settle more of this; so does `workbench next STORE --flops BUDGET`, which "
    "writes them as a sweep to train."
)


def others(selection: Selection) -> str:
    """Which of the runs are meant, where they cannot all share a law; else nothing."""
    found = samples(selection.runs)
    if len(found) < 2:
        return ""
    mine = " and ".join(f"`{name}`" for name in sweeps_of(found[0].runs)) or "the runs that took the most compute"
    rest = sum(len(other.runs) for other in found[1:])
    return (
        f"The law below is that of {mine}. {plural(rest, 'other run')} of another corpus, tokenizer or context cannot "
        "share it; choose their sweep in the sidebar."
    )


def answer(selection: Selection) -> list[Block]:
    """How a budget is best spent, by these runs; or that they do not tell, and why."""
    fit, reasons = answers(selection)
    if fit is None:
        text = "How to divide compute between the size of a model and its data is not determined by these runs."
        return [
            Text(text, note=True),
            *([Bullets(tuple(_plainly(one) for one in reasons[:REASONS]))] if reasons else []),
            Text(SETTLE),
        ]
    if not fit.identified:
        return _open(fit)
    rows = forecasts(selection, fit).to_dict("records")
    return [Text(_exponents(fit)), Bullets(tuple(_forecast(row) for row in rows))]


def _open(fit: Fit) -> list[Block]:
    """A fit that the runs do not determine: its numbers are no answer and are not shown."""
    why = [_plainly(note) for note in fit.notes if any(words in note for words in OPEN)]
    text = (
        "How to divide compute between the size of a model and its data is not determined by these runs: a law "
        f"({one_law.name_of(fit.law)}) was fitted to {plural(fit.n_points, 'run')}, and parameters that say very "
        "different things fit them as well. Its numbers are no answer, so none is shown here."
    )
    more = f"{len(why) - REASONS} more reasons stand in the notes of the Laws page."
    items = (*why[:REASONS], *([more] if len(why) > REASONS else []))
    return [Text(text, note=True), *([Bullets(items)] if items else []), Text(SETTLE)]


def _plainly(text: str) -> str:
    """The law by what it is, not by its name in code."""
    return text.replace(LAW, "the parametric law")


def _exponents(fit: Fit) -> str:
    return (
        f"With more compute C, both the model and its data should grow: the best number of parameters as C^a with a = "
        f"{with_interval(fit, 'a')}, the best number of training tokens as C^b with b = {with_interval(fit, 'b')}. "
        f"The law behind these numbers is {one_law.name_of(fit.law)}, fitted to {plural(fit.n_points, 'run')}."
    )


def _forecast(row: Mapping[Any, Any]) -> str:
    """What to do with a larger budget."""
    text = f"With {row['multiple']:g}× the largest budget ({formats.power(row['flops'])} FLOPs): "
    if not sized(row) or not row["determined"]:
        return f"{text}the best size is {UNDETERMINED}."
    n, d = (forecast_text(row, key, "count") for key in ("n", "d"))
    text += f"a model of {n} parameters, trained on {d} tokens"
    if not np.isfinite(row["loss"]):
        return f"{text}."
    loss = forecast_text(row, "loss", "loss")
    return f"{text}; its loss is {UNDETERMINED}." if loss == UNDETERMINED else f"{text}, to a loss of {loss}."


def weak(selection: Selection) -> list[Block]:
    """What is weak about the answer, in words, each with why it matters; and the back-test."""
    facts, tested = judged(selection)
    failed = [fact for fact in facts if not fact.met]
    fit, _ = answers(selection)
    blocks: list[Block] = [Text(tested)]
    if fit is not None and fit.identified:
        rows = forecasts(selection, fit).to_dict("records")
        blocks += [Text(text) for text in (_far(selection), said_otherwise(selection, fit, rows)) if text]
    if not failed:
        return [*blocks, Text(f"The sweep passes all {len(facts)} checks of a sound sweep.")]
    passed = len(facts) - len(failed)
    blocks.append(Text(f"The sweep passes {passed} of {len(facts)} checks of a sound sweep."))
    rows = [{"check": f.name, "wanted": f.asked, "found": f.found, "why": WHY.get(f.name, "")} for f in failed]
    blocks.append(Table.of("weak", "What is weak", pd.DataFrame(rows), WEAK_COLUMNS))
    return [*blocks, Text(SETTLE)] if fit is not None and fit.identified else blocks


def _far(selection: Selection) -> str:
    """The errors by distance, beside forecasts that reach further than any."""
    _, (distant, _) = law_views.tests(selection, LawAsk(law=LAW))
    if distant is None:
        return ""
    said = f"With more of the largest runs held out, {missed_by_distance(distant)}."
    return said if distant.furthest >= max(MULTIPLES) else f"{said} Forecasts at {max(MULTIPLES):g}× reach further yet."


def judged(selection: Selection) -> tuple[tuple[Fact, ...], str]:
    """The checks of the sweep as the report has them, and what the back-test found."""
    return selection.once("judged", lambda: _judged(selection))


def _judged(selection: Selection) -> tuple[tuple[Fact, ...], str]:
    fit, _ = answers(selection)
    runs = law_fits.sample(selection)
    parametric = law_fits.fitted(selection, LawAsk(law=LAW))
    tested, untested = None, "not possible, since no law was fitted."
    if fit is not None:
        rows, settings = law_fits.table(selection), law_fits.settings(selection, LawAsk(law=LAW))
        tested, untested = said(lambda: backtest(rows, **settings))
    error = None if tested is None else float(tested.points["relative_error"].abs().max())
    misfit, diagnosed = None, None
    if not isinstance(parametric, str):
        missed = float(np.sqrt(np.mean(parametric.residuals["residual"] ** 2)))
        misfit = missed, bool(parametric.diagnostics["lack_of_fit"])
        diagnosed, _ = said(lambda: diagnose_law(parametric))
    unidentified = ("no law was fitted",) if fit is None else () if fit.identified else (f"{fit.law} is not",)
    facts = checking.facts(runs, checking.check(runs), error, unidentified, misfit, diagnosed)
    return facts, _tested(tested, untested)


def _tested(tested: BackTest | None, reason: str) -> str:
    if tested is None:
        return f"No forecast could be tested on runs held out{_plainly(reason.removeprefix('not possible'))}"
    errors = tested.points["relative_error"].abs()
    return (
        f"A forecast was tested: fitted without the {plural(len(errors), 'run')} of the largest compute, the "
        f"parametric law missed their losses by {formats.percent(float(errors.mean()))} on average and "
        f"{formats.percent(float(errors.max()))} at most, over {tested.distance:.3g} times the compute it had seen."
    )
