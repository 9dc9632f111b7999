"""`workbench forecast`: what a larger model would give, with intervals and the error of an earlier such forecast."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.output import emit, json_option
from workbench.cli.source import (
    columns_option,
    load_source,
    resamples_option,
    seed_option,
    source_argument,
    where_option,
)
from workbench.errors import BadInput

if TYPE_CHECKING:
    from workbench.fitting.forecast import Forecast


@click.command(
    epilog="Exit codes: 0 done, 1 failed, 2 bad input, or no law could be fitted. "
    "A law that the data do not identify is marked so, and leaves with 0."
)
@source_argument
@click.option(
    "--compute",
    "computes",
    type=float,
    multiple=True,
    metavar="C",
    help="FLOPs to spend; may be given often. Without it: 10× and 100× the largest budget.",
)
@click.option("--n-params", type=float, help="Forecast the loss of this size …")
@click.option("--tokens", type=float, help="… trained on so many tokens.")
@columns_option
@where_option
@resamples_option
@seed_option
@json_option
def command(
    source: Path,
    computes: tuple[float, ...],
    n_params: float | None,
    tokens: float | None,
    columns: str | None,
    where: str | None,
    resamples: int,
    seed: int,
    as_json: bool,
) -> None:
    """Forecast from the runs of SOURCE.

    SOURCE is a store; a table (.csv, .tsv, .parquet, .jsonl), its columns found by name or given with --columns; or an
    export of W&B (the runs table as CSV, or a wandb folder), TensorBoard (a folder of event files) or MLflow (mlruns).

    For each compute: the optimal N and D and the loss, by the parametric law with the isoFLOP law beside it; or the
    loss at a given N and D. Beside every forecast stands how far the same law, fitted without the largest budget,
    missed that budget.
    """
    from workbench.fitting.fit import checked_settings
    from workbench.fitting.forecast import forecast

    if (n_params is None) != (tokens is None):
        missing = "--tokens" if tokens is None else "--n-params"
        raise BadInput(f"{missing} is missing; a loss is forecast at a size and a number of tokens.")
    checked_settings(None, "huber", 1e-3, resamples)
    at = None if n_params is None or tokens is None else (n_params, tokens)
    loaded = load_source(source, columns, where)
    found = forecast(loaded.table, computes, at, resamples, seed)
    payload: dict[str, Any] = found.to_dict()
    emit(as_json, payload, lambda: _print(found))


def _print(found: "Forecast") -> None:
    from rich.console import Console
    from rich.table import Table

    # Numbers are never cut to the width of a pipe or a narrow terminal.
    console = Console(highlight=False, width=150)
    miss = "no back-test" if found.backtest is None else f"{100 * found.backtest.relative_error:+.2f}%"
    if found.allocations:
        table = Table(box=None, pad_edge=False, header_style="bold")
        interval = f"{100 * found.fit.level:g}% interval"
        for heading in ("C (FLOPs)", "law", "N", interval, "D", interval, "loss", interval, "back-test"):
            table.add_column(heading, justify="left" if heading in ("law", interval) else "right", no_wrap=True)
        weak = {law.law for law in (found.fit, found.beside) if law is not None and not law.identified}
        for one in found.allocations:
            label = f"{one.law} (not identified)" if one.law in weak else one.law
            cells = []
            for name, value, style in (("n", one.n, ".3g"), ("d", one.d, ".3g"), ("loss", one.loss, ".4f")):
                low, high = one.intervals.get(name, (float("nan"), float("nan")))
                known = value == value
                cells += [f"{value:{style}}" if known else "–", f"{low:{style}} to {high:{style}}" if known else ""]
            table.add_row(f"{one.flops:.3g}", label, *cells, miss if one.law == found.fit.law else "")
        console.print(table)
    for point in found.points:
        low, high = point.interval
        click.echo(
            f"N = {point.n:.4g}, D = {point.d:.4g}: loss {point.loss:.4f} ({100 * found.fit.level:g}% {low:.4f} to "
            f"{high:.4f}), back-test {miss}"
        )
    click.echo(found.said)
    for note in (*found.notes, *found.fit.notes):
        click.echo(f"Note: {note}")
