"""`workbench store`: look after a store."""

from pathlib import Path

import click

from workbench.cli.output import counted, emit, json_option, size, working


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
@json_option
def compact(folder: Path, as_json: bool) -> None:
    """Keep a sorted copy of each table of STORE, which the workbench reads in place of thousands of small files.

    The small files stay; anybody may read and write the store meanwhile. Run it again when many runs have been added.
    """
    from workbench.store import Store
    from workbench.store.compaction import compact as bring_up_to_date

    with working("Compacting"):
        done = bring_up_to_date(Store(folder))

    def text() -> None:
        for one in done:
            left = f", {counted(len(one.left_out), 'file')} left out" if one.left_out else ""
            click.echo(
                f"{one.table:8}{counted(one.files, 'file'):>14}{counted(one.rows, 'row'):>18}"
                f"{size(one.bytes):>12}{one.seconds:>9.2f} s{left}"
            )

    emit(as_json, {"store": str(folder), "tables": [vars(one) for one in done]}, text)
