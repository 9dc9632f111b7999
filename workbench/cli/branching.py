"""`workbench branching`: whether runs that branch off a trunk end where separate runs end."""

from pathlib import Path

import click

from workbench.cli.output import emit, json_option, note
from workbench.cli.sweep_options import store_option


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
    payload = {
        "pairs": found.pairs.to_dict("records"),
        "levels": found.levels.to_dict("records"),
        "noise": found.noise,
        "agreeing": found.agreeing,
        "flops_share": found.flops_share,
    }

    def text() -> None:
        click.echo(f"{'level':>10}  {'branched − separate':<20} 95% interval")
        for row in found.levels.to_dict("records"):
            click.echo(f"{row['level']:>10.4g}  {row['difference']:<+20.2%} {row['low']:+.2%} to {row['high']:+.2%}")
        near = ", ".join(f"{level:g}" for level in found.agreeing) or "no level"
        note(
            f"Seeds of one configuration differ by {found.noise:.2%} of the loss (one standard deviation). Branched "
            f"and separate runs agree within that at {near}; the branched sweep took {found.flops_share:.2f} of the "
            "FLOPs."
        )

    emit(as_json, payload, text)
