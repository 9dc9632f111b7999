"""`workbench store`: look after a store."""

from pathlib import Path

import click

from workbench.cli.output import counted, emit, json_option, size, working
from workbench.errors import BadInput


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


@command.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="STORE")
@click.option("--replace", is_flag=True, help="Put one file per table in the place of the small ones. Offline.")
@json_option
def compact(folder: Path, replace: bool, as_json: bool) -> None:
    """Keep a sorted copy of each table of STORE, which the workbench reads in place of thousands of small files.

    The small files stay; anybody may read and write the store meanwhile. Run it again when many runs have been added.
    With --replace the rows move into one file per table and the small files go. That is offline: nobody may use the
    store, and it is refused while a run is being trained.
    """
    from workbench.runner.claims import any_held
    from workbench.store import Store
    from workbench.store.compaction import compact as bring_up_to_date
    from workbench.store.merging import replace_small

    store = Store(folder)
    if replace and (running := any_held(store)):
        raise BadInput(
            f"{folder}: {running[0]} is being trained; --replace is offline: stop the sweep with "
            "`workbench sweep stop`, or wait for its end"
        )
    with working("Replacing" if replace else "Compacting"):
        done = replace_small(store) if replace else bring_up_to_date(store)

    def text() -> None:
        if replace:
            click.echo("Offline: nobody may read or write the store during this.")
        for one in done:
            left = getattr(one, "left_out", ()) or getattr(one, "kept", ())
            more = (
                f"; {counted(len(left), 'small file')} kept as {'it is' if len(left) == 1 else 'they are'}"
                if left
                else ""
            )
            click.echo(
                f"{one.table:8}{counted(one.files, 'file'):>14}{counted(one.rows, 'row'):>18}"
                f"{size(one.bytes):>12}{one.seconds:>9.2f} s{more}"
            )

    emit(as_json, {"store": str(folder), "replaced": replace, "tables": [vars(one) for one in done]}, text)
