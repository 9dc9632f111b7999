"""`workbench sweep export|import`: a sweep as one file."""

from pathlib import Path

import click

from workbench.cli.imports import import_option
from workbench.cli.output import counted, emit, json_option, say
from workbench.cli.sweep_options import corpus_option, store_option


@click.command("export")
@click.argument("definition", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path), metavar="ARCHIVE.tar.gz")
@store_option
@corpus_option
@click.option("--weights", is_flag=True, help="With the final weights of every run.")
@click.option("--without-corpus", is_flag=True, help="Leave the prepared corpus out.")
@import_option
@json_option
def export(
    definition: Path,
    out: Path,
    store_path: Path,
    corpus: Path | None,
    weights: bool,
    without_corpus: bool,
    as_json: bool,
) -> None:
    """Write a sweep's definition, finished runs and corpus as one archive, from which it can be trained elsewhere."""
    from workbench.runner.archive import check_new_archive, export_sweep
    from workbench.runner.plan import read_plan
    from workbench.store import Store

    check_new_archive(out)
    store = Store(store_path)
    planned, opened = read_plan(definition, say, corpus)
    packed = export_sweep(store, planned.name, definition, None if without_corpus else opened, out, weights)
    for sentence in packed.missing:
        say(f"Warning: {sentence}")
    if packed.missing:
        say(f"`workbench store check {store_path}` says more of what the store has lost")
    payload = {"sweep": planned.name, "archive": out, "bytes": out.stat().st_size, **vars(packed)}

    def text() -> None:
        many = f"{len(packed.runs)} of {counted(len(planned.runs), 'run')}"
        click.echo(f"{out}: {many} of {planned.name}, {out.stat().st_size / 1e6:.1f} MB")
        click.echo(f"Elsewhere: workbench sweep import {out.name} --store store")

    emit(as_json, payload, text)


@click.command("import")
@click.argument("archive", type=click.Path(path_type=Path))
@store_option
@json_option
def import_(archive: Path, store_path: Path, as_json: bool) -> None:
    """Take the runs of an archive into a store, which is made where there is none."""
    from workbench.runner.archive import import_sweep

    found = import_sweep(archive, store_path)
    payload = vars(found)

    def text() -> None:
        click.echo(f"{found.sweep}: {len(found.new)} runs imported, {len(found.known)} were here already")
        if found.other:
            click.echo(
                f"{len(found.other)} were here with another loss, and were kept as they are: {', '.join(found.other)}"
            )
        corpus = f" --corpus {found.folder / 'corpus'}" if (found.folder / "corpus").is_dir() else ""
        click.echo(f"Train it again: workbench sweep run {found.folder / 'definition.toml'}{corpus} --store OTHER")

    emit(as_json, payload, text)
