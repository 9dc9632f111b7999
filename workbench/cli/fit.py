"""`workbench fit`: scaling laws of a store or a table, one law or several side by side, or compared out of sample."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.output import emit, json_option, say
from workbench.cli.source import (
    columns_option,
    load_source,
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
@click.option("--objective", default="huber", show_default=True, help="huber, lad, log-mse or mse.")
@click.option("--delta", type=float, default=1e-3, show_default=True, help="Corner of the huber objective.")
@click.option(
    "--intervals",
    default="auto",
    show_default=True,
    help="Method of the intervals: residuals, cases, groups, wild, parametric, sandwich, jackknife or profile.",
)
@click.option("--fix", "fixed", multiple=True, metavar="NAME=VALUE", help="Hold a parameter; may be given often.")
@click.option(
    "--noise",
    default="equal",
    show_default=True,
    help="How runs are weighed: equal (or by a column weight, where there is one), column (by loss_se) or by-compute.",
)
@click.option("--shape", help="Curve of isoflop at one budget: two-powers (the default), parabola or cubic.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Configure the law: breaks=2 of a broken one, kinds=2 of precision; may be given often.",
)
@columns_option
@where_option
@resamples_option
@seed_option
@json_option
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
    columns: str | None,
    where: str | None,
    resamples: int,
    seed: int,
    as_json: bool,
) -> None:
    """Fit scaling laws to the runs of SOURCE.

    SOURCE is a store; a table (.csv, .tsv, .parquet, .jsonl), its columns found by name or given with --columns; or an
    export of W&B (the runs table as CSV, or a wandb folder), TensorBoard (a folder of event files) or MLflow (mlruns).

    Every law is fitted under every count of N that the source carries, with bootstrap intervals. Of a store, final
    points of finished runs are used, and the fits are added to its table of fits. With --compare nothing is added.
    """
    from workbench.fitting import LAW_NAMES, fit_all
    from workbench.fitting.fit import checked_settings

    for law in laws or (None,):
        checked_settings(law, objective, delta, resamples, intervals=intervals)
    held = _numbers("--fix", "a parameter", "alpha=0.35", fixed)
    setting = {name: int(value) for name, value in _numbers("--set", "a setting", "breaks=2", settings).items()}
    loaded = load_source(source, columns, where)
    if compared:
        if noise != "equal" or intervals != "auto" or shape or setting:
            raise BadInput("--compare takes none of --noise, --intervals, --shape and --set; leave them out.")
        _compare(loaded.table, laws, objective, delta, resamples, seed, leave_out, held, as_json)
        return
    found = fit_all(
        loaded.table, laws or LAW_NAMES, objective, delta, resamples, seed,
        intervals=intervals, fixed=held or None, noise=noise, shape=shape, setting=setting or None,
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


def _numbers(option: str, what: str, example: str, texts: tuple[str, ...]) -> dict[str, float]:
    """`alpha=0.35` as names and numbers."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        try:
            found[name] = float(value)
        except ValueError:
            raise BadInput(f"{option} is '{text}'; it must be {what} and its value, such as {example}.") from None
        if not name:
            raise BadInput(f"{option} is '{text}', which names no {what.split()[-1]}; write {example}.")
    return found


def _compare(
    table: "pd.DataFrame",
    laws: tuple[str, ...],
    objective: str,
    delta: float,
    resamples: int,
    seed: int,
    leave_out: str,
    held: dict[str, float],
    as_json: bool,
) -> None:
    """Compare under the first count of N, and print."""
    from workbench.cli.comparison_text import show
    from workbench.fitting.forecasts.comparison import RESAMPLES, compare

    found = compare(
        table, laws, objective, delta, resamples=min(resamples, RESAMPLES), seed=seed, by=leave_out, fixed=held or None
    )
    emit(as_json, found.to_dict(), lambda: show(found))


def _nothing(source: Path, found: "FitSet") -> str:
    return f"{source}: no law can be fitted; {found.not_fitted[0].reason}"


def _print_one(found: "FitSet") -> None:
    click.echo("\n\n".join(fit.summary() for fit in found.fits))


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
        both = {**fit.intervals, **fit.derived_intervals}
        label = fit.law if fit.identified else f"{fit.law} (not identified)"
        for i, (name, value) in enumerate({**fit.params, **fit.derived}.items()):
            head = (label, CONVENTION_LABELS[fit.convention], str(fit.n_points)) if i == 0 else ("", "", "")
            low, high = both.get(name, (float("nan"), float("nan")))
            table.add_row(*head, name, f"{value:.5g}", f"{low:.4g} to {high:.4g}")
        table.add_section()
    console.print(table)
    for other in found.not_fitted:
        if other.convention == "n":
            click.echo(f"{other.law}: not fitted. {other.reason}")
    for line in _notes(found.fits):
        click.echo(line)


def _notes(fits: "tuple[Fit, ...]") -> list[str]:
    """Each note once, with the laws it belongs to where it is not common to all."""
    holders: dict[str, list[str]] = {}
    for fit in fits:
        for note in fit.notes:
            holders.setdefault(note, []).append(fit.law)
    everyone = {fit.law for fit in fits}
    return [
        f"Note: {note}" if set(laws) == everyone else f"Note ({', '.join(dict.fromkeys(laws))}): {note}"
        for note, laws in holders.items()
    ]
