"""How planning and watching grow with the number of runs: `python -m tests.benchmarks.plan_scale`.

A sweep of sizes × levels × seeds over a small corpus is read, expanded, resolved, counted and identified; then `status`
is asked of a store that holds all of its runs as finished ones, their curves made up. No model is trained. Beside the
time on the clock stands that of the processor, which other work on the machine changes less.

    --plans 1000 10000 100000     runs of the plans
    --stores 1000 10000           runs of the stores
    --points 10 1000              rows of each run's curve: memory should not follow them
    --profile                     print where the time of the largest plan goes
"""

import argparse
import cProfile
import pstats
import resource
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast
from unittest.mock import patch

import numpy as np
import pandas as pd
from torch import nn

from tests.benchmarks.machine import facts, readable
from workbench.corpus.shards import Corpus
from workbench.models.build import Model
from workbench.runner.plan import Plan, read_plan
from workbench.runner.rows import run_row
from workbench.runner.status import statuses
from workbench.store import Store
from workbench.training.train import Outcome

GOAL_SECONDS = 5.0
"""Of a plan of 100,000 runs."""
HEAD = (f"{'clock':>10s}", f"{'processor':>11s}", f"{'µs a run':>10s}")
LEVELS = 10
SIZES = 100

T = TypeVar("T")


def main() -> None:
    """A line for each plan and each store."""
    parser = argparse.ArgumentParser(description="How planning and watching grow with the number of runs.")
    parser.add_argument("--plans", nargs="+", type=int, default=[1_000, 10_000, 100_000])
    parser.add_argument("--stores", nargs="+", type=int, default=[1_000, 10_000])
    parser.add_argument("--points", nargs="+", type=int, default=[10, 1_000])
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    print(*facts(), sep="\n")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        plan_of(folder, LEVELS)  # the corpus is prepared, and everything imported
        print(f"\n{'planned':>9s}", *HEAD, f"{'memory of the plan':>26s}", sep="")
        for runs in chosen.plans:
            print(planned_line(folder, runs), flush=True)
        if chosen.profile:
            profiled(lambda: plan_of(folder, max(chosen.plans)))
        print(f"\n{'in store':>9s}{'points':>8s}", *HEAD, f"{'memory of status':>25s}", sep="")
        for runs in chosen.stores:
            for points in chosen.points:
                print(status_line(folder, runs, points), flush=True)
    print(f"\nGoal: 100,000 runs in under {GOAL_SECONDS:g} s. This process held {resident():.0f} MiB at most.")


def write_definition(folder: Path, runs: int) -> Path:
    """Sizes × levels × seeds: so many runs, in the proportions of a study with many seeds."""
    texts = folder / "texts"
    texts.mkdir(exist_ok=True)
    for number in range(40):
        (texts / f"{number}.txt").write_text(" ".join(str(number * word) for word in range(4000)))
    sizes = min(SIZES, runs // LEVELS)
    seeds = runs // (LEVELS * sizes)
    lines = [
        '[sweep]\nname = "scale"',
        f'[corpus]\nsource = "files"\nsettings = {{ path = "{texts}" }}\ntokenizer = "bytes"\ndeduplicate = false',
        "validation_fraction = 0.2",
        "[model]\nn_layer = 2\nn_head = 1\ncontext = 32",
        "[sizes]",
        *(f"w{8 + 2 * size} = {{ d_model = {8 + 2 * size} }}" for size in range(sizes)),
        f'[design]\ntype = "isoflop"\nlevels = {[float(level) for level in np.geomspace(1e10, 1e12, LEVELS)]}',
        f"[axes]\nseed = {list(range(seeds))}",
    ]
    path = folder / f"scale-{runs}.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def plan_of(folder: Path, runs: int) -> tuple[Plan, Corpus]:
    """The plan of so many runs."""
    return read_plan(write_definition(folder, runs), lambda _: None)


def planned_line(folder: Path, runs: int) -> str:
    """Time of a plan, and what it keeps in memory."""
    (plan, _), clock, processor = clocked(lambda: plan_of(folder, runs))
    assert len(plan.runs) == runs
    del plan
    _, kept, _ = traced(lambda: plan_of(folder, runs))
    return f"{runs:9,d}{times(clock, processor, runs)}{memory(kept, runs):>26s}"


def status_line(folder: Path, runs: int, points: int) -> str:
    """Time of `status` over a store of finished runs, and the most memory on the way."""
    plan, corpus = plan_of(folder, runs)
    with tempfile.TemporaryDirectory() as place:
        store = Store.create(Path(place) / "store")
        fill(store, plan, corpus, points)
        frame, clock, processor = clocked(lambda: statuses(plan, store))
        assert (frame["status"] == "done").all()
        _, _, most = traced(lambda: statuses(plan, store))
    return f"{runs:9,d}{points:8,d}{times(clock, processor, runs)}{memory(most, runs):>26s}"


def fill(store: Store, plan: Plan, corpus: Corpus, points: int) -> None:
    """Write every run as a finished one, with a curve of so many rows."""
    steps = np.arange(1, points + 1)
    curve = pd.DataFrame(dict.fromkeys(("flops", "seconds", "learning_rate", "train_loss"), steps * 1.0))
    curve = curve.assign(step=steps, tokens=steps, point="mid-schedule")
    for name in ("grad_norm", "noise_scale", "grad_square", "grad_trace", "loss", "loss_se", "bpb"):
        curve[name] = np.nan
    last = {"loss": 2.0, "loss_se": 0.01, "bpb": 1.0, "train_loss": 2.0}
    outcome = Outcome(
        status="done", model=cast(Model, nn.Identity()), rows=[last], seconds=1.0, device="cpu", peak_memory_bytes=1
    )
    with patch("workbench.files.sync"):  # nobody will pull the plug on a store that lives for a minute
        for run in plan.runs:
            store.write_run(run_row(run, corpus, plan.name, outcome), curve)


def clocked(work: Callable[[], T]) -> tuple[T, float, float]:
    """A result, the seconds it took, and those of this process's processor time."""
    clock, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - clock, time.process_time() - processor


def times(clock: float, processor: float, runs: int) -> str:
    """Both, and the processor's for each run."""
    return f"{readable(clock):>10s}{readable(processor):>11s}{1e6 * processor / runs:10.1f}"


def traced(work: Callable[[], T]) -> tuple[T, int, int]:
    """A result, the bytes that it keeps, and the most there were on the way."""
    tracemalloc.start()
    try:
        result = work()
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return result, kept, most


def memory(held: int, runs: int) -> str:
    """Of all runs, and of one."""
    return f"{held / 2**20:.1f} MiB, {held / runs / 1024:.1f} KiB each"


def resident() -> float:
    """The most that this process has held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def profiled(work: Callable[[], object]) -> None:
    """Print the functions that take the most time themselves."""
    profile = cProfile.Profile()
    profile.runcall(work)
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
