"""`workbench sweep plan|run|status|logs|stop|export DEFINITION` and `sweep import`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.backends import Where, backend_options, local_backend
from workbench.cli.imports import import_option
from workbench.cli.output import counted, emit, json_option
from workbench.cli.sweep_archive import export, import_
from workbench.cli.sweep_execution import (
    being_prepared,
    calibrations,
    chosen_device,
    execute,
    make_plan,
    packed,
    price_at,
    price_on,
    say_warnings,
    spent,
    timed,
    warn_of_older_sources,
)
from workbench.cli.sweep_options import corpus_option, store_option
from workbench.cli.sweep_plan import plan_payload, print_plan, spoken
from workbench.cli.sweep_watch import logs, stop
from workbench.errors import BadInput, WorkbenchError

if TYPE_CHECKING:
    from workbench.runner.plan import Plan
    from workbench.runner.sweep import SweepResult
    from workbench.store import Store

workers_option = click.option(
    "--workers", type=click.IntRange(1), help="Worker processes; by default one a core, or one a GPU."
)
per_device_option = click.option(
    "--per-device", type=click.IntRange(1), default=1, show_default=True, help="Runs side by side on a GPU."
)
device_option = click.option(
    "--device", default="auto", show_default=True,
    help="auto (the definition's, or a GPU where there is one), cpu, cuda, cuda:N or mps.",
)  # fmt: skip


pack_option = click.option(
    "--pack", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True,
    help="Train runs of one shape as one batched model: where measured to be faster, wherever possible, or not at all.",
)  # fmt: skip


price_option = click.option(
    "--price", type=click.FloatRange(0, min_open=True),
    help="Money for an hour of a device (a GPU, or else this machine), in any currency: what does each run cost?",
)  # fmt: skip
recalibrate_option = click.option(
    "--recalibrate", is_flag=True, help="Time steps anew, also those that this machine was timed at before."
)


@click.group()
def command() -> None:
    """Plan, run, watch, stop or hand on a sweep: a TOML definition of many trainings.

    \b
    workbench sweep plan sweeps/smoke.toml
    workbench sweep run sweeps/smoke.toml --store store
    """


@command.command()
@click.argument("definition", type=click.Path(path_type=Path))
@store_option
@workers_option
@per_device_option
@device_option
@pack_option
@price_option
@recalibrate_option
@corpus_option
@import_option
@json_option
def plan(
    definition: Path,
    corpus: Path | None,
    store_path: Path,
    workers: int | None,
    per_device: int,
    device: str,
    pack: str,
    price: float | None,
    recalibrate: bool,
    as_json: bool,
) -> None:
    """Print every run, and all in sum, with N, D, C, steps, memory, estimated time and money; train nothing."""
    planned, _ = make_plan(definition, corpus, quietly=True)
    device = chosen_device(planned, device)
    times = calibrations(recalibrate)
    planned = timed(planned, planned.runs, device, times)
    done = _done(planned, store_path)
    backend = local_backend(planned, workers, per_device, device)
    slots = len(backend.slots)
    planned = packed(planned, [run for run in planned.runs if run.run_id not in done], slots, device, pack, times)
    payload = plan_payload(planned, done, slots, price_on(backend, price))
    say_warnings(payload["warnings"])
    emit(as_json, payload, lambda: print_plan(planned, payload))


@command.command()
@click.argument("definition", type=click.Path(path_type=Path))
@store_option
@workers_option
@per_device_option
@device_option
@pack_option
@price_option
@recalibrate_option
@backend_options
@corpus_option
@import_option
@json_option
def run(
    definition: Path,
    corpus: Path | None,
    store_path: Path,
    pack: str,
    price: float | None,
    recalibrate: bool,
    as_json: bool,
    **where: Any,
) -> None:
    """Train what is missing of a sweep; running it again resumes and skips what is done."""
    from workbench.runner.status import missing

    place = Where(**where)
    with being_prepared(definition, corpus, store_path) as (planned, opened, store, asked):
        warn_of_older_sources(planned, store)
        todo = missing(planned, store)
        if len(todo) == len(planned.runs):  # a sweep that is gone on with has been warned of
            say_warnings(planned.warnings)
        result = execute(planned, opened, store, place, pack, price, recalibrate, asked)
    payload = {"sweep": planned.name, "store": store.folder, **vars(result)}
    if price is not None:
        payload["price"] = spent(todo, store, price_at(place, planned, price))
    emit(as_json, payload, lambda: _print_result(planned, store, result, definition, payload.get("price")))
    if result.failed:
        raise WorkbenchError(
            f"{len(result.failed)} of {counted(len(planned.runs), 'run')} failed; `workbench sweep status` lists them, "
            "and the same command tries them again"
        )


@command.command()
@click.argument("definition", type=click.Path(path_type=Path))
@store_option
@corpus_option
@import_option
@json_option
def status(definition: Path, corpus: Path | None, store_path: Path, as_json: bool) -> None:
    """Say of every run whether it is done, running, waiting, diverged or failed."""
    from workbench.runner.status import IDLE_SECONDS, statuses
    from workbench.store import Store

    planned, _ = make_plan(definition, corpus, quietly=True)
    if not store_path.exists():
        raise BadInput(
            f"{store_path}: there is no store yet, so nothing of {planned.name} is trained; begin with "
            f"`workbench sweep run {definition} --store {store_path}`"
        )
    store = Store(store_path)
    warn_of_older_sources(planned, store)
    frame = statuses(planned, store)
    counts = {str(name): int(number) for name, number in frame["status"].value_counts().items()}
    rows = frame.to_dict("records")
    payload = {"sweep": planned.name, "counts": counts, "runs": rows}

    def text() -> None:
        click.echo(f"{planned.name}: " + ", ".join(f"{number} {name}" for name, number in counts.items()))
        wide = max(len(f"{row['size']} at {row['level']:.3g}") for row in rows)
        for row in rows:
            loss = f"loss {row['loss']:.4f}" if row["loss"] == row["loss"] else ""
            idle = f"idle: no sign of a step for {spoken(row['idle'])}" if row["idle"] > IDLE_SECONDS else ""
            step, what = f"step {row['step']} of {row['steps']}", f"{row['size']} at {row['level']:.3g}"
            click.echo(f"  {row['run_id']}  {what:<{wide}}  {row['status']:<11} {step}  {loss}  {idle}".rstrip())

    emit(as_json, payload, text)


command.add_command(logs)
command.add_command(stop)
command.add_command(export)
command.add_command(import_)


def _print_result(
    planned: "Plan", store: "Store", result: "SweepResult", definition: Path, price: dict[str, Any] | None
) -> None:
    click.echo(
        f"{planned.name}: {result.done} done, {result.diverged} diverged, {len(result.failed)} failed "
        f"({result.trained_now} trained now)"
    )
    if price:
        click.echo(f"Money: {price['money']:.3g} for the {len(price['runs'])} runs trained now, {price['computed']}")
    if result.done:
        click.echo(f"Next: workbench report {store.folder}")
    elif result.diverged:
        click.echo(f"Where they diverged: workbench sweep logs {definition} --store {store.folder}")


def _done(planned: "Plan", store_path: Path) -> set[str]:
    from workbench.runner.status import missing
    from workbench.store import Store

    if not (store_path / "store.json").exists():
        return set()
    left = {run.run_id for run in missing(planned, Store(store_path))}
    return {run.run_id for run in planned.runs} - left
