"""What a run spends beside its steps: `python -m tests.benchmarks.overhead`.

Real runs of `train`, whose evaluations, checkpoints, rows and logs are timed where they are called; the last step and
the final save included. The log is written as a worker of a sweep writes it, one line of JSON a row.

    --sizes 2x64 4x128 6x384    layers × width
    --seconds 60                of each run, about
    --eval-points N ...         evaluations along the way; unset, the default
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from tests.benchmarks.machine import facts
from tests.benchmarks.trainers import Choice, make_trainer
from tests.benchmarks.training_setup import Task, benchmark_corpus, parse_size, windows_of
from workbench.training import checkpoint
from workbench.training.evaluate import Evaluator, evaluations
from workbench.training.horizon import resolve
from workbench.training.recording import Recording, Row
from workbench.training.train import train

GOAL = 0.03
PARTS = ("evaluation", "checkpoints", "rows and log")


def main() -> None:
    """One line for each run."""
    parser = argparse.ArgumentParser(description="What a run spends beside its steps.")
    parser.add_argument("--sizes", nargs="+", default=["2x64", "4x128", "6x384"])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--eval-points", nargs="+", type=int, default=[None])
    parser.add_argument("--data", type=Path, default=None)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(*facts(), sep="\n")
    print(
        f"\n{'model':8s}{'steps':>7s}{'evals':>6s}{'seconds':>9s}", *(f"{part:>13s}" for part in PARTS), f"{'all':>8s}"
    )
    with tempfile.TemporaryDirectory() as temporary:
        corpus = benchmark_corpus(chosen.data or Path(temporary))
        for size in chosen.sizes:
            layers, width = parse_size(size)
            task = Task(layers, width, windows_of(width), corpus)
            steps = max(20, round(chosen.seconds / seconds_per_step(task)))
            for points in chosen.eval_points:
                print(line(size, task, steps, points), flush=True)
    print(f"\nGoal: under {GOAL:.0%} for all together.")


def seconds_per_step(task: Task) -> float:
    """The median of a few steps."""
    trainer = make_trainer(Choice("workbench"), task)
    taken = []
    for step in range(6):
        start = time.perf_counter()
        trainer.step(task.batch(step), step, 1e-3)
        taken.append(time.perf_counter() - start)
    return sorted(taken)[2]


def line(size: str, task: Task, steps: int, points: int | None) -> str:
    """Train, and say what share each part took."""
    config = task.run(steps, execution={"eval_points": points})
    evals = evaluations(config, resolve(config))
    with tempfile.TemporaryDirectory() as folder, clocks() as spent, (Path(folder) / "live").open("w") as live:

        def log(row: Row) -> None:
            live.write(json.dumps(row) + "\n")
            live.flush()

        start = time.perf_counter()
        train(config, task.corpus, Path(folder) / "checkpoints", log)
        total = time.perf_counter() - start
    shares = [spent[part] / total for part in PARTS]
    words = [f"{size:8s}{steps:7d}{evals:6d}{total:9.1f}", *(f"{share:13.2%}" for share in shares)]
    return " ".join([*words, f"{sum(shares):8.2%}"])


@contextmanager
def clocks() -> Iterator[dict[str, float]]:
    """Seconds of each part inside. A row contains its evaluation, which is taken off it."""
    spent: dict[str, float] = dict.fromkeys(PARTS, 0.0)

    def timed(work: Callable[..., Any], part: str, inside: Sequence[str] = ()) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            before, start = sum(spent[name] for name in inside), time.perf_counter()
            try:
                return work(*args, **kwargs)
            finally:
                within = sum(spent[name] for name in inside) - before
                spent[part] += time.perf_counter() - start - within

        return call

    with (
        patch.object(Evaluator, "__init__", timed(Evaluator.__init__, "evaluation")),
        patch.object(Evaluator, "__call__", timed(Evaluator.__call__, "evaluation")),
        patch.object(checkpoint, "save", timed(checkpoint.save, "checkpoints")),
        patch.object(Recording, "row", timed(Recording.row, "rows and log", ["evaluation"])),
    ):
        yield spent


if __name__ == "__main__":
    main()
