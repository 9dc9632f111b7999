"""Figures of a sweep in training: a tile a run, and curves of which those in training stand out."""

import json

import numpy as np
import pandas as pd
from matplotlib.collections import QuadMesh

from workbench.reporting import static
from workbench.reporting.figures.live import LEAST_COLUMNS, STATE_COLORS, live_curves, run_states

RUNS = pd.DataFrame(
    {
        "run_id": ["r-1", "r-2", "r-3", "r-4"],
        "n_params": [1e3, 1e4, np.nan, 1e5],
        "size": "small",
        "status": ["done", "running", "interrupted", "waiting"],
        "words": ["one", "two", "three", "four"],
    }
)


def test_every_run_is_a_tile_of_its_state() -> None:
    names = list(STATE_COLORS)
    for many in (1, 4, 41, 500):
        runs = pd.concat([RUNS] * many, ignore_index=True).head(many)
        figure = run_states(runs)
        cells = [cell for line in figure.data[0].z for cell in line if cell is not None]
        assert [names[int(cell)] for cell in cells] == runs["status"].tolist()
        width = len(figure.data[0].z[0])
        assert width <= max(LEAST_COLUMNS, many) and all(len(line) == width for line in figure.data[0].z)
    legend = {trace.name for trace in run_states(RUNS).data[1:]}
    assert legend == {"1 done", "1 running", "1 interrupted", "1 waiting"}


def test_a_row_of_tiles_is_seen_in_print_too() -> None:
    axes = static.draw(json.loads(run_states(RUNS).to_json())).axes[0]
    (low, high) = sorted(axes.get_ylim())
    (mesh,) = axes.collections
    assert isinstance(mesh, QuadMesh)
    corners = np.asarray(mesh.get_coordinates(), dtype=float)
    assert (low, high) == (-0.5, 0.5) == (corners[..., 1].min(), corners[..., 1].max())


def test_runs_in_training_stand_out_and_end_in_a_point() -> None:
    rows = pd.DataFrame(
        [(f"r-{run}", 10.0 * step, 5.0 / step) for run in (1, 2, 3) for step in (1, 2, 3)],
        columns=["run_id", "tokens", "train_loss"],
    )
    figure = live_curves(RUNS, rows, "tokens", "train_loss")
    lines = {trace.name: trace for trace in figure.data if trace.name}
    assert set(lines) == {"ended", "in training", "interrupted"}
    assert lines["in training"].line.width > lines["ended"].line.width
    assert lines["in training"].marker.size == (0, 0, 9)
    assert list(lines["ended"].y) == [5.0, 2.5, 5.0 / 3]
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    plain = live_curves(RUNS, rows.assign(tokens=0.0), "tokens", "train_loss", log_x=False, log_y=False)
    assert plain.layout.xaxis.type is None and len(plain.data) >= 3
    assert "No run has recorded" in live_curves(RUNS, rows.iloc[:0], "tokens", "train_loss").layout.annotations[0].text
