"""`workbench eval RUN PROBE…`: measure trained models with probes."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.imports import import_option
from workbench.cli.output import emit, json_option, say
from workbench.cli.sweep_options import store_option
from workbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Store


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("probes", metavar="PROBE...", nargs=-1, required=True)
@store_option
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="A probe's setting; VALUE may be JSON.")
@import_option
@json_option
def command(run: str, probes: tuple[str, ...], store_path: Path, assignments: tuple[str, ...], as_json: bool) -> None:
    """Measure trained models and record the rows in the store; measuring again replaces them.

    RUN is a run's id or its beginning, the name of a sweep, or `all`. The probes are perplexity (per token, word and
    byte), loss-by-position, longer-context (RoPE at 1, 2 and 4 times the trained context, as it was and interpolated),
    and task (exact match and probability of the answers to a task's test items).

    \b
    workbench eval r-3f2 perplexity loss-by-position
    workbench eval emergence task --set items=200
    workbench eval r-3f2 task --set task=addition --set 'settings={"digits": 2}'
    """
    import pandas as pd

    from workbench.evaluation import run_probes
    from workbench.runner.trained import load_trained
    from workbench.store import Store

    settings = parsed(assignments)
    store = Store(store_path)
    rows = chosen(store, run)
    frames = []
    for run_id, step in zip(rows["run_id"].tolist(), rows["steps"].tolist(), strict=True):
        say(f"{run_id}: {', '.join(probes)}")
        model, config, corpus = load_trained(store, run_id)
        frame = run_probes(model, corpus, probes, config, settings)
        store.write_evals(run_id, step, frame)
        frames.append(frame.assign(run_id=run_id, step=step))
    measured = pd.concat(frames, ignore_index=True)
    emit(as_json, {"store": store.folder, "rows": records(measured)}, lambda: show(measured))


def chosen(store: "Store", name: str) -> "pd.DataFrame":
    """The finished runs that a name stands for: `all`, a sweep's, or the one whose id begins with it."""
    runs = store.runs()
    if name == "all":
        wanted = runs
    elif name in {manifest["name"] for manifest in store.sweeps()}:
        wanted = runs[runs["run_id"].isin(members(store.manifest(name)))]
    else:
        wanted = runs[runs["run_id"] == store.run(name)["run_id"]]
    done = wanted[wanted["status"] == "done"]
    if done.empty:
        raise BadInput(f"{store.folder}: no run of {name!r} is done; train it first with `workbench sweep run`")
    if len(done) < len(wanted):
        say(f"Left out, not done: {', '.join(wanted.loc[wanted['status'] != 'done', 'run_id'])}")
    return done


def members(manifest: dict[str, Any]) -> set[str]:
    """The ids of a sweep's runs."""
    return {str(run["run_id"]) for run in manifest["runs"]}


def parsed(assignments: tuple[str, ...]) -> dict[str, Any]:
    """`key=value` pairs as a dict; a value that is not JSON is text."""
    settings: dict[str, Any] = {}
    for assignment in assignments:
        key, sign, value = assignment.partition("=")
        if not sign or not key:
            raise BadInput(f"--set {assignment!r}: give a setting and its value as KEY=VALUE")
        try:
            settings[key] = json.loads(value)
        except json.JSONDecodeError:
            settings[key] = value
    return settings


def records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Rows as JSON objects, their settings unpacked."""
    unpacked = frame.assign(settings=[json.loads(text) for text in frame["settings"]])
    rows: list[dict[str, Any]] = unpacked.to_dict("records")  # type: ignore[assignment]  # the names are text
    return rows


def show(frame: "pd.DataFrame") -> None:
    """Rows as a table for a person."""
    click.echo(f"{'run':<15} {'probe':<17} {'metric':<18} {'key':>8} {'value':>10}   ± 1 s.e.       n")
    for row in records(frame):
        error = "" if math.isnan(row["se"]) else f"{row['se']:.4g}"
        click.echo(
            f"{row['run_id']:<15} {row['probe']:<17} {row['metric']:<18} {row['key']:>8} {row['value']:>10.4f} "
            f"{error:>10} {row['n']:>7,}"
        )
