"""`workbench fit`: scaling laws of a store or a table, one law or all of them side by side."""

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
    from workbench.fitting import Fit, FitSet


@click.command(
    epilog="Exit codes: 0 done, 1 failed, 2 bad input, or nothing could be fitted. "
    "A fit that the data do not identify is marked so (JSON key identified), and leaves with 0."
)
@source_argument
@click.option(
    "--law",
    help="chinchilla, isoflop, envelope, kaplan-n, kaplan-d, kaplan-c or kaplan-nd; without it, all side by side.",
)
@click.option("--objective", default="huber", show_default=True, help="huber, lad, log-mse or mse.")
@click.option("--delta", type=float, default=1e-3, show_default=True, help="Corner of the huber objective.")
@columns_option
@where_option
@resamples_option
@seed_option
@json_option
def command(
    source: Path,
    law: str | None,
    objective: str,
    delta: float,
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
    points of finished runs are used, and the fits are added to its table of fits.
    """
    from workbench.fitting import LAW_NAMES, fit_all
    from workbench.fitting.fit import checked_settings

    checked_settings(law, objective, delta, resamples)
    loaded = load_source(source, columns, where)
    found = fit_all(loaded.table, (law,) if law else LAW_NAMES, objective, delta, resamples, seed)
    if not found.fits:
        raise BadInput(found.not_fitted[0].reason if law else _nothing(source, found))
    if loaded.kind == "store":
        reason = record(source, [fit.to_dict() for fit in found.fits])
        if reason:
            say(f"The fits are not kept in the store: {reason}")
    if law:
        first, *others = found.fits
        payload: dict[str, Any] = first.to_dict()
        if others:
            payload["other_conventions"] = [fit.to_dict() for fit in others]
        emit(as_json, payload, lambda: _print_one(found))
    else:
        emit(as_json, found.to_dict(), lambda: _print_all(found))


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
