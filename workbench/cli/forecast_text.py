"""A forecast as a person reads it: a table for each kind of question, then the back-tests and what to know."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from workbench.cli.output import note
from workbench.fitting.determined import UNDETERMINED as OPEN

if TYPE_CHECKING:
    from workbench.fitting.forecasts.forecast import Forecast
    from workbench.fitting.forecasts.surface import Estimate
    from workbench.fitting.record import Interval

BEYOND = "out of reach"
"""Stands for an infinite number: a loss below the law's floor, and what it would take."""

LEFT = ("law", "")
"""Headings of columns of words."""


def show(found: "Forecast") -> None:
    """Print it."""
    # Numbers are never cut to the width of a pipe or a narrow terminal.
    console = Console(highlight=False, width=240)
    level = f"{100 * found.fit.level:g}%"
    parts = (_allocations, _points, _targets, _departures, _flatness, _serving, _repetition, _multipliers, _backtests)
    for part in parts:
        table = part(found, level)
        if table is not None:
            console.print(table)
            console.print()
    for reason in found.open:
        note(reason)
    note(found.said)
    for one in (*found.notes, *found.fit.notes):
        note(f"Note: {one}")


def _allocations(found: "Forecast", level: str) -> Table | None:
    miss = "no back-test" if found.backtest is None else f"{100 * found.backtest.relative_error:+.2f}%"
    weak = {law.law for law in (found.fit, found.beside) if law is not None and not law.identified}
    interval = f"{level} interval"
    heads = ("C (FLOPs)", "law", "N", interval, "D", interval, "loss", interval, f"{level} of a run", "back-test")
    rows = []
    for one in found.allocations:
        label = f"{one.law} (not identified)" if one.law in weak else one.law
        cells = [f"{one.flops:.3g}", label]
        for name, value, style in (("n", one.n, ".3g"), ("d", one.d, ".3g"), ("loss", one.loss, ".4f")):
            known, ends = value == value and name not in one.open, one.intervals.get(name)
            said = OPEN if name in one.open else f"{value:{style}}" if known else "–"
            cells += [said, _ends(ends, style) if known and ends else ""]
        cells.append(_ends(one.intervals["run"], ".4f") if "run" in one.intervals and "loss" not in one.open else "")
        rows.append((one.determined, [*cells, miss if one.law == found.fit.law else ""]))
    return _table("", heads, rows)


def _points(found: "Forecast", level: str) -> Table | None:
    miss = "no back-test" if found.backtest is None else f"{100 * found.backtest.relative_error:+.2f}%"
    heads = ("N", "D", "C (FLOPs)", "loss", f"{level} interval", f"{level} of a run", "above optimum", "overhead", "")
    rows = []
    for one in found.points:
        sizes = [OPEN if name in one.open else f"{getattr(one, name):.3g}" for name in ("n", "d", "flops")]
        loss = [OPEN, "", "", "", ""]
        if "loss" not in one.open:
            loss = [f"{one.loss:.4f}", _ends(one.interval, ".4f"), _ends(one.run, ".4f")]
            loss += [f"{one.excess.value:.4f} nats", f"{one.overhead.value:.3g}× C"]
        rows.append((one.determined, [*sizes, *loss, f"back-test {miss}"]))
    return _table("", heads, rows)


def _targets(found: "Forecast", level: str) -> Table | None:
    interval = f"{level} interval"
    rows = [
        (one.determined, [f"{one.loss:.4f}", *(cell for x in (one.flops, one.n, one.d) for cell in _both(x, ".3g"))])
        for one in found.targets
    ]
    return _table("Reaching a loss", ("loss", "C (FLOPs)", interval, "N", interval, "D", interval), rows)


def _departures(found: "Forecast", level: str) -> Table | None:
    interval = f"{level} interval"
    heads = ("C (FLOPs)", "N/N_opt", "N", "D", "loss", interval, "above optimum", interval, "overhead", interval)
    rows = [
        (
            one.determined,
            [
                *(f"{value:.3g}" for value in (one.flops, one.factor)),
                *(OPEN if one.open else f"{value:.3g}" for value in (one.n, one.d)),
                *_both(one.loss, ".4f"),
                *_both(one.excess, ".4f"),
                *_both(one.overhead, ".3f"),
            ],
        )
        for one in found.departures
    ]
    return _table("Departing from the optimum (overhead: C over the compute whose optimum is as good)", heads, rows)


def _flatness(found: "Forecast", level: str) -> Table | None:
    interval = f"{level} interval"
    rows = [
        (one.determined, [f"{one.flops:.3g}", f"{one.share:.1%}", *_both(one.low, ".3g"), *_both(one.high, ".3g")])
        for one in found.flatness
    ]
    return _table("How flat it is", ("C (FLOPs)", "loss within", "N from", interval, "to", interval), rows)


def _serving(found: "Forecast", level: str) -> Table | None:
    interval = f"{level} interval"
    heads = ("loss", "", "N", interval, "D", interval, "training", "in all", "saved", interval)
    rows = []
    for one in found.serving:
        rows.append(
            (
                one.determined,
                [
                    *(f"{one.loss.value:.4f}", "cheapest in all"),
                    *(*_both(one.n, ".3g"), *_both(one.d, ".3g")),
                    *(_both(one.training, ".3g")[0], _both(one.total, ".3g")[0]),
                    *_both(one.saved, ".1%"),
                ],
            )
        )
        rows.append(
            (
                one.determined,
                [
                    *("", "cheapest to train"),
                    *(*_both(one.optimal_n, ".3g"), *_both(one.optimal_d, ".3g")),
                    *(_both(one.optimal_training, ".3g")[0], _both(one.optimal_total, ".3g")[0], "", ""),
                ],
            )
        )
    tokens = found.serving[0].inference_tokens if found.serving else 0.0
    return _table(f"With {tokens:.3g} tokens of inference (FLOPs)", heads, rows)


def _repetition(found: "Forecast", level: str) -> Table | None:
    interval = f"{level} interval"
    heads = ("", "N", "D", "epochs", "worth (tokens)", "loss, all fresh", "with repeats", interval, "cost", interval)
    rows = []
    for one in found.repetition:
        label = "as asked" if found.points else "optimum if all were fresh"
        label = label if one.flops is None else f"best with the limit at C = {one.flops:.3g}"
        numbers = (one.n, one.d, one.epochs, one.effective_tokens)
        cells = [label, *(_both(number, ".3g")[0] for number in numbers), f"{one.fresh.value:.4f}"]
        rows.append((one.determined, [*cells, *_both(one.repeated, ".4f"), *_both(one.cost, ".4f")]))
    title = ""
    if found.repetition:
        first = found.repetition[0]
        title = (
            f"With {first.unique_tokens:.3g} unique tokens (after {first.half_worth_epochs.value:.3g} epochs a further "
            f"token is worth half{', by borrowed constants' if first.borrowed else ''})"
            if not first.half_worth_epochs.open
            else f"With {first.unique_tokens:.3g} unique tokens (what repeats are worth is {OPEN})"
        )
    return _table(title, heads, rows)


def _multipliers(found: "Forecast", level: str) -> Table | None:
    interval = f"{level} interval"
    rows = []
    for one in found.multipliers:
        low, high = one.factor.interval
        times = [OPEN, ""]
        if not one.factor.open:
            times = [
                _number(one.factor.value, ".3g") + "×" * (one.factor.value < float("inf")),
                "" if low == high else _ends((low, high), ".3g"),
            ]
        low, high = one.gain.interval
        gain = [f"{one.gain.value:.4f}", "" if low == high else _ends((low, high), ".4f"), f"{one.relative.value:.2%}"]
        rows.append((one.determined, [f"{one.flops:.3g}", *times, *gain]))
    return _table("Compute multipliers", ("from C", "times", interval, "nats lower", interval, "of the loss"), rows)


def _backtests(found: "Forecast", level: str) -> Table | None:
    if found.backtests is None:
        return None
    inside = f"in their {level} interval"
    heads = ("held out above", "runs", "fitted", "farthest", "bias", "rms", "worst", inside, "half its width", "")
    rows = [
        (
            True,
            [
                *(f"C_max/{one.factor:g}", str(len(one.points)), str(one.fitted), f"{one.distance:.3g}×"),
                *(f"{100 * one.bias:+.2f}%", f"{100 * one.rms:.2f}%", f"{100 * one.worst:.2f}%"),
                f"{one.coverage:.0%}" if one.coverage == one.coverage else "–",
                f"{100 * one.half_width:.2g}%" if one.half_width == one.half_width else "–",
                "" if one.identified else "law not identified there",
            ],
        )
        for one in found.backtests.tests
    ]
    return _table(f"Back-tests of {found.backtests.law}: errors of ln L", heads, rows)


def _table(title: str, heads: Sequence[str], rows: Sequence[tuple[bool, list[str]]]) -> Table | None:
    """A table; rows that are not determined are grey and say so."""
    if not rows:
        return None
    table = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    undetermined = any(not determined for determined, _ in rows)
    for head in (*heads, "") if undetermined else heads:
        words = head in LEFT or "interval" in head or "of a run" in head
        table.add_column(head, justify="left" if words else "right", no_wrap=True, header_style="bold")
    for determined, cells in rows:
        style = "" if determined else "dim"
        said = [] if not undetermined else ["" if determined or OPEN in cells else OPEN]
        table.add_row(*(Text(cell, style=style) for cell in (*cells, *said)))
    return table


def _both(one: "Estimate", style: str) -> tuple[str, str]:
    """A number and its interval, or the words for one that is open."""
    if one.open:
        return OPEN, ""
    return _number(one.value, style), _ends(one.interval, style)


def _number(value: float, style: str) -> str:
    return BEYOND if value in (float("inf"), float("-inf")) or value != value else f"{value:{style}}"


def _ends(interval: "Interval", style: str) -> str:
    low, high = interval
    if low != low or low == float("inf"):
        return "" if low == low else "no interval"
    return f"{low:{style}} to {_number(high, style)}"
