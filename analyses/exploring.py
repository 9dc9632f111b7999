"""Runs and curves as a reader asks for them: any axes, any grouping, and never a silent sample."""

import pandas as pd

from workbench.reporting.document import Figure
from workbench.reporting.figures import thin
from workbench.reporting.figures.explore import QUANTITIES, curves, scatter
from workbench.reporting.figures.pieces import plural

POINTS = 20_000
"""Points that a browser draws at ease in one figure of lines."""

FEWEST, MOST = 30, 400
"""Points of one run, at least and at most."""

CURVE_X = ("tokens", "step", "flops", "seconds")
CURVE_Y = ("train_loss", "loss", "bpb", "learning_rate", "grad_norm")
GROUPS = ("n_params", "budget", "tokens", "role", "rate_factor", "seed_init", "n_layer", "d_model", "sweep", "run_id")
"""What the curves may be drawn against, what of them, and what may colour them."""


def runs_figure(runs: pd.DataFrame, x: str, y: str, color: str) -> Figure:
    """Every run as a point."""
    shown = runs[list(dict.fromkeys(["run_id", x, y, color]))].reset_index(drop=True)
    missing = int(runs[[x, y]].isna().any(axis=1).sum())
    caption = f"{_of(y)} against {_of(x)}, coloured by {_of(color)}: {plural(len(runs) - missing, 'run')}"
    caption += f"; {plural(missing, 'run')} without a value left out" if missing else ""
    return Figure("runs", caption[0].upper() + caption[1:] + ".", scatter(runs, x, y, color), shown)


def curves_figure(
    runs: pd.DataFrame, rows: pd.DataFrame, x: str, y: str, color: str, log_x: bool = True, log_y: bool = True
) -> Figure:
    """The curves of `runs`, one line each, coloured by a column of `runs`."""
    chosen = rows[rows["run_id"].isin(runs["run_id"])].dropna(subset=[x, y])
    many = int(chosen["run_id"].nunique())
    per_run = min(max(POINTS // max(many, 1), FEWEST), MOST)
    drawn = thin(chosen.reset_index(drop=True), per_run)[list(dict.fromkeys(["run_id", x, y]))]
    figure = curves(runs, drawn, x, y, color, log_x, log_y)
    caption = f"{_of(y)} against {_of(x)}, coloured by {_of(color)}: {plural(many, 'run')}"
    if len(drawn) < len(chosen):
        caption += f"; of each run at most {per_run} evenly spaced points are drawn ({len(drawn):,} of {len(chosen):,})"
    else:
        caption += f", all {plural(len(chosen), 'recorded point')}"
    absent = len(runs) - many
    caption += f"; {plural(absent, 'run')} recorded none" if absent else ""
    return Figure("curves", caption[0].upper() + caption[1:] + ".", figure, drawn.reset_index(drop=True))


def _of(key: str) -> str:
    return QUANTITIES[key].title
