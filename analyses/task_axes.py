"""A task's curves against N, D, C or the loss; against N with the fitted thresholds."""

from typing import Annotated

import pandas as pd

from workbench.analyses import emergence
from workbench.analyses.ask import Ask, one_of
from workbench.analyses.selection import Selection
from workbench.reporting import figures
from workbench.reporting.document import Block, Figure, Text
from workbench.reporting.figures.pieces import plural
from workbench.reporting.inline import slug

AXES = {"n": "parameters N", "d": "tokens D", "c": "compute C", "loss": "held-out loss"}
"""Column of the task's points → what it is."""

NO_TASKS = Text(
    "No task was measured on these runs. `workbench eval RUN task --store STORE` measures one on a trained model; the "
    "sweep `emergence.toml` trains models on addition so that there is something to see.",
    note=True,
)
"""What a page says where there are no measurements."""


class TasksAsk(Ask):
    """Against what."""

    x: Annotated[str, one_of(AXES)] = "n"


def view(selection: Selection, ask: TasksAsk) -> list[Block]:
    """The curves of a selection's tasks."""
    return blocks(selection.runs, selection.evals, ask.x)


def blocks(runs: pd.DataFrame, evals: pd.DataFrame, x: str = "n", resamples: int = 200, seed: int = 0) -> list[Block]:
    """The curves of every task measured; nothing where none was."""
    if x == "n":
        return emergence.blocks(runs, evals, resamples, seed)
    found: list[Block] = []
    for task, of, shown in emergence.measured(runs, evals):
        title = f"{task} ({of})" if of else task
        caption = (
            f"{title}: exact match and the mean probability of an answer's token against {AXES[x]}, "
            f"{plural(shown['run_id'].nunique(), 'run')}; bars are one standard error over test items. Thresholds are "
            "fitted in N alone."
        )
        data = shown[[x, "metric", "key", "value", "se", "items", "run_id"]]
        found.append(Figure(f"task-{slug(title)}-{x}", caption, figures.emergence(shown, None, x), data))
    return found
