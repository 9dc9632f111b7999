"""Training curves as a reader asks for them: any axes, any grouping, and never a silent sample."""

from typing import Annotated

from workbench.analyses.ask import Ask, one_of
from workbench.analyses.exploring import curves_figure
from workbench.analyses.selection import Selection
from workbench.reporting.document import Block

X = ("tokens", "step", "flops", "seconds")
Y = ("train_loss", "loss", "bpb", "learning_rate", "grad_norm")
GROUPS = ("n_params", "budget", "tokens", "role", "rate_factor", "seed_init", "n_layer", "d_model", "sweep", "run_id")


class CurvesAsk(Ask):
    """Which curves, against what."""

    x: Annotated[str, one_of(X)] = "tokens"
    y: Annotated[str, one_of(Y)] = "train_loss"
    group: Annotated[str, one_of(GROUPS)] = "n_params"
    log_x: bool = True
    log_y: bool = True
    budgets: tuple[float, ...] = ()
    """Only runs of these; all where none is named."""
    runs: tuple[str, ...] = ()
    """Only these; all where none is named."""


def blocks(selection: Selection, ask: CurvesAsk) -> list[Block]:
    """The figure."""
    runs = selection.runs
    if ask.budgets:
        runs = runs[runs["budget"].isin(ask.budgets)]
    if ask.runs:
        runs = runs[runs["run_id"].isin(ask.runs)]
    return [curves_figure(runs, selection.curves, ask.x, ask.y, ask.group, ask.log_x, ask.log_y)]
