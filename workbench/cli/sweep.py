"""`workbench sweep plan|run|status|logs|stop DEFINITION`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.backends import Where, backend_at, backend_options, local_backend
from workbench.cli.imports import import_option
from workbench.cli.output import emit, json_option, say
from workbench.cli.sweep_watch import logs, stop
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.corpus.shards import Corpus
    from workbench.runner.plan import Plan, PlannedRun
    from workbench.runner.sweep import SweepResult
    from workbench.store import Store

store_option = click.option(
    "--store", "store_path", type=click.Path(path_type=Path), default=Path("store"), show_default=True, metavar="DIR",
    help="The store's folder.",
)  # fmt: skip
workers_option = click.option(
    "--workers", type=click.IntRange(1), help="Worker processes; by default one a core, or --per-device on every GPU."
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


IDLE_SECONDS = 60.0
"""From here on it is said how long a running run has given no sign of a step."""


@click.group()
def command() -> None:
    """Plan, run, watch or stop a sweep: a TOML definition of many trainings.

    \b
    workbench sweep plan sweeps/smoke.toml
    workbench sweep run sweeps/smoke.toml --store store
    """


@command.command()
@click.argument("definition", type=click.Path(path_type=Path))
@store_option
@workers_option
@device_option
@pack_option
@import_option
@json_option
def plan(definition: Path, store_path: Path, workers: int | None, device: str, pack: str, as_json: bool) -> None:
    """Print every run with N, D, C, estimated time and memory; train nothing."""
    planned, _ = make_plan(definition)
    device = chosen_device(planned, device)
    planned = timed(planned, planned.runs, device)
    done = _done(planned, store_path)
    slots = len(local_backend(planned, workers, 1, device).slots)
    planned = packed(planned, [run for run in planned.runs if run.run_id not in done], slots, device, pack)
    payload = plan_payload(planned, done, slots)
    emit(as_json, payload, lambda: _print_plan(planned, payload))


@command.command()
@click.argument("definition", type=click.Path(path_type=Path))
@store_option
@workers_option
@per_device_option
@device_option
@pack_option
@backend_options
@import_option
@json_option
def run(definition: Path, store_path: Path, pack: str, as_json: bool, **where: Any) -> None:
    """Train what is missing of a sweep; running it again resumes and skips what is done."""
    from workbench.store import Store

    place = Where(**where)
    planned, corpus = make_plan(definition)
    store = Store.create(store_path)
    warn_of_older_sources(planned, store)
    result = execute(planned, corpus, store, place, pack)
    payload = {"sweep": planned.name, "store": store.folder, **vars(result)}
    emit(as_json, payload, lambda: _print_result(planned, store, result))
    if result.failed:
        raise WorkbenchError(
            f"{len(result.failed)} of {len(planned.runs)} runs failed; `workbench sweep status` lists them, "
            "and the same command tries them again"
        )


@command.command()
@click.argument("definition", type=click.Path(path_type=Path))
@store_option
@import_option
@json_option
def status(definition: Path, store_path: Path, as_json: bool) -> None:
    """Say of every run whether it is done, running, waiting, diverged or failed."""
    from workbench.runner.status import statuses
    from workbench.store import Store

    planned, _ = make_plan(definition)
    store = Store(store_path)
    warn_of_older_sources(planned, store)
    frame = statuses(planned, store)
    counts = {str(name): int(number) for name, number in frame["status"].value_counts().items()}
    rows = frame.to_dict("records")
    payload = {"sweep": planned.name, "counts": counts, "runs": rows}

    def text() -> None:
        click.echo(f"{planned.name}: " + ", ".join(f"{number} {name}" for name, number in counts.items()))
        for row in rows:
            loss = f"loss {row['loss']:.4f}" if row["loss"] == row["loss"] else ""
            idle = f"no sign of a step for {spoken(row['idle'])}" if row["idle"] > IDLE_SECONDS else ""
            step = f"step {row['step']} of {row['steps']}"
            click.echo(f"  {row['run_id']}  {row['status']:<11} {step}  {loss}  {idle}".rstrip())

    emit(as_json, payload, text)


command.add_command(logs)
command.add_command(stop)


def make_plan(definition: Path) -> "tuple[Plan, Corpus]":
    """Read a definition, prepare its corpus, expand it, and say what is worth a warning."""
    from workbench.runner.plan import read_plan

    planned, corpus = read_plan(definition, say)
    for warning in planned.warnings:
        say(f"Warning: {warning}")
    return planned, corpus


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


def _wanted_device(planned: "Plan", device: str) -> str:
    return planned.runs[0].config.execution.device if device == "auto" else device


def timed(planned: "Plan", runs: "Sequence[PlannedRun]", device: str) -> "Plan":
    """The plan with the times of `runs` estimated."""
    from workbench.runner.cost import calibrate

    if runs:
        say("timing a few steps of training on this machine")
    return planned.timed(calibrate(runs, device))


def packed(planned: "Plan", runs: "Sequence[PlannedRun]", slots: int, device: str, pack: str) -> "Plan":
    """The plan with those of `runs` packed that are faster so."""
    from workbench.runner.cost import with_packs

    return with_packs(planned, runs, slots, device, pack)


def execute(planned: "Plan", corpus: "Corpus", store: "Store", where: Where, pack: str = "auto") -> "SweepResult":
    """Train what is missing of a plan, with live progress."""
    from workbench.cli.progress import SweepProgress
    from workbench.runner.plan import wall_seconds
    from workbench.runner.status import missing
    from workbench.runner.sweep import run_sweep

    wanted = _wanted_device(planned, where.device)
    # What other machines have, this one cannot say: it times its own steps, and the cluster refuses a device it lacks.
    here = "auto" if where.elsewhere and wanted != "cpu" else chosen_device(planned, where.device)
    planned = timed(planned, missing(planned, store), here)
    todo = missing(planned, store)
    with backend_at(where, planned, store, wanted) as backend:
        planned = packed(planned, todo, len(backend.slots), here, pack)
        if todo:
            wall = spoken(wall_seconds(todo, len(backend.slots)))
            what = f"jobs of {where.backend} at a time" if where.elsewhere else "workers"
            if_so = ", were their machines as fast as this one" if where.elsewhere else ""
            many = f"{len(todo)} of {len(planned.runs)} runs to train on {len(backend.slots)} {what}"
            say(f"{many}, about {wall}{if_so}")
        with SweepProgress(planned, sum(run.seconds for run in todo), len(planned.runs) - len(todo)) as progress:
            return run_sweep(planned, corpus, store, backend, progress)


def plan_payload(planned: "Plan", done: set[str], slots: int) -> dict[str, Any]:
    """A plan as JSON."""
    from workbench.runner.plan import wall_seconds

    todo = [run for run in planned.runs if run.run_id not in done]
    runs = [
        {
            "run_id": run.run_id,
            "size": run.size,
            "role": run.role,
            "level": run.level,
            "n_params": run.counts.n_params,
            "n_params_non_embedding": run.counts.n_params_non_embedding,
            "tokens": run.horizon.tokens,
            "flops": run.horizon.flops,
            "flops_6nd": run.horizon.flops_6nd,
            "steps": run.horizon.steps,
            "batch_tokens": run.horizon.batch_tokens,
            "learning_rate": run.horizon.learning_rate,
            "reasons": run.horizon.reasons,
            "seconds": run.seconds,
            "memory_bytes": run.memory_bytes,
            "done": run.run_id in done,
        }
        for run in planned.runs
    ]
    return {
        "sweep": planned.name,
        "runs": runs,
        "total_flops": sum(run.horizon.flops for run in planned.runs),
        "todo": len(todo),
        "seconds": wall_seconds(todo, slots),
        "workers": slots,
        "warnings": list(planned.warnings),
        "packs": [list(members) for members in planned.packs],
    }


def spoken(seconds: float) -> str:
    """A duration for a person."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _print_plan(planned: "Plan", payload: dict[str, Any]) -> None:
    click.echo(
        "run_id          size       role        N         D         C  steps  batch      rate      time    memory"
    )
    for run in payload["runs"]:
        click.echo(
            f"{run['run_id']}  {run['size']:<9}  {run['role']:<4} {run['n_params']:>8,} {run['tokens']:>9.3g}"
            f" {run['flops']:>9.3g} {run['steps']:>6} {run['batch_tokens']:>6} {run['learning_rate']:>9.3g}"
            f" {spoken(run['seconds']):>9} {run['memory_bytes'] / 2**20:>6.0f} MiB{'  done' if run['done'] else ''}"
        )
    click.echo(
        f"{planned.name}: {len(planned.runs)} runs, {payload['total_flops']:.3g} FLOPs; {payload['todo']} left, "
        f"about {spoken(payload['seconds'])} on {payload['workers']} workers (measured on this machine just now)"
    )
    if planned.packs:
        many = sum(map(len, planned.packs))
        click.echo(f"{many} of them in {len(planned.packs)} packs, each trained as one batched model")


def _print_result(planned: "Plan", store: "Store", result: "SweepResult") -> None:
    click.echo(
        f"{planned.name}: {result.done} done, {result.diverged} diverged, {len(result.failed)} failed "
        f"({result.trained_now} trained now)\nNext: workbench report {store.folder}"
    )


def _done(planned: "Plan", store_path: Path) -> set[str]:
    from workbench.runner.status import missing
    from workbench.store import Store

    if not (store_path / "store.json").exists():
        return set()
    left = {run.run_id for run in missing(planned, Store(store_path))}
    return {run.run_id for run in planned.runs} - left
