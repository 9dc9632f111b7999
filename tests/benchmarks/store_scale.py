"""How long a large store takes to read: 10,000 runs of 1,000 points, by a generator, before and after compaction.

    python -m tests.benchmarks.store_scale [--runs 10000] [--points 1000] [--store DIR]

Each time is the best of several, in this process, with the files in the system's cache.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.benchmarks.machine import facts
from tests.factories import make_runs
from workbench.store import Store
from workbench.store.compaction import compact
from workbench.store.schema import arrow_table
from workbench.store.tables import write_small

FINAL = "SELECT run_id, loss FROM curves WHERE point = 'final'"
LAST = "SELECT run_id, arg_max(loss, step) AS loss FROM curves WHERE loss IS NOT NULL GROUP BY run_id"


def main() -> None:
    """Make the store, time it, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--points", type=int, default=1_000)
    parser.add_argument("--store", type=Path, help="Where to make and leave it, or where one was left; else temporary.")
    asked = parser.parse_args()
    folder = asked.store or Path(tempfile.mkdtemp()) / "store"
    try:
        measure(folder, asked.runs, asked.points)
    finally:
        if not asked.store:
            shutil.rmtree(folder.parent)


def measure(folder: Path, runs: int, points: int) -> None:
    """Print what each question takes before and after, and what compaction costs."""
    print(*facts(), sep="\n")
    if not (folder / "store.json").exists():
        generate(folder, runs, points)
    shutil.rmtree(folder / ".compact", ignore_errors=True)
    for table in ("runs", "curves"):  # of an earlier time
        (folder / table / "r-one-more.parquet").unlink(missing_ok=True)
    print(f"{runs:,} runs of {points:,} points, {_bytes(folder):.0f} MB")
    store = Store(folder)
    before = timed(store, tries=1)
    started = time.perf_counter()
    compact(store)
    seconds = time.perf_counter() - started
    copies = _bytes(folder / ".compact")
    row: dict[str, Any] = {str(name): value for name, value in store.runs().iloc[0].items()}
    after = timed(store, tries=5)
    store.write_run(row | {"run_id": "r-one-more"}, store.curves(row["run_id"]))
    started = time.perf_counter()
    compact(store)
    again = time.perf_counter() - started
    goals = {"the runs table": "50 ms", "final loss of every run": "300 ms", "one run's curve": "50 ms"}
    print("| | small files | compacted | goal |\n|---|---|---|---|")
    for name in before:
        print(f"| {name} | {1e3 * before[name]:,.0f} ms | {1e3 * after[name]:,.0f} ms | {goals.get(name, '')} |")
    print(
        f"Compaction: {seconds:.1f} s, {copies:.0f} MB beside the small files; again after one more run: {again:.1f} s"
    )


def timed(store: Store, tries: int) -> dict[str, float]:
    """Seconds of each question."""
    run_id = sorted(path.stem for path in (store.folder / "runs").glob("r-*.parquet"))[1234 % 100]
    questions: dict[str, Callable[[], Any]] = {
        "the runs table": store.runs,
        "final loss of every run": lambda: store.query(FINAL),
        "the same, without knowing which point is final": lambda: store.query(LAST),
        "one run's curve": lambda: store.curves(run_id),
        "one run's curve, by where": lambda: store.curves(where=f"run_id = '{run_id}'"),
    }
    return {name: min(_seconds(ask) for _ in range(tries)) for name, ask in questions.items()}


def generate(folder: Path, runs: int, points: int) -> None:
    """A store of so many runs, its files as the store writes them, but not synced one by one.

    The forty runs of the simulated sweep again and again, each time of another seed and with other noise.
    """
    store, rng = Store.create(folder), np.random.default_rng(0)
    like, curves, _ = make_runs(0)
    names = [f"r-{number:012x}" for number in sorted(rng.choice(2**47, runs, replace=False).tolist())]
    rows = [{str(key): value for key, value in row.items()} for row in like.to_dict("records")]
    for number, name in enumerate(names):
        row = rows[number % len(rows)]
        frame = _curve(row, points, rng)[curves.columns.drop("run_id").tolist()].assign(run_id=name)
        write_small(folder / "curves" / f"{name}.parquet", arrow_table("curves", frame))
        seed = number // len(rows)
        changed = {"run_id": name, "loss": float(frame["loss"].iloc[-1]), "seed_init": seed, "sweep": "scale"}
        write_small(folder / "runs" / f"{name}.parquet", arrow_table("runs", pd.DataFrame([{**row, **changed}])))
    listed = [{"run_id": name, "role": rows[number % len(rows)]["role"]} for number, name in enumerate(names)]
    store.write_manifest({"name": "scale", "runs": listed})


def _curve(row: dict[str, Any], points: int, rng: np.random.Generator) -> pd.DataFrame:
    """The curve of one run: it falls by the simulated law to a loss within the noise of the run's."""
    share = np.arange(1, points + 1) / points
    tokens = np.round(share * row["tokens"])
    loss = np.array(1.6 + 46.0 / row["n_params"] ** 0.35 + 270.0 / tokens**0.37) * (1 + 0.05 * (1 - share))
    loss = np.minimum(loss, 6.2) * (row["loss"] / loss[-1]) * np.exp(0.003 * rng.standard_normal())
    evaluated = (np.arange(points) % max(1, points // 20) == 0) | (share == 1)
    held_out = np.where(evaluated, loss, np.nan)
    columns = {
        "step": np.maximum(1, np.round(share * max(row["steps"], points))).astype(int),
        "tokens": tokens.astype(int),
        "flops": share * row["flops"],
        "seconds": np.cumsum(1 + 0.1 * rng.random(points)) * row["seconds"] / points,
        "learning_rate": row["learning_rate"] * (0.55 + 0.45 * np.cos(np.pi * share)),
        "train_loss": loss * np.exp(0.01 * rng.standard_normal(points)),
        "grad_norm": 1 + rng.random(points),
        "noise_scale": np.nan,
        "grad_square": np.nan,
        "grad_trace": np.nan,
        "loss": held_out,
        "loss_se": np.where(evaluated, 0.004, np.nan),
        "bpb": held_out / 1.5,
        "point": np.where(share == 1, "final", "mid-schedule"),
    }
    return pd.DataFrame(columns)


def _seconds(ask: Callable[[], Any]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started


def _bytes(folder: Path) -> float:
    """Size of all files in a folder, MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
