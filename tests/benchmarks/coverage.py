"""How often 95% intervals hold the truth: `python -m tests.benchmarks.coverage`.

Sweeps are simulated from published laws, fitted with the published objective, and given intervals by every method.
For each target (parameters; loss at the optimum and N_opt at 10, 100 and 1,000 times the largest compute) the table
says how many intervals hold the truth, and their interval score (Gneiting and Raftery 2007), in which wide intervals
and misses cost. The default method is chosen on half of the designs and reported on the other half. Last, truths that
the law does not hold for, with the share of fits that say so.

    --simulations N   sweeps a cell (2,000)
    --quick           100 sweeps a cell
    --cells TEXT      only the cells whose name holds this
    --processes N     each on one core (2)

Finished cells are kept under build/coverage: a run that was stopped goes on where it was. Delete them when a method
has changed.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import Value
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.scoring import METHODS, Cell, agrees
from tests.benchmarks.simulate import TARGETS, Scene

FOLDER = Path(__file__).parents[2] / "build" / "coverage"

RESAMPLES = 200

CLOUD_METHODS = ("residuals", "studentised", "cases", "groups", "sandwich", "profile")

CHOOSING = (
    Scene("isoflop 5×6", "Besiroglu", "normal 0.5%"),
    Scene("isoflop 5×6", "Hoffmann", "normal 1%"),
    Scene("isoflop 5×6", "asymmetric", "t3 0.5%"),
    Scene("grid 6×5", "Hoffmann", "normal 0.5%"),
    Scene("grid 6×5", "Besiroglu", "normal 1%"),
    Scene("isoflop 5×6", "Besiroglu", "1% to 0.25%"),
    Scene("grid 6×5", "Besiroglu", "by size 0.5%"),
)
"""Half of the designs: the method is chosen on these."""

REPORTING = (
    Scene("isoflop 4×5", "Hoffmann", "normal 0.5%"),
    Scene("isoflop 4×5", "asymmetric", "normal 1%"),
    Scene("quickstart", "quickstart", "normal 0.5%"),
    Scene("quickstart", "quickstart", "t3 0.5%"),
    Scene("cloud 240", "Besiroglu", "normal 0.5%"),
    Scene("quickstart", "quickstart", "1% to 0.25%"),
    Scene("cloud 240", "Hoffmann", "1% to 0.25%"),
    Scene("quickstart", "quickstart", "by size 0.5%"),
    Scene("isoflop 4×5 two seeds", "Hoffmann", "by configuration 0.5%"),
)
"""The other half."""

WEAK = (Scene("grid 6×5", "asymmetric", "normal 1%"),)
"""A design that does not determine its law: many fits lie at a bound. Shown for what it is, and not averaged."""

WRONG = tuple(
    Scene(design, surface, "normal 0.5%", wrong)
    for wrong in ("rate mistuned", "broken", "N + 10%")
    for design, surface in (
        ("isoflop 5×6", "Besiroglu"),
        ("grid 6×5", "Hoffmann"),
        ("quickstart", "quickstart"),
        ("cloud 240", "Hoffmann"),
    )
)
"""Truths that the law does not hold for."""

UNEVEN = ("1% to 0.25%", "by size 0.5%", "by configuration 0.5%")
"""Noises that break what bootstraps of residuals suppose: equal and independent errors."""


def cells(sweeps: int, part: str) -> list[Cell]:
    """Every cell whose name holds `part`, the costly first."""
    found = [
        Cell(scene, sweeps, RESAMPLES // 2 if many else RESAMPLES, CLOUD_METHODS if many else METHODS[1:])
        for scene in (*CHOOSING, *REPORTING, *WEAK)
        for many in ["cloud" in scene.design]
    ]
    found += [Cell(scene, sweeps, 0, ()) for scene in WRONG]
    return sorted((cell for cell in found if part in cell.scene.name), key=lambda cell: -cell.cost)


def one_core(started: Any) -> None:
    """The solver spreads its blocks over all cores it is given: one, the next that no other process has."""
    with started.get_lock():
        number, started.value = started.value, started.value + 1
    if hasattr(os, "sched_setaffinity"):
        own = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {own[number % len(own)]})


def worker(cell: Cell) -> dict[str, Any]:
    """One cell; sweeps as noisy as some are may overflow on the way, which shows as a failure."""
    with np.errstate(all="ignore"):
        return cell.run(FOLDER)


def run(every: list[Cell], processes: int) -> dict[str, dict[str, Any]]:
    """Scene → result, with a line on the time left."""
    found: dict[str, dict[str, Any]] = {}
    todo = [cell for cell in every if not cell.path(FOLDER).exists()]
    found.update({cell.scene.name: cell.run(FOLDER) for cell in every if cell.path(FOLDER).exists()})
    total, done, start = sum(cell.cost for cell in todo), 0.0, time.perf_counter()
    with ProcessPoolExecutor(processes, initializer=one_core, initargs=(Value("i", 0),)) as pool:
        waiting = {pool.submit(worker, cell): cell for cell in todo}
        for each in as_completed(waiting):
            cell = waiting[each]
            found[cell.scene.name] = each.result()
            done += cell.cost
            spent = time.perf_counter() - start
            left = spent * (total - done) / done
            print(f"{len(found)}/{len(every)} cells, {spent / 60:.1f} min, about {left / 60:.0f} left", file=sys.stderr)
    return found


def print_methods(found: dict[str, dict[str, Any]], scenes: tuple[Scene, ...], title: str) -> None:
    """One row a method: coverage of each target, averaged over the cells where errors are equal and independent."""
    shown = [found[s.name] for s in scenes if s.noise not in UNEVEN and s.name in found]
    if not shown:
        return
    print(f"\n{title}\n")
    print(f"{'':<12}" + "".join(f"{name:>9}" for name in TARGETS) + f"{'least':>8}{'most':>7}{'score':>8}{'failed':>8}")
    for name in METHODS:
        having = [cell for cell in shown if name in cell["methods"]]
        if not having:
            continue
        covered_CT = np.array([cell["methods"][name]["coverage"] for cell in having])
        failed = np.mean([cell["methods"][name]["failed"] for cell in having])
        numbers = "".join(f"{value:9.1f}" for value in covered_CT.mean(axis=0))
        reach = f"{covered_CT.min():8.1f}{covered_CT.max():7.1f}"
        print(f"{name:<12}{numbers}{reach}{relative(having, name):8.3f}{failed:8.1f}")


def relative(having: list[dict[str, Any]], name: str) -> float:
    """The interval score over that of the best method, cell by cell and target by target: the geometric mean."""
    ratios = []
    for cell in having:
        best_T = np.min([each["score"] for each in cell["methods"].values()], axis=0)
        ratios.append(np.log(np.array(cell["methods"][name]["score"]) / best_T))
    return float(np.exp(np.mean(ratios)))


def print_cells(found: dict[str, dict[str, Any]]) -> None:
    """One row a cell: coverage of the default, what it chose, and how many fits are warned of."""
    print(
        "\nThe default method, cell by cell. bound: percent of fits with a parameter at a bound, which are said to be"
    )
    print("unidentified; warned: percent of fits of which it is said that the law does not hold (here false alarms).\n")
    head = "".join(f"{name:>9}" for name in TARGETS)
    print(f"{'':<53}{head}{'bound':>7}{'warned':>8}  method chosen, percent of sweeps")
    for scene in (*CHOOSING, *REPORTING, *WEAK):
        if (cell := found.get(scene.name)) is None:
            continue
        covered = "".join(f"{value:9.1f}" for value in cell["methods"]["auto"]["coverage"])
        chosen = ", ".join(f"{name} {share:.0f}" for name, share in cell["chosen"].items())
        print(f"{scene.name:<53}{covered}{cell['bound']:7.1f}{cell['warned']:8.1f}  {chosen}")


def print_uneven(found: dict[str, dict[str, Any]]) -> None:
    """Mean coverage by each method where errors are unequal or shared."""
    shown = [found[s.name] for s in (*CHOOSING, *REPORTING) if s.noise in UNEVEN and s.name in found]
    print("\nUnequal and shared errors: coverage averaged over the targets (interval score over the best method's)\n")
    for cell in shown:
        print(cell["scene"])
        parts = [
            f"{name} {np.mean(each['coverage']):.1f} ({relative([cell], name):.2f})"
            for name, each in sorted(cell["methods"].items(), key=lambda item: METHODS.index(item[0]))
        ]
        print("    " + ", ".join(parts))


def print_wrong(found: dict[str, dict[str, Any]]) -> None:
    """One row a misspecified truth: the share of fits that warn, and what the error does."""
    print("\nTruths that the law does not hold for: percent of fits that warn; median error of a and of ln N_opt\n")
    print(f"{'':<50}{'warned':>8}{'a':>9}{'N 100x':>9}")
    for scene in WRONG:
        if (cell := found.get(scene.name)) is not None:
            a, n = (cell["bias"][TARGETS.index(name)] for name in ("a", "N 100x"))
            print(f"{scene.name:<50}{cell['warned']:8.1f}{a:9.3f}{n:9.3f}")


def main() -> None:
    """Run what is missing, print everything."""
    parser = argparse.ArgumentParser(description="Coverage and interval score of every method of uncertainty.")
    parser.add_argument("--simulations", type=int, default=2000, help="sweeps a cell")
    parser.add_argument("--quick", action="store_true", help="100 sweeps a cell")
    parser.add_argument("--cells", default="", help="only cells whose name holds this")
    parser.add_argument("--processes", type=int, default=2, help="processes, each on one core")
    chosen = parser.parse_args()
    sweeps = 100 if chosen.quick else chosen.simulations
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    every = cells(sweeps, chosen.cells)
    start = time.perf_counter()
    found = run(every, chosen.processes)
    print(f"{len(every)} cells of {sweeps:,} sweeps; {RESAMPLES} resamples (half as many for 240 points); level 95%")
    print_methods(found, CHOOSING, "Designs on which the default was chosen; equal, independent errors")
    print_methods(found, REPORTING, "The other designs; equal, independent errors")
    print_cells(found)
    print_uneven(found)
    print_wrong(found)
    checked = [scene for scene in (CHOOSING[0], REPORTING[0], REPORTING[2]) if scene.name in found]
    worst = max((agrees(scene) for scene in checked), default=0.0)
    print(f"\n`fit` reaches the batch's objective to {worst:.1e} on {20 * len(checked)} sweeps.")
    print(f"{(time.perf_counter() - start) / 60:.1f} min, cells kept from before not counted.")


if __name__ == "__main__":
    main()
