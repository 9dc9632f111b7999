"""`workbench figure NAME STORE`: a figure of the app, drawn by a command."""

from pathlib import Path
from typing import Any

import click

from workbench.cli.output import emit, json_option, say
from workbench.cli.source import SourcePath


@click.command()
@click.argument("name", required=False)
@click.argument("store", type=SourcePath(path_type=Path), required=False)
@click.option("--sweep", help="Only the runs of this sweep; without it, all of the store's.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="What is asked; may be given often.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("figures"), show_default=True, help="Folder.")
@json_option
def command(
    name: str | None, store: Path | None, sweep: str | None, settings: tuple[str, ...], out: Path, as_json: bool
) -> None:
    """Draw what a page of the app shows: the command under each of its figures.

    NAME is a view's; without it they are listed. STORE is not needed where no run is drawn. Of each figure HTML, CSV
        (the numbers drawn) and JSON (plotly's) are written, and SVG, PNG and PDF for print.

    Exit codes: 0 done, 2 bad input.
    """
    from workbench.analyses import views
    from workbench.analyses.selection import Selection
    from workbench.errors import BadInput
    from workbench.reporting.document import Figure, Text, check_folder
    from workbench.reporting.single_figure import write_figure
    from workbench.store import reference_store

    if name is None:
        listed = views.names()
        wide = max(map(len, listed)) + 2
        emit(as_json, listed, lambda: click.echo("\n".join(f"{key:{wide}}{text}" for key, text in listed.items())))
        return
    ask = views.asked(name, settings)
    if store is None and views.view(name).of_runs:
        raise BadInput("STORE is missing: give the folder of a store, or the word reference")
    selection = Selection(store or reference_store(), sweep)
    check_folder(out)
    say(f"Reading {store} …" if store else f"Drawing {name} …")
    blocks = views.view(name).draw(selection, ask)
    drawn = [block for block in blocks if isinstance(block, Figure)]
    if not drawn:
        said = " ".join(block.text for block in blocks if isinstance(block, Text))
        raise BadInput(f"{name} has nothing to draw: {said or 'the page says why'}")
    written = {figure.name: write_figure(figure, out) for figure in drawn}
    payload: dict[str, Any] = {
        "command": views.command(name, selection, ask),
        "figures": {figure.name: {"caption": figure.caption, "files": written[figure.name]} for figure in drawn},
    }

    def text() -> None:
        for figure in drawn:
            click.echo(figure.caption)
            for path in written[figure.name].values():
                click.echo(f"wrote {path}")

    emit(as_json, payload, text)
