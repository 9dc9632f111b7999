"""`workbench quickstart`: the main job, end to end."""

import time
from importlib.resources import as_file, files
from pathlib import Path

import click

from workbench.cli.backends import Where
from workbench.cli.output import emit, json_option, say
from workbench.cli.sweep import device_option, workers_option
from workbench.errors import WorkbenchError


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("quickstart"), show_default=True, metavar="DIR",
    help="Folder for the store and the report.",
)  # fmt: skip
@workers_option
@device_option
@json_option
def command(out: Path, workers: int | None, device: str, as_json: bool) -> None:
    """Prepare the default corpus, train the sweep `quickstart`, fit the laws, write the report, say what to do next.

    Needs no network and about seven minutes on two CPU cores. Interrupted, the same command resumes it.
    """
    started = time.perf_counter()
    from workbench.cli.sweep_execution import execute, make_plan
    from workbench.store import Store

    store = Store.create(out / "store")
    with as_file(files("workbench.sweeps") / "quickstart.toml") as definition:
        plan, corpus = make_plan(definition)
    result = execute(plan, corpus, store, Where(workers, device=device))
    if result.failed:
        raise WorkbenchError(
            f"{len(result.failed)} of {len(plan.runs)} runs failed, one by {next(iter(result.failed.values()))!r}; "
            "the same command tries them again"
        )
    trained = time.perf_counter() - started

    from workbench.analyses.scaling import study
    from workbench.analyses.scaling_report import report
    from workbench.analyses.scaling_words import summary_lines
    from workbench.cli.source import portable, read_source
    from workbench.reporting.outputs import write

    say("fitting the laws and writing the report")
    fitted = study(**read_source(store.folder, None, None), name="quickstart", source=portable(store.folder))
    paths = write(report(fitted), out / "report")
    lines = summary_lines(fitted)
    seconds = time.perf_counter() - started
    payload = {
        "store": store.folder,
        "runs": vars(result),
        "report": {name: str(path) for name, path in paths.items()},
        "summary": lines,
        "seconds": seconds,
        "app": f"workbench app {store.folder}",
    }

    def text() -> None:
        for line in lines:
            click.echo(line)
        click.echo(f"\nReport:   {paths['html']}")
        click.echo(f"Open app: workbench app {store.folder}")
        click.echo(f"{result.done} runs, {seconds:.0f} s in all, {trained:.0f} s of them up to the last run's end")

    emit(as_json, payload, text)
