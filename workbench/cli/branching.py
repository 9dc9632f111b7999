"""`workbench branching`: whether runs that branch off a trunk end where separate runs end."""

from pathlib import Path

import click

from workbench.cli.output import emit, json_option
from workbench.cli.sweep import store_option


@click.command(epilog="Exit codes: 0 done, 2 bad input.")
@click.argument("branched")
@click.argument("separate")
@store_option
@json_option
def command(branched: str, separate: str, store_path: Path, as_json: bool) -> None:
    """Compare the losses of the sweep BRANCHED with those of SEPARATE, of the same sizes, levels and seeds."""
    from workbench.analyses.branching import compare
    from workbench.store import Store

    store = Store(store_path)
    found = compare(store.runs(), store.manifest(branched), store.manifest(separate))
    payload = {**vars(found), "pairs": found.pairs.to_dict("records"), "agree": found.agree}

    def text() -> None:
        click.echo(f"{'N':>10}{'level':>12}{'seed':>6}{'branched':>10}{'separate':>10}{'difference':>12}")
        for row in found.pairs.to_dict("records"):
            share = row["branched"] / row["separate"] - 1
            click.echo(
                f"{row['n_params']:>10,}{row['level']:>12.4g}{row['seed_init']:>6}{row['branched']:>10.4f}"
                f"{row['separate']:>10.4f}{share:>+12.2%}"
            )
        click.echo(
            f"On average branched runs end {found.difference:+.2%} (95% interval {found.low:+.2%} to "
            f"{found.high:+.2%}) from separate ones; seeds of one configuration differ by {found.noise:.2%} (one "
            f"standard deviation): {'within' if found.agree else 'not within'} the noise of seeds, at "
            f"{found.flops_share:.2f} of the FLOPs."
        )

    emit(as_json, payload, text)
