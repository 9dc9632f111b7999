"""`workbench replicate NAME TABLE`: a published fit, made again from the table it was made from."""

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from workbench.cli.output import emit, json_option, say
from workbench.cli.source import resamples_option, seed_option
from workbench.errors import BadInput


@click.command(epilog="Exit codes: 0 done, 1 failed, 2 bad input.")
@click.argument("name")
@click.argument("table", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("replication"),
    show_default=True,
    help="Folder for report.html, report.md and report.json.",
)
@resamples_option
@seed_option
@json_option
def command(name: str, table: Path, out: Path, resamples: int, seed: int, as_json: bool) -> None:
    """Fit TABLE as the paper NAME did, and hold every number it printed against ours.

    NAME is hoffmann, besiroglu or muennighoff. The tables are the papers' own and do not ship with this package: the
    first two read the digitised figure 4 of Hoffmann et al. (columns params, flops, loss; Epoch AI publishes it), the
    third the 182 runs of Muennighoff et al. (columns params, tokens, unique_tokens, loss).
    """
    from workbench.analyses.replications import REPLICATIONS
    from workbench.reporting.document import check_folder
    from workbench.reporting.outputs import write

    if name not in REPLICATIONS:
        raise BadInput(f"NAME is '{name}'; it must be one of {', '.join(REPLICATIONS)}.")
    check_folder(out)
    say(f"{REPLICATIONS[name]} …")
    found = import_module(f"workbench.analyses.replications.{name}").analyse(table, resamples, seed)
    paths = write(found, out)
    payload: dict[str, Any] = {
        "name": name,
        "summary": list(found.summary),
        "files": {kind: str(path) for kind, path in paths.items()},
        "data": found.to_dict()["data"],
    }
    emit(as_json, payload, lambda: click.echo("\n".join([*found.summary, "", *(f"wrote {p}" for p in paths.values())])))
