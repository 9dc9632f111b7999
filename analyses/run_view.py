"""Runs as points of any two quantities, and as lines across many."""

from typing import Annotated

import pandas as pd

from workbench.analyses.ask import one_of
from workbench.analyses.choosing import RunsChosen
from workbench.analyses.exploring import runs_figure
from workbench.analyses.selection import Selection
from workbench.errors import BadInput
from workbench.reporting.document import Block, Figure, Text
from workbench.reporting.figures.explore import quantity
from workbench.reporting.figures.parallel import logarithmic, parallel
from workbench.reporting.figures.pieces import plural

X = ("flops", "n_params", "n_params_non_embedding", "tokens", "learning_rate", "batch_tokens", "rate_factor", "seconds")
Y = ("loss", "bpb", "train_loss", "seconds")
COLORS = ("n_params", "role", "budget", "tokens", "rate_factor", "n_layer", "d_model", "sweep", "status")

DIMENSIONS = ("n_params", "tokens", "flops", "learning_rate", "loss")
"""The axes that parallel coordinates open with; the last of all axes is the loss."""

MOST = 2000
"""Lines that parallel coordinates draw: of more nobody sees one, and a browser takes seconds."""

NONE = Text("No run passes these filters; take one away.")


class RunsAsk(RunsChosen):
    """Which runs, as points of what."""

    x: Annotated[str, one_of(X)] = X[0]
    y: Annotated[str, one_of(Y)] = Y[0]
    color: Annotated[str, one_of(COLORS)] = COLORS[0]


class ParallelAsk(RunsChosen):
    """Which runs, across which axes."""

    axes: tuple[str, ...] = DIMENSIONS
    """Columns of the runs, or keys of their configurations."""
    color: Annotated[str, one_of(Y)] = "loss"


def points(selection: Selection, ask: RunsAsk) -> list[Block]:
    """Each run a point."""
    runs = ask.of(selection.runs)
    return [NONE] if runs.empty else [runs_figure(runs, ask.x, ask.y, ask.color)]


def across(selection: Selection, ask: ParallelAsk) -> list[Block]:
    """Each run a line."""
    runs = ask.of(selection.runs)
    if runs.empty:
        return [NONE]
    frame = _frame(selection, runs, tuple(dict.fromkeys([*ask.axes, ask.color])))
    whole = frame.dropna().reset_index(drop=True)
    shown = whole.head(MOST)
    figure = parallel(shown, ask.axes, ask.color)
    said = f"Parallel coordinates of {plural(len(shown), 'run')}, coloured by {quantity(ask.color).title}"
    if len(shown) < len(whole):
        said += f"; they are the first of {len(whole):,} in the table: filter to see others"
    if missing := len(frame) - len(whole):
        said += f"; {plural(missing, 'run')} without a value on every axis left out"
    if scaled := logarithmic(shown, ask.axes):
        said += f"; logarithmic: {', '.join(quantity(name).title.partition(' [')[0] for name in scaled)}"
    said += (
        ". Drag along an axis to highlight the runs that pass there, along several for those that "
        "pass all; click on the axis to let go; drag a name to move its axis."
    )
    return [Figure("parallel", said, figure, shown)]


def axes(selection: Selection) -> list[str]:
    """What an axis may show: numbers of the runs that are not all the same, and keys that vary."""
    runs = selection.runs
    numbers = [name for name in dict.fromkeys([*DIMENSIONS, *X, *Y, *COLORS]) if name in runs.columns]
    varying = selection.configs.columns[: selection.keys_that_vary]
    return [*numbers, *(key for key in varying if key not in numbers)]


def _frame(selection: Selection, runs: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    keys = [name for name in names if name not in runs.columns]
    if unknown := [name for name in keys if name not in selection.configs.columns]:
        raise BadInput(f"axes: {unknown[0]} is no column of the runs and no key; take of {', '.join(axes(selection))}")
    wide = runs.join(selection.configs[keys], on="run_id") if keys else runs
    return wide[["run_id", *names]]
