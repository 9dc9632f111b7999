"""The view of a budget's answer: in words, in a table, and as the loss over sizes."""

from typing import Any

import pandas as pd

from workbench.analyses import law_views, what_if
from workbench.analyses import scaling_tables as tables
from workbench.analyses.backtest_words import missed_by_distance
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.one_law import name_of
from workbench.analyses.other_laws import said_otherwise
from workbench.analyses.selection import Selection
from workbench.analyses.what_if import Answer, WhatIfAsk
from workbench.fitting.determined import UNDETERMINED
from workbench.fitting.forecasts.repeats import BORROWED_SAID
from workbench.reporting import formats
from workbench.reporting.document import Block, Bullets, Column, Figure, Table, Text
from workbench.reporting.figures.pieces import plural
from workbench.reporting.figures.what_if import one_budget

TOO_FAR = 1e3
"""Beyond this multiple of the largest budget no number is given, however narrow the law's own intervals are."""


def blocks(selection: Selection, ask: WhatIfAsk) -> list[Block]:
    """The answer in a sentence, how far it reaches, the choices side by side, and the loss over sizes."""
    found = what_if.answer(selection, ask)
    if isinstance(found, str):
        return [Text(found, note=True)]
    reach = Text(_reach(selection, ask, found), note=found.distance > 100)
    if not found.fit.identified:
        return [Text(_undetermined(found), note=True), reach]
    if not found.optimum.determined or found.distance > TOO_FAR:
        return [Text(_sentence(found, ask), note=True), reach]
    other = said_otherwise(selection, found.fit, [_forecast(found)])
    return [
        Text(_sentence(found, ask)),
        reach,
        *([Text(other)] if other else []),
        _figure(found, ask),
        _table(found),
        *_changes(found),
        *_explained(found),
    ]


def _forecast(found: Answer) -> dict[str, float]:
    """The optimum as a row of forecasts."""
    low, high = found.optimum.intervals.get("loss", tables.UNKNOWN)
    return {"multiple": found.distance, "flops": found.budget.flops, "loss_low": low, "loss_high": high}


def _undetermined(found: Answer) -> str:
    """Why there is no answer, in the words of the fit."""
    return (
        f"These runs do not determine {name_of(found.fit.law)}, so that no size, no number of tokens and no loss can "
        "be named for a budget. The Laws page says what they leave open, and `workbench next` which runs would settle "
        "it."
    )


def _sentence(found: Answer, ask: WhatIfAsk) -> str:
    best, level = found.optimum, f"{100 * found.fit.level:g}%"
    if found.distance > TOO_FAR:
        return (
            f"The budget is {found.budget.said(ask)}, more than a thousand times the largest of the runs, farther "
            "than anything these runs can say: no size, no tokens and no loss are given."
        )
    if not best.determined:
        return (
            f"The budget is {found.budget.said(ask)}. So far from the runs the law determines no best model: "
            f"{best.reason}."
        )
    n, d = _with(best.n, best.intervals.get("n"), "count"), _with(best.d, best.intervals.get("d"), "count")
    loss = _with(best.loss, best.intervals.get("loss"), "loss")
    run = formats.show(list(best.intervals.get("run", tables.UNKNOWN)), "interval-loss")
    return (
        f"The budget is {found.budget.said(ask)}. It is best spent on N = {n} parameters and D = {d} tokens, "
        f"{formats.number(best.d / best.n)} for each parameter; the law's loss there is {loss} nats per token, and one "
        f"run would fall within {run} ({level} intervals)."
    )


def _with(value: float, ends: tuple[float, float] | None, style: str) -> str:
    text = formats.show(value, style)
    return text if ends is None else f"{text} ({formats.show(list(ends), f'interval-{style}')})"


def _reach(selection: Selection, ask: WhatIfAsk, found: Answer) -> str:
    """How far the budget lies beyond the runs, and how far back-tests reached."""
    said = f"The budget is {formats.count(found.distance)} times the largest of the runs, "
    said += f"{formats.power(found.largest)} FLOPs. "
    given = LawAsk(law=ask.law, convention=ask.convention)
    (tested, untested), (distant, _) = law_views.tests(selection, given)
    if tested is None:
        return f"{said}There is no back-test to say how far such a forecast may be trusted: it was {untested}"
    side = "high" if tested.relative_error > 0 else "low"
    said += (
        f"Back-test: fitted without the {plural(len(tested.points), 'run')} of most compute, the law forecast the best "
        f"loss of these {formats.percent(abs(tested.relative_error))} too {side}, at "
        f"{formats.number(tested.distance)} times the compute it saw"
    )
    if distant is not None and distant.furthest > tested.distance:
        said += f"; with more held out, {missed_by_distance(distant)}"
    furthest = max(tested.distance, 0.0 if distant is None else distant.furthest)
    return said + ("." if found.distance <= furthest else ". Nothing was tested as far out as this budget.")


def _figure(found: Answer, ask: WhatIfAsk) -> Figure:
    line = what_if.slices(found, ask.unique_tokens)
    kinds = pd.DataFrame(
        [{"kind": row["kind"], "n": row["n_value"], "loss": row["loss_value"]} for row in _rows(found)]
    )
    caption = (
        f"The loss that {name_of(found.fit.law)}, fitted to {plural(found.fit.n_points, 'run')}, gives to each size at "
        f"C = {formats.power(found.budget.flops)} FLOPs, with {100 * found.fit.level:g}% intervals of the law and of "
        "one run."
    )
    if found.limited is not None:
        caption += f" Dashed: with no more than {formats.count(found.limited.unique_tokens)} distinct tokens."
    if found.served is not None:
        caption += " The circle trains on more compute than the others: it is as good as the star and cheaper to use."
    return Figure("what-if", caption, one_budget(line, kinds), line)


COLUMNS = (
    Column("choice", "model"),
    Column("n", "N", "count"),
    Column("n_interval", "interval", "interval-count"),
    Column("d", "D", "count"),
    Column("ratio", "tokens per parameter", "number"),
    Column("training", "training [FLOPs]", "power"),
    Column("loss", "loss", "loss"),
    Column("loss_interval", "of the law", "interval-loss"),
    Column("run_interval", "of one run", "interval-loss"),
)


def _table(found: Answer) -> Table:
    caption = f"Uses of the budget side by side, with {100 * found.fit.level:g}% intervals"
    rows = [row if row["determined"] else _emptied(row) for row in _rows(found)]
    return Table.of("what-if-choices", caption, pd.DataFrame(rows, dtype=object), COLUMNS)


def _changes(found: Answer) -> list[Block]:
    """What each departure from the best model costs, or that the runs leave it open."""
    items = [
        f"{str(row['choice']).capitalize()}: {row['costs'] if row['determined'] else UNDETERMINED}."
        for row in _rows(found)[1:]
    ]
    return [Bullets(tuple(items))] if items else []


def _emptied(row: dict[str, Any]) -> dict[str, Any]:
    """A row that the runs leave open: its model is named, its numbers are not."""
    gone = dict.fromkeys(("n", "d", "ratio", "training", "loss", "n_interval", "loss_interval", "run_interval"))
    return {**row, **gone}


def _rows(found: Answer) -> list[dict[str, Any]]:
    """One row a choice, at full precision."""
    flops, best = found.budget.flops, found.optimum
    ends = {name: list(best.intervals.get(name, tables.UNKNOWN)) for name in ("n", "loss", "run")}
    rows = [_row("optimum", "compute-optimal", best.n, best.d, flops, best.loss, best.determined, ends, "")]
    if (other := found.departed) is not None:
        costs = (
            f"{formats.number(other.excess.value)} nats above the optimum; a compute-optimal model reaches this loss "
            f"with {formats.power(flops / other.overhead.value)} FLOPs"
        )
        ends = {"loss": list(other.interval), "run": list(other.run)}
        rows.append(
            _row("departed", "the size chosen", other.n, other.d, flops, other.loss, other.determined, ends, costs)
        )
    if (few := found.limited) is not None:
        costs = (
            f"{formats.number(few.epochs.value)} epochs over the distinct tokens, worth "
            f"{formats.count(few.effective_tokens.value)} fresh ones; repeating costs "
            f"{formats.number(few.cost.value)} nats"
        )
        ends = {"n": list(few.n.interval), "loss": list(few.repeated.interval)}
        label = f"best with {formats.count(few.unique_tokens)} distinct tokens"
        rows.append(
            _row("limited", label, few.n.value, few.d.value, flops, few.repeated.value, few.determined, ends, costs)
        )
    if (use := found.served) is not None:
        costs = (
            f"{formats.percent(use.saved.value)} less compute in training and inference together: "
            f"{formats.power(use.total.value)} and not {formats.power(use.optimal_total.value)} FLOPs"
        )
        ends = {"n": list(use.n.interval), "loss": list(use.loss.interval)}
        label = f"cheapest as good, serving {formats.count(use.inference_tokens)} tokens"
        rows.append(
            _row(
                "served",
                label,
                use.n.value,
                use.d.value,
                use.training.value,
                use.loss.value,
                use.determined,
                ends,
                costs,
            )
        )
    return rows


def _row(
    kind: str, choice: str, n: float, d: float, training: float, loss: float, determined: bool,
    ends: dict[str, list[float]], costs: str,
) -> dict[str, Any]:  # fmt: skip
    return {
        "kind": kind, "choice": choice, "n": n, "n_value": n, "n_interval": ends.get("n"), "d": d, "ratio": d / n,
        "training": training, "loss": loss, "loss_value": loss, "loss_interval": ends.get("loss"),
        "run_interval": ends.get("run"), "costs": costs, "determined": determined,
    }  # fmt: skip


def _explained(found: Answer) -> list[Block]:
    """Where the numbers of a choice come from."""
    items = [
        "Intervals of the law cover its parameters, given that its form holds; those of one run add the noise of a "
        "single training. None covers a law that bends beyond the runs."
    ]
    if (few := found.limited) is not None and few.borrowed:
        items.append(BORROWED_SAID)
    if found.served is not None:
        items.append(
            "A token of inference is taken to cost a third of one of training, the forward pass alone, and inference "
            "to reach the same share of the device's peak as training (Sardana et al. 2024, arXiv 2401.00448)."
        )
    return [Text(" ".join(items))]
