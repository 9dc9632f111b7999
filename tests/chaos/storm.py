"""Sweeps in a storm: `python -m tests.chaos.storm --sweeps 50`.

Each sweep of tiny runs is struck a few times, at fault points drawn at random: its runner or a worker is killed, or all
of them at once, or the disk is full. Now and then a file is cut short between two strikes, as a machine that lost its
power may leave it, and `workbench store repair` is asked to mend the store. In the end the sweep is run once more,
undisturbed. Its tables must be those of a sweep that was never disturbed, bit for bit but for timings.

    --sweeps N      how many (50)
    --seed N        of the faults (0)
    --strikes N     of each sweep, at most (3)
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from tests.chaos.fuse import FUSE, lay
from tests.runner.definitions import write_sweep

TIMES = ["seconds", "tokens_per_second", "peak_memory_bytes", "created_at"]
FURTHEST = {"runner": 25, "worker": 90}
"""Changes after which a sweep of this size has mostly ended."""


@dataclass
class Weather:
    """What was done to the sweeps, and what came of it."""

    faults: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0


def definition(folder: Path) -> Path:
    """Six runs of two shapes, one of which can be packed; checkpoints at every step."""
    path = write_sweep(folder, "\n[axes]\nseed = [0, 1]\n")
    text = path.read_text().replace("checkpoint_seconds = 0.05", "checkpoint_seconds = 0.0\nlog_points = 10")
    path.write_text(text.replace("[3e7, 6e7]", "[1e7, 2e7]"))
    return path


def command(path: Path, store: Path, pack: str) -> list[str]:
    """The sweep, in a process of its own."""
    sweep = ["sweep", "run", str(path), "--store", str(store), "--workers", "2", "--pack", pack]
    return [sys.executable, "-m", "tests.chaos.runner", str(store), *sweep]


def run(path: Path, store: Path, pack: str, fuse: Path) -> int:
    """One go at the sweep; the exit code."""
    environment = {**os.environ, FUSE: str(fuse), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command(path, store, pack), env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True,
        start_new_session=True,
    )  # fmt: skip
    if done.returncode not in (-9, 0, 1, 2, 75):
        raise AssertionError(f"exit code {done.returncode}\n{done.stderr}")
    if done.returncode == 2 and "the disk is full" not in done.stderr and "SHA-256" not in done.stderr:
        raise AssertionError(done.stderr)
    return done.returncode


def tables(store: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Runs and curves as plain pandas reads them, timings aside."""
    runs = pd.read_parquet(store / "runs").drop(columns=TIMES).sort_values("run_id", ignore_index=True)
    curves = pd.read_parquet(store / "curves").drop(columns="seconds")
    return runs, curves.sort_values(["run_id", "step"], ignore_index=True)


def cut_short(store: Path, draw: random.Random) -> str | None:
    """Cut a file of the store to half its length; which kind it was."""
    files = [
        path for path in store.rglob("*") if path.is_file() and path.suffix in (".parquet", ".safetensors", ".jsonl")
    ]
    files = [path for path in files if path.stat().st_size > 1]
    if not files:
        return None
    victim = draw.choice(sorted(files))
    os.truncate(victim, victim.stat().st_size // 2)
    return victim.parent.name if victim.suffix == ".parquet" else victim.suffix[1:]


def repair(store: Path) -> None:
    """As a person would, after the machine has come up again."""
    call = [sys.executable, "-c", "from workbench.cli.main import main; main()", "store", "repair", str(store)]
    done = subprocess.run(call, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stderr)


def weather(path: Path, folder: Path, pack: str, draw: random.Random, strikes: int, seen: Weather) -> Path:
    """One sweep, struck and in the end complete; its store."""
    store, fuse = folder / "store", folder / "fuse"
    for _ in range(draw.randint(1, strikes)):
        who, what = draw.choice(["runner", "worker"]), draw.choice(["kill", "full", "crash"])
        lay(fuse, who, draw.randint(1, FURTHEST[who]), what)
        seen.codes[run(path, store, pack, fuse)] += 1
        seen.faults[f"{who}, {what}" if not fuse.exists() else "none: it ended before"] += 1
        fuse.unlink(missing_ok=True)
        if (store / "store.json").exists() and draw.random() < 0.3:
            if kind := cut_short(store, draw):
                seen.faults[f"cut short: {kind}"] += 1
            repair(store)
    if code := run(path, store, pack, fuse):
        raise AssertionError(f"the last, undisturbed run left with {code}")
    return store


def storm(folder: Path, sweeps: int, seed: int, strikes: int) -> Weather:
    """All of them, each held against an undisturbed one of its kind."""
    path, seen, start = definition(folder / "definition"), Weather(), time.monotonic()
    calm = {}
    for pack in ("never", "always"):
        assert run(path, folder / pack, pack, folder / "none") == 0
        calm[pack] = tables(folder / pack)
    for number in range(sweeps):
        draw, pack = random.Random(f"{seed} {number}"), ("never", "always")[number % 2]
        here = folder / str(number)
        here.mkdir()
        store = weather(path, here, pack, draw, strikes, seen)
        for found, expected in zip(tables(store), calm[pack], strict=True):
            pd.testing.assert_frame_equal(found, expected, check_exact=True, obj=f"sweep {number} of seed {seed}")
        for file in store.glob("*/[!.]*.parquet"):
            pq.read_table(file)
        left = [path.name for path in store.glob("live/*")]
        assert not left, left
    seen.seconds = time.monotonic() - start
    return seen


def main() -> None:
    """Print what was done, and that every sweep came through."""
    parser = argparse.ArgumentParser(description="Sweeps under faults.")
    parser.add_argument("--sweeps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--strikes", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        seen = storm(Path(folder), chosen.sweeps, chosen.seed, chosen.strikes)
    for name, many in sorted(seen.faults.items()):
        print(f"{many:5d}  {name}")
    codes = ", ".join(f"{code}: {many}" for code, many in sorted(seen.codes.items()))
    print(f"{chosen.sweeps} sweeps, every table equal to the undisturbed one; exit codes of the struck runs {codes}")
    print(f"{seen.seconds / 60:.1f} min")


if __name__ == "__main__":
    main()
