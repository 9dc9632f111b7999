"""`workbench fit`: scaling laws of a store or a table, one law or several side by side, or compared out of sample."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.output import emit, json_option, note, say, working, wrapped
from workbench.cli.source import (
    as_typed,
    columns_option,
    delta_option,
    fix_option,
    intervals_option,
    level_option,
    load_source,
    noise_option,
    numbers,
    objective_option,
    record,
    resamples_option,
    seed_option,
    source_argument,
    where_option,
)
from workbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from workbench.fitting import Fit, FitSet

OPEN_TO_ALL = "all of Hoffmann's and Kaplan's laws side by side"
"""What is fitted without --law."""


class WithLaws(click.Command):
    """A command whose help ends with the laws, read from the table of laws when help is asked for."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The laws by what they predict and read, then the exit codes."""
        from workbench.fitting.fit import LAW_NAMES
        from workbench.fitting.laws import LAWS

        kinds: dict[str, list[str]] = {}
        for name, law in LAWS.items():
            reads = " and ".join(("the loss" if column == "loss" else column) for column in law.columns)
            kinds.setdefault(f"{law.response} from {reads}" if len(reads) < 30 else law.response, []).append(name)
        kinds["procedures"] = [name for name in LAW_NAMES if name not in LAWS]
        with formatter.section("Laws (workbench laws shows their formulas)"):
            formatter.write_dl([(kind, ", ".join(names)) for kind, names in kinds.items()])
        super().format_epilog(ctx, formatter)


@click.command(
    cls=WithLaws,
    epilog="Exit codes: 0 done, 1 failed, 2 bad input, or nothing could be fitted. "
    "A fit that the data do not identify is marked so (JSON key identified), and leaves with 0.",
)
@source_argument
@click.option(
    "--law",
    "laws",
    multiple=True,
    help=f"A law to fit, one of those below; may be given often. Without it, {OPEN_TO_ALL}.",
)
@click.option(
    "--compare",
    "compared",
    is_flag=True,
    help="Hold the laws (without --law: those of N and D that the table allows) against runs they were not fitted to: "
    "back-tests, and a log score with groups of runs left out.",
)
@click.option(
    "--leave-out",
    default="auto",
    show_default=True,
    help="With --compare, what is left out for the log score: every size, budget or configuration in turn.",
)
@objective_option
@delta_option
@intervals_option
@fix_option
@noise_option
@click.option("--shape", help="Curve of isoflop at one budget: two-powers (the default), parabola or cubic.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Configure the law: breaks=2 of a broken one, kinds=2 of precision; may be given often.",
)
@click.option(
    "--convention",
    metavar="total|non-embedding",
    help="The count of N. Without it: every count that the source carries.",
)
@columns_option
@where_option
@resamples_option
@seed_option
@level_option
@json_option
@as_typed
def command(
    source: Path,
    laws: tuple[str, ...],
    compared: bool,
    leave_out: str,
    objective: str,
    delta: float,
    intervals: str,
    fixed: tuple[str, ...],
    noise: str,
    shape: str | None,
    settings: tuple[str, ...],
    convention: str | None,
    columns: str | None,
    where: str | None,
    resamples: int,
    seed: int,
    level: float,
    as_json: bool,
) -> None:
    """Fit scaling laws to the runs of SOURCE.

    SOURCE is a store (the word reference stands for the one that ships with the workbench); a table (.csv, .tsv,
    .parquet, .jsonl), its columns found by name or given with --columns; or an export of W&B (the runs table as CSV, or
    a wandb folder), TensorBoard (a folder of event files) or MLflow (mlruns).

    Every law is fitted under every count of N that the source carries, with bootstrap intervals. Of a store, final
    points of finished runs are used, and the fits are added to its table of fits. With --compare nothing is added.

    With --json, one law named prints its record, with those under other counts of N in other_conventions; else an
    object of fits, not_fitted and notes.
    """
    from workbench.fitting import LAW_NAMES, fit_all
    from workbench.fitting.fit import checked_settings, convention_named

    for law in laws or (None,):
        checked_settings(law, objective, delta, resamples, level, intervals)
    held = numbers("--fix", "a parameter", "alpha=0.35", fixed)
    setting = {name: int(value) for name, value in numbers("--set", "a setting", "breaks=2", settings).items()}
    loaded = load_source(source, columns, where)
    if compared:
        if noise != "equal" or intervals != "auto" or shape or setting:
            raise BadInput("--compare takes none of --noise, --intervals, --shape and --set; leave them out.")
        count = convention_named(convention or "n", loaded.table)
        _compare(loaded.table, laws, objective, delta, count, resamples, seed, level, leave_out, held, as_json)
        return
    with working("Fitting") as told:
        found = fit_all(
            loaded.table, laws or LAW_NAMES, objective, delta, resamples, seed, level, intervals=intervals,
            fixed=held or None, noise=noise, shape=shape, setting=setting or None, convention=convention, told=told,
        )  # fmt: skip
    one = len(laws) == 1
    if not found.fits:
        raise BadInput(found.not_fitted[0].reason if one else _nothing(source, found))
    if loaded.kind == "store":
        reason = record(source, [fit.to_dict() for fit in found.fits])
        if reason:
            say(f"The fits are not kept in the store: {reason}")
    if one:
        first, *others = found.fits
        payload: dict[str, Any] = first.to_dict()
        if others:
            payload["other_conventions"] = [fit.to_dict() for fit in others]
        emit(as_json, payload, lambda: _print_one(found))
    else:
        emit(as_json, found.to_dict(), lambda: _print_all(found))


def _compare(
    table: "pd.DataFrame",
    laws: tuple[str, ...],
    objective: str,
    delta: float,
    convention: str,
    resamples: int,
    seed: int,
    level: float,
    leave_out: str,
    held: dict[str, float],
    as_json: bool,
) -> None:
    """Compare under one count of N, and print."""
    from workbench.cli.comparison_text import show
    from workbench.fitting.forecasts.comparison import RESAMPLES, compare
    from workbench.fitting.forecasts.crossvalidation import GROUPS
    from workbench.words import known_word

    known_word("by", leave_out, GROUPS)
    with working("Comparing laws"):
        found = compare(
            table, laws, objective, delta, convention, min(resamples, RESAMPLES), seed, level, by=leave_out,
            fixed=held or None,
        )  # fmt: skip
    emit(as_json, found.to_dict(), lambda: show(found))


def _nothing(source: Path, found: "FitSet") -> str:
    return f"{source}: no law can be fitted; {found.not_fitted[0].reason}"


def _print_one(found: "FitSet") -> None:
    click.echo("\n\n".join(_fitting(fit.summary()) for fit in found.fits))


def _fitting(summary: str) -> str:
    """The page with its prose wrapped to a terminal narrower than it."""
    lines = summary.split("\n")
    prose = max(i for i, line in enumerate(lines) if line and not line.strip("-="))  # the last rule
    paragraphs = "\n".join(lines[prose + 1 :]).replace("\n  ", " ").split("\n")
    return "\n".join([*lines[: prose + 1], *(wrapped(text) for text in paragraphs)]) if sys.stdout.isatty() else summary


def _print_all(found: "FitSet") -> None:
    """One table of all fits, then the notes and the laws that were not fitted."""
    from rich.console import Console
    from rich.table import Table

    from workbench.fitting.record import CONVENTION_LABELS

    console = Console(highlight=False, width=100)
    level = found.fits[0].level
    table = Table(title=None, box=None, pad_edge=False, header_style="bold")
    for heading in ("law", "N", "points", "parameter"):
        table.add_column(heading, justify="right" if heading == "points" else "left", no_wrap=True)
    table.add_column("estimate", justify="right", no_wrap=True)
    table.add_column(f"{100 * level:g}% interval", no_wrap=True)
    for fit in found.fits:
        label = fit.law if fit.identified else f"{fit.law} (not identified)"
        for i, name in enumerate((*fit.params, *fit.derived)):
            head = (label, CONVENTION_LABELS[fit.convention], str(fit.n_points)) if i == 0 else ("", "", "")
            table.add_row(*head, name, *fit.said(name, ".5g", ".4g"))
        table.add_section()
    console.print(table)
    for other in found.not_fitted:
        if other.convention == found.not_fitted[0].convention:
            note(f"{other.law}: not fitted. {other.reason}")
    for line in _notes(found.fits):
        note(line)


FOUND = re.compile(r"(One optimum|\d+ optima) found on ")
"""How a note on the optimum begins."""


def _notes(fits: "tuple[Fit, ...]") -> list[str]:
    """Each note once, with the laws (and counts of N) it belongs to where it is not common to all.

    Where each law's optimum was found is one line.
    """
    everyone = _holders(fits, fits)
    certified: dict[str, list[Fit]] = {}
    holders: dict[str, list[Fit]] = {}
    for fit in fits:
        for text in fit.notes:
            (certified if FOUND.match(text) else holders).setdefault(text, []).append(fit)
    lines = [
        f"Note: {text}" if _holders(those, fits) == everyone else f"Note ({_holders(those, fits)}): {text}"
        for text, those in holders.items()
    ]
    said = "; ".join(f"{_holders(those, fits)}: {text[:1].lower()}{text[1:-1]}" for text, those in certified.items())
    return [*lines, *([f"Note: {said}."] if said else [])]


def _holders(those: "list[Fit] | tuple[Fit, ...]", fits: "tuple[Fit, ...]") -> str:
    """'chinchilla, kaplan-nd (non-embedding)': a count of N is said where the law was fitted under several."""
    from workbench.fitting.record import CONVENTION_LABELS

    every: dict[str, set[str]] = {}
    held: dict[str, list[str]] = {}
    for fit in fits:
        every.setdefault(fit.law, set()).add(fit.convention)
    for fit in those:
        held.setdefault(fit.law, []).append(fit.convention)
    return ", ".join(
        law if set(counts) == every[law] else f"{law} ({CONVENTION_LABELS[counts[0]]})" for law, counts in held.items()
    )
