"""Runs as a reader asks for them: any axes, any colour, and whoever is left out is counted."""

import pandas as pd

from workbench.reporting.document import Figure
from workbench.reporting.figures.explore import QUANTITIES, scatter
from workbench.reporting.figures.pieces import plural


def runs_figure(runs: pd.DataFrame, x: str, y: str, color: str) -> Figure:
    """Every run as a point."""
    shown = runs[list(dict.fromkeys(["run_id", x, y, color]))].reset_index(drop=True)
    missing = int(runs[[x, y]].isna().any(axis=1).sum())
    caption = f"{_of(y)} against {_of(x)}, coloured by {_of(color)}: {plural(len(runs) - missing, 'run')}"
    caption += f"; {plural(missing, 'run')} without a value left out" if missing else ""
    return Figure("runs", caption[0].upper() + caption[1:] + ".", scatter(runs, x, y, color), shown)


def _of(key: str) -> str:
    return QUANTITIES[key].title
