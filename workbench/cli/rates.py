"""`workbench rates`: the best learning rate at each width of a sweep."""

from pathlib import Path

import click

from workbench.cli.output import emit, json_option
from workbench.cli.source import seed_option
from workbench.cli.sweep_options import store_option


@click.command(epilog="Exit codes: 0 done, 2 bad input.")
@store_option
@click.option("--sweep", required=True, metavar="NAME", help="A sweep over widths and rates, from two seeds or more.")
@seed_option
@json_option
def command(store_path: Path, sweep: str, seed: int, as_json: bool) -> None:
    """Find the best learning rate at each width and under each parameterisation, with 95% intervals."""
    from workbench.analyses.rates import optima, points
    from workbench.store import Store

    store = Store(store_path)
    best = optima(points(store.runs(), store.manifest(sweep)), seed)

    def text() -> None:
        click.echo(f"{'parameterisation':<18}{'width':>6}{'best rate':>11}  {'95% interval':<18}{'loss':>7}  bracketed")
        for row in best.to_dict("records"):
            interval = f"{row['low']:.4f} to {row['high']:.4f}"
            click.echo(
                f"{row['parameterisation']:<18}{row['width']:>6}{row['rate']:>11.4f}  {interval:<18}"
                f"{row['loss']:>7.3f}  {'yes' if row['inside'] else 'no'}"
            )

    emit(as_json, {"sweep": sweep, "optima": best.to_dict("records")}, text)
