"""`workbench sweep plan|run|status|logs|stop|export DEFINITION` and `sweep import`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.backends import Where, backend_at, backend_options, local_backend
from workbench.cli.imports import import_option
from workbench.cli.output import counted, emit, json_option, say
from workbench.cli.sweep_archive import export, import_
from workbench.cli.sweep_options import corpus_option, store_option
from workbench.cli.sweep_plan import lifelong, plan_payload, print_plan, spoken
from workbench.cli.sweep_watch import logs, stop
from workbench.errors import BadInput, Stopped, WorkbenchError

if TYPE_CHECKING:
    from workbench.corpus.shards import Corpus
    from workbench.runner.calibration import Calibrations
    from workbench.runner.local import LocalBackend
    from workbench.runner.plan import Plan, PlannedRun
    from workbench.runner.price import Price
    from workbench.runner.stopping import Asked
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
    from workbench.store import Store

    place = Where(**where)
    planned, opened = make_plan(definition, corpus, quietly=True)
    store = Store.create(store_path)
    warn_of_older_sources(planned, store)
    todo = missing(planned, store)
    if len(todo) == len(planned.runs):  # a sweep that is gone on with has been warned of
        say_warnings(planned.warnings)
    result = execute(planned, opened, store, place, pack, price, recalibrate)
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


def make_plan(definition: Path, corpus_folder: Path | None = None, quietly: bool = False) -> "tuple[Plan, Corpus]":
    """Read a definition, prepare its corpus or open it, expand it, and say what is worth a warning."""
    from workbench.runner.plan import read_plan

    planned, corpus = read_plan(definition, say, corpus_folder)
    if not quietly:
        say_warnings(planned.warnings)
    return planned, corpus


def say_warnings(warnings: Sequence[str]) -> None:
    """What a person should know before training, a line each."""
    for warning in warnings:
        say(f"Warning: {warning}")


def warn_of_older_sources(planned: "Plan", store: "Store") -> None:
    """Say why runs of a registered model that were done are to be trained again."""
    from workbench.runner.status import older_sources

    for sentence in older_sources(planned, store):
        say(f"Warning: {sentence}")


def chosen_device(planned: "Plan", device: str) -> str:
    """The command line's device, or the definition's; one that is not here is refused before anything is done."""
    from workbench.training.devices import pick_device

    chosen = _wanted_device(planned, device)
    pick_device(chosen)
    return chosen


def calibrations(anew: bool, check: "Callable[[], None]" = lambda: None) -> "Calibrations":
    """The times that this machine was measured at before; what has to be measured now is said, and `check` asked."""
    from workbench.runner.calibration import Calibrations, cache_path

    return Calibrations(cache_path(), anew, lambda: say("timing a few steps of training on this machine"), check)


def _wanted_device(planned: "Plan", device: str) -> str:
    return planned.runs[0].config.execution.device if device == "auto" else device


def timed(planned: "Plan", runs: "Sequence[PlannedRun]", device: str, times: "Calibrations") -> "Plan":
    """The plan with its runs' times estimated, by steps of `runs`."""
    from workbench.runner.cost import calibrate

    calibration = calibrate(runs, device, times)
    return planned.timed(calibration, calibration.timing)


def packed(
    planned: "Plan", runs: "Sequence[PlannedRun]", slots: int, device: str, pack: str, times: "Calibrations"
) -> "Plan":
    """The plan with those of `runs` packed that are faster so."""
    from workbench.runner.cost import with_packs

    return with_packs(planned, runs, slots, device, pack, times)


def price_on(backend: "LocalBackend", price: float | None) -> "Price | None":
    """The price of the command line, on the devices of a backend."""
    from workbench.runner.price import Price

    return None if price is None else Price.of_slots(price, [slot.device for slot in backend.slots])


def price_at(where: Where, planned: "Plan", price: float | None) -> "Price | None":
    """The price of the command line where the runs are executed; of other machines, a device by itself."""
    from workbench.runner.price import Price

    if price is None:
        return None
    if where.elsewhere:
        return Price(price, 1, where.per_device)
    device = chosen_device(planned, where.device)
    return price_on(local_backend(planned, where.workers, where.per_device, device), price)


def spent(runs: "Sequence[PlannedRun]", store: "Store", price: "Price | None") -> dict[str, Any]:
    """What those of the runs cost that are done by now, by the time that the store has of each."""
    assert price is not None
    rows = store.runs_by_id(run.run_id for run in runs)
    rows = rows[rows["seconds"].notna()]
    money = {str(run_id): price.of(seconds) for run_id, seconds in rows.set_index("run_id")["seconds"].items()}
    return price.to_dict() | {"runs": money, "money": sum(money.values())}


def execute(
    planned: "Plan",
    corpus: "Corpus",
    store: "Store",
    where: Where,
    pack: str = "auto",
    price: float | None = None,
    recalibrate: bool = False,
) -> "SweepResult":
    """Train what is missing of a plan, with live progress. It can be stopped while it prepares."""
    from workbench.cli.progress import SweepProgress
    from workbench.runner.status import missing
    from workbench.runner.stopping import being_run
    from workbench.runner.sweep import run_sweep

    wanted = _wanted_device(planned, where.device)
    # What other machines have, this one cannot say: it times its own steps, and the cluster refuses a device it lacks.
    here = "auto" if where.elsewhere and wanted != "cpu" else chosen_device(planned, where.device)
    with being_run(store, planned.name) as asked:
        times = calibrations(recalibrate, lambda: _refuse_to_begin(planned, asked))
        planned = timed(planned, missing(planned, store), here, times)
        left = {run.run_id for run in missing(planned, store)}
        with backend_at(where, planned, store, wanted) as backend:
            slots = len(backend.slots)
            planned = packed(planned, [run for run in planned.runs if run.run_id in left], slots, here, pack, times)
            _refuse_to_begin(planned, asked)
            todo = [run for run in planned.runs if run.run_id in left]
            if todo:
                say(_before(planned, todo, where, slots, price_at(where, planned, price)))
            with SweepProgress(planned, sum(run.seconds for run in todo), len(planned.runs) - len(todo)) as progress:
                return run_sweep(planned, corpus, store, backend, progress, asked)


def _refuse_to_begin(planned: "Plan", asked: "Asked") -> None:
    """Leave before anything trains, where somebody has asked the sweep to stop meanwhile."""
    if asked():
        raise Stopped(f"{planned.name} was asked to stop before it trained anything; run it again to begin")


def _before(planned: "Plan", todo: "Sequence[PlannedRun]", where: Where, slots: int, cost: "Price | None") -> str:
    """What is about to be trained, and what that takes."""
    from workbench.runner.plan import wall_seconds

    on = f"{slots} jobs of {where.backend} at a time" if where.elsewhere else counted(slots, "worker")
    if_so = ", were their machines as fast as this one" if where.elsewhere else ""
    seconds = wall_seconds(todo, slots)
    say_warnings(lifelong(planned, seconds))
    took = f"about {spoken(seconds)}{if_so} ({planned.timing.words})"
    money = f"; money {sum(cost.of(run.seconds) for run in todo):.3g} ({cost.words})" if cost else ""
    return f"{len(todo)} of {counted(len(planned.runs), 'run')} to train on {on}, {took}{money}"


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
