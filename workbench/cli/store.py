"""`workbench store`: look after a store."""

from pathlib import Path

import click

from workbench.cli.output import emit, json_option


@click.group()
def command() -> None:
    """Look after a store.

    A store keeps the columns of the version it was made with; this version reads it all the same, with what is newer
    missing.
    """


@command.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="STORE")
@json_option
def migrate(folder: Path, as_json: bool) -> None:
    """Give an older STORE the columns of this version, empty for the runs it has. Nobody may use it meanwhile."""
    from workbench.store import Store

    store = Store(folder)
    before = store.version
    changed = store.migrate()
    payload = {"store": str(folder), "from": before, "to": store.version, "files": changed}

    def text() -> None:
        if before == store.version:
            click.echo(f"{folder} has the columns of schema version {store.version} already.")
        else:
            click.echo(f"{folder}: schema version {before} → {store.version}, {changed} files written anew.")

    emit(as_json, payload, text)
