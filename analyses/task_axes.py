"""A task's curves against N, D, C or the loss, each with its fitted thresholds."""

from typing import Annotated

import pandas as pd

from workbench.analyses import emergence
from workbench.analyses.ask import Ask, one_of
from workbench.analyses.emergence import BESIDE
from workbench.analyses.samples import members
from workbench.analyses.selection import Selection
from workbench.analyses.thresholds import AXES
from workbench.errors import BadInput
from workbench.reporting.document import Block, Text

HOW = (
    "`workbench eval RUN task --store STORE` measures one on a trained model (RUN is a run, a sweep or `all`); the "
    "definition `sweeps/emergence.toml` trains models on addition and measures them, so that there is something to see."
)


class TasksAsk(Ask):
    """Which task, against what, and which metric beside exact match."""

    x: Annotated[str, one_of(AXES)] = "n"
    beside: Annotated[str, one_of(BESIDE)] = "token_probability"
    task: str = ""
    """As `titles` names it; empty for all."""


def titles(selection: Selection) -> list[str]:
    """The tasks measured on a selection's runs."""
    return [one.title for one in emergence.measured(selection.runs, selection.evals)]


def view(selection: Selection, ask: TasksAsk) -> list[Block]:
    """The curves of a selection's tasks, or why there are none."""
    if not (names := titles(selection)):
        return [no_tasks(selection)]
    if ask.task and ask.task not in names:
        raise BadInput(f"task is '{ask.task}'; measured on these runs: {', '.join(names)}.")
    return blocks(selection.runs, selection.evals, ask)


def blocks(runs: pd.DataFrame, evals: pd.DataFrame, ask: TasksAsk, resamples: int = 200, seed: int = 0) -> list[Block]:
    """The curves of every task asked for; nothing where none was measured."""
    found: list[Block] = []
    for one in emergence.measured(runs, evals):
        if ask.task in ("", one.title):
            found += emergence.of_task(one, ask.x, ask.beside, resamples, seed)
    return found


def no_tasks(selection: Selection) -> Text:
    """What a page says where no task was measured: what was, where else in the store one was, and what to do."""
    probes = sorted(selection.evals["probe"].unique().tolist())
    said = "No task was measured on these runs"
    said += f", though {' and '.join(probes)} {'was' if len(probes) == 1 else 'were'}." if probes else "."
    if elsewhere := _sweeps_with_tasks(selection):
        names = " and ".join(f"`{name}`" for name in elsewhere)
        choose = f"choose it as the sweep, in the sidebar or by `--sweep {elsewhere[0]}`"
        return Text(
            f"{said} In this store {names} {'has' if len(elsewhere) == 1 else 'have'} one: {choose}.", note=True
        )
    return Text(f"{said} {HOW}", note=True)


def _sweeps_with_tasks(selection: Selection) -> list[str]:
    evals = selection.store.evals()
    tested = set(evals.loc[evals["probe"] == "task", "run_id"])
    return [str(manifest["name"]) for manifest in selection.manifests if tested & set(members(manifest))]
