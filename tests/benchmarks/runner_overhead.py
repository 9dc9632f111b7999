"""What the runner spends on a run beside its training: `python -m tests.benchmarks.runner_overhead`.

A sweep of runs that do nothing goes through the local backend: each is forked, claimed, given a row and a curve,
committed and reported, as a real one is. Goal: under 50 ms each.

    --runs 1000
    --workers 2
"""

import argparse
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch

from tests.benchmarks.machine import facts
from tests.runner.definitions import write_sweep
from workbench.corpus.shards import Corpus
from workbench.runner.claims import claimed
from workbench.runner.jobs import Job
from workbench.runner.local import LocalBackend
from workbench.runner.plan import read_plan
from workbench.runner.rows import curve_frame, failed_row
from workbench.runner.sweep import run_sweep
from workbench.store import Store

GOAL = 0.05


def nothing(job: Job, words: Connection) -> None:
    """A worker that trains nothing, and commits."""
    store, corpus = Store(job.store), Corpus.open(job.corpus)
    with claimed(store, job.run.run_id) as lease:
        row = failed_row(job.run, corpus, job.sweep, "") | {"status": "done", "loss": 1.0}
        lease.check()
        store.write_run(row, curve_frame([]))


def main() -> None:
    """One line."""
    parser = argparse.ArgumentParser(description="Overhead of the runner.")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    print(*facts(), sep="\n")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        seeds = f"\n[axes]\nseed = {list(range(-(-chosen.runs // 4)))}\n"
        plan, corpus = read_plan(write_sweep(folder, seeds), lambda _: None)
        store, backend = Store.create(folder / "store"), LocalBackend.on_this_machine(chosen.workers, device="cpu")
        with patch("workbench.runner.local.work", nothing):
            start = time.perf_counter()
            result = run_sweep(plan, corpus, store, backend)
            seconds = time.perf_counter() - start
    each = seconds / result.done
    print(f"\n{result.done} runs of nothing on {chosen.workers} workers: {seconds:.1f} s")
    print(f"{1e3 * each:.1f} ms each (goal {1e3 * GOAL:.0f} ms)")


if __name__ == "__main__":
    main()
