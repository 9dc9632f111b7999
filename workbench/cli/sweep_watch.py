"""`workbench sweep logs|stop DEFINITION`: a sweep that another terminal runs."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.imports import import_option
from workbench.cli.output import counted, emit, json_option, say
from workbench.cli.sweep_options import corpus_option, store_option
from workbench.errors import BadInput

if TYPE_CHECKING:
    from workbench.runner.plan import Plan
    from workbench.runner.watching import Said
    from workbench.store import Store


POLL_SECONDS = 0.5


@click.command()
@click.argument("definition", type=click.Path(path_type=Path))
@click.argument("run", required=False, metavar="[RUN]")
@store_option
@corpus_option
@click.option("--lines", type=click.IntRange(1), default=5, show_default=True, help="Newest rows and lines of each.")
@click.option("--follow", is_flag=True, help="Go on printing the rows of RUN until it ends.")
@import_option
@json_option
def logs(
    definition: Path, run: str | None, store_path: Path, corpus: Path | None, lines: int, follow: bool, as_json: bool
) -> None:
    """Print what the running and the failed runs of a sweep said last, and where others diverged; or what RUN, the
    beginning of an id, said.
    """
    from workbench.runner.status import statuses
    from workbench.runner.watching import live_size, said

    planned, store = _opened(definition, store_path, corpus)
    frame = statuses(planned, store).set_index("run_id")
    if run is None:
        if follow:
            raise BadInput("--follow: give the run to follow, `workbench sweep status` lists them")
        chosen = frame.index[frame["status"].isin(["running", "failed", "diverged"])].tolist()
    else:
        chosen = [_matching(planned, run, definition)]
    if follow and as_json:
        raise BadInput("--follow goes on printing lines, and --json prints one document; give one of them")
    offset = live_size(store, chosen[0]) if follow else 0
    found = {run_id: said(store, run_id, lines) for run_id in chosen}
    payload = [{"run_id": run_id, "status": frame["status"][run_id], **vars(one)} for run_id, one in found.items()]

    def text() -> None:
        for run_id, one in found.items():
            if run is None and frame["status"][run_id] == "diverged":
                click.echo(f"{run_id}  diverged: {one.error}")
            else:
                _print_said(run_id, str(frame["status"][run_id]), one, lines)
        if not found:
            click.echo(f"{planned.name}: nothing is running, and nothing has failed or diverged.")

    emit(as_json, payload, text)
    if follow:
        _follow(store, chosen[0], offset)


@click.command()
@click.argument("definition", type=click.Path(path_type=Path))
@store_option
@click.option("--corpus", hidden=True, expose_value=False)  # of no use here, but of the other commands'
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until every run has saved its work.")
@import_option
@json_option
def stop(definition: Path, store_path: Path, wait: bool, as_json: bool) -> None:
    """Have a sweep that runs elsewhere save its runs and leave with 75; `sweep run` resumes it."""
    from workbench.runner.definition import read_definition
    from workbench.runner.stopping import ask_to_stop, in_training, is_run
    from workbench.store import Store

    sweep = read_definition(definition).sweep.name
    if not store_path.exists():
        raise BadInput(
            f"{store_path}: there is no store yet; a sweep that still prepares its corpus is stopped by Ctrl-C"
        )
    store = Store(store_path)
    running, asked = is_run(store, sweep), in_training(store, sweep)
    if running:
        ask_to_stop(store, sweep)
        if asked:
            say(f"{sweep}: {counted(len(asked), 'run')} asked to save {'its' if len(asked) == 1 else 'their'} work")
        else:
            say(f"{sweep}: it trains nothing yet, and was asked not to begin")
    left = running
    while wait and left:
        time.sleep(POLL_SECONDS)
        left = is_run(store, sweep)
    payload = {"sweep": sweep, "asked": asked if running else [], "running": left}

    def text() -> None:
        if not running:
            click.echo(f"{sweep}: nobody runs it in {store.folder}.")
        elif not left:
            click.echo(f"{sweep}: stopped. Resume: workbench sweep run {definition} --store {store.folder}")

    emit(as_json, payload, text)


def _opened(definition: Path, store_path: Path, corpus: Path | None) -> "tuple[Plan, Store]":
    from workbench.runner.plan import read_plan
    from workbench.store import Store

    store = Store(store_path)
    planned, _ = read_plan(definition, say, corpus)
    return planned, store


def _matching(planned: "Plan", prefix: str, definition: Path) -> str:
    found = [run.run_id for run in planned.runs if run.run_id.startswith(prefix)]
    if len(found) != 1:
        what = "no run" if not found else f"{len(found)} runs"
        raise BadInput(
            f"{definition}: {what} with an id that begins with {prefix!r}; `workbench sweep plan` lists them"
        )
    return found[0]


def _print_said(run_id: str, status: str, one: "Said", lines: int) -> None:
    click.echo(f"{run_id}  {status}")
    for row in one.rows:
        click.echo(f"  {_row(row)}")
    for line in [*one.error.splitlines()[:1], *one.error.splitlines()[1:][-lines:], *one.printed]:
        click.echo(f"  {line}")


def _row(row: dict[str, Any]) -> str:
    held_out = f"  held-out loss {row['loss']:.4f}" if row["loss"] == row["loss"] else ""
    return (
        f"step {row['step']:>7}  {row['tokens']:>11,} tokens  {row['seconds']:>8.1f} s"
        f"  rate {row['learning_rate']:<8.3g}  gradient {row['grad_norm']:<8.3g}"
        f"  loss {row['train_loss']:.4f}{held_out}"
    )


def _follow(store: "Store", run_id: str, offset: int) -> None:
    """Print the rows of a run as they are made, until nobody trains it, and those of its end."""
    from workbench.runner.claims import held
    from workbench.runner.watching import live_rows, live_size

    step = 0
    while held(store, run_id):
        if live_size(store, run_id) < offset:  # begun anew
            offset = 0
        rows, offset = live_rows(store.live(run_id), offset)
        for row in rows:
            click.echo(f"  {_row(row)}")
            step = row["step"]
        time.sleep(POLL_SECONDS)
    if step and store.has_run(run_id):
        curve = store.curves(run_id)
        for _, late in curve[curve["step"] > step].iterrows():
            click.echo(f"  {_row({str(name): value for name, value in late.items()})}")
