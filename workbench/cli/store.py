"""`workbench store`: look after a store."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.cli.output import counted, emit, json_option, size, working
from workbench.errors import BadInput

if TYPE_CHECKING:
    from workbench.store import Store


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
    behind = bool(changed) and any((folder / ".compact").glob("*.json"))
    payload = {"store": str(folder), "from": before, "to": store.version, "files": changed}

    def text() -> None:
        if before == store.version:
            click.echo(f"{folder} has the columns of schema version {store.version} already.")
        else:
            click.echo(f"{folder}: schema version {before} → {store.version}, {counted(changed, 'file')} written anew.")
            if behind:
                click.echo(f"Its compacted copies are behind now; `workbench store compact {folder}` makes them anew.")

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
    from workbench.store import Store
    from workbench.store.compaction import compact as bring_up_to_date
    from workbench.store.merging import replace_small

    store = Store(folder)
    if replace:
        _refuse_while_training(store, "--replace")
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


@command.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="STORE")
@json_option
def check(folder: Path, as_json: bool) -> int:
    """Say whether STORE is whole: torn files, other columns, orphans, flipped bits, leftovers.

    Every file is read. Exit codes: 0 nothing is wrong, 1 something is, 2 bad input.
    """
    from workbench.store import Store
    from workbench.store.checking import LOST, check_marker
    from workbench.store.checking import check as findings_of

    with working("Checking"):
        findings = check_marker(folder) or findings_of(Store(folder))
    wrong = [one for one in findings if one.wrong]

    def text() -> None:
        for one in sorted(findings, key=lambda one: not one.wrong):
            click.echo(f"{'WRONG' if one.wrong else 'note':6}{one.kind:22}{one.path}: {one.what}")
        if wrong:
            lost = all(one.kind in LOST for one in wrong)
            mends = f"`workbench store repair {folder}` mends what can be mended"
            cure = "no repair brings back what is lost" if lost else mends
            click.echo(f"{counted(len(wrong), 'thing')} wrong; {cure}.")
        else:
            click.echo(f"{folder}: nothing is wrong" + (f"; {counted(len(findings), 'note')}." if findings else "."))

    emit(as_json, {"store": str(folder), "wrong": len(wrong), "findings": [vars(one) for one in findings]}, text)
    return 1 if wrong else 0


@command.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="STORE")
@json_option
def repair(folder: Path, as_json: bool) -> None:
    """Mend what can be mended in STORE, and say what was done, what was lost and what makes it again.

    Torn files and curves of no run are moved to STORE/.broken/, never deleted. Nobody may use the store meanwhile.
    """
    from workbench.store import Store
    from workbench.store.repairing import repair as mend
    from workbench.store.repairing import repair_marker

    done = repair_marker(folder)
    store = Store(folder)
    _refuse_while_training(store, "repair")
    with working("Repairing"):
        done += mend(store)

    def text() -> None:
        for one in done:
            click.echo(f"{one.path}: {one.done}")
            if one.lost:
                click.echo(f"    lost: {one.lost}")
        if not done:
            click.echo(f"{folder}: there was nothing to mend.")

    emit(as_json, {"store": str(folder), "repairs": [vars(one) for one in done]}, text)


@command.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="STORE")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option(
    "--unknown", is_flag=True, help="Also checkpoints of runs that the table does not know: interrupted ones."
)
@json_option
def gc(folder: Path, dry_run: bool, unknown: bool, as_json: bool) -> None:
    """Remove checkpoints from STORE that nothing can resume or branch from; final weights stay.

    What goes: optimizer state and older steps of runs that are done, and all of runs that diverged. Runs in training
    are not touched.
    """
    from workbench.runner.claims import held
    from workbench.store import Store
    from workbench.store.garbage import collect

    store = Store(folder)
    gone = collect(store, lambda run_id: held(store, run_id), unknown, dry_run)
    freed = sum(one.bytes for one in gone)

    def text() -> None:
        for one in gone:
            click.echo(f"{size(one.bytes):>12}  {one.path}: {one.why}")
        verb = "would be freed" if dry_run else "freed"
        click.echo(f"{size(freed)} {verb} in {counted(len(gone), 'place')}.")

    payload = {"store": str(folder), "dry_run": dry_run, "bytes": freed, "removed": [vars(one) for one in gone]}
    emit(as_json, payload, text)


def _refuse_while_training(store: "Store", what: str) -> None:
    from workbench.runner.claims import any_held

    if running := any_held(store):
        raise BadInput(
            f"{store.folder}: {running[0]} is being trained; {what} is offline: stop the sweep with "
            "`workbench sweep stop`, or wait for its end"
        )
