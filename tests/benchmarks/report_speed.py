"""How long the report of a large sweep takes: `python -m tests.benchmarks.report_speed [--runs 500] [--out FOLDER]`.

The sweep is simulated: eight budgets over four decades, sizes around each optimum, four seeds of every point. Timed are
the study (every law, its intervals and its back-tests), the report's words and figures, and the writing of each format;
PDF stands apart, since it is the one that a goal leaves out.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from tests.benchmarks.machine import facts, readable, timed
from tests.factories import Plan, Shape, law, make_runs
from workbench.analyses.scaling import ScalingStudy, study
from workbench.analyses.scaling_report import report
from workbench.reporting.outputs import FORMATS, write

T = TypeVar("T")

GOAL = 15.0
"""Seconds of a report of 500 runs, PDF left out."""

SEEDS, SIZES, POINTS = 4, 16, 200


def main() -> None:
    """Make the sweep, time each part, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--out", type=Path, help="Where to leave the report; else it is removed.")
    asked = parser.parse_args()
    print(*facts(), sep="\n")
    runs, curves, evals = make_runs(0, list(plans(asked.runs)), POINTS)
    print(f"{len(runs)} runs of {POINTS} points")
    with tempfile.TemporaryDirectory() as temporary:
        measure(lambda: study(runs, curves, evals, name="simulated"), asked.out or Path(temporary))


def measure(make: Callable[[], ScalingStudy], out: Path) -> None:
    """Print what each part takes, and the sum without PDF; CPU seconds say what a quiet machine would take."""
    total = 0.0
    result = timed_line("study", make)
    document = timed_line("report", lambda: report(result[0]))
    total += result[1] + document[1]
    rest = tuple(kind for kind in FORMATS if kind != "pdf")
    total += timed_line("files", lambda: write(document[0], out, rest))[1]
    print(f"{'all but pdf':12} {readable(total)}, goal {readable(GOAL)}")
    timed_line("pdf", lambda: write(document[0], out, ("pdf",)))


def timed_line(name: str, work: Callable[[], T]) -> tuple[T, float]:
    """Do it, print its wall-clock and CPU seconds, return the first with what was made."""
    before = time.process_time()
    made, taken = timed(work)
    print(f"{name:12} {readable(taken)} ({readable(time.process_time() - before)} of CPU)", flush=True)
    return made, taken


def plans(many: int) -> Iterator[Plan]:
    """So many runs: budgets × sizes around each optimum × seeds."""
    shapes = [Shape(max(1, round(width / 40)), int(width)) for width in np.geomspace(8, 512, 48).round(-1) if width > 0]
    per_budget = -(-many // (8 * SEEDS))
    planned = 0
    for budget in 1e11 * 10.0 ** (np.arange(8) * 4 / 7):
        losses = [law(shape.n, budget / shape.flops_per_token) for shape in shapes]
        first = min(max(int(np.argmin(losses)) - per_budget // 2, 0), len(shapes) - per_budget)
        for shape in shapes[first : first + per_budget]:
            for seed in range(SEEDS):
                if planned == many:
                    return
                planned += 1
                tokens = round(budget / shape.flops_per_token)
                yield Plan(shape, tokens, float(budget), "seed" if seed else "grid", seed=seed)


if __name__ == "__main__":
    main()
