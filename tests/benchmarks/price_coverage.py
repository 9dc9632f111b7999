"""How often the 95% intervals of prices hold the truth: `python -m tests.benchmarks.price_coverage`.

Sweeps like `sweeps/axes.toml` are simulated from a Chinchilla law (`price_truths`): the design gives law and noise, and
techniques of known multipliers are measured beside the baseline at three rates. They are priced by the functions that
`workbench price` calls, the bootstrap of the law with 200 resamples instead of 1,000. One row a cell: the share of
intervals that hold the truth with its standard error, over those priced; the median of their ends' ratio; the mean
error of ln κ; the share not priced, as a loss was not above E.

    --simulations N   designs a world (200), each with two measurements of every technique
    --quick           20 designs a world
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np

from tests.benchmarks import machine
from tests.benchmarks.price_truths import CURVATURE, Technique, World
from workbench.errors import BadInput
from workbench.fitting import fit
from workbench.fitting.laws.base import Array
from workbench.fitting.pricing import Floor, seed_noise, worth

RESAMPLES = 200
MEASUREMENTS = 2
"""Of each technique beside one design, whose fit takes nearly all of the time."""


@dataclass(frozen=True)
class Cell:
    """One row."""

    name: str
    world: World
    technique: Technique


USUAL = World()
CELLS = (
    *(
        Cell(f"worth {kappa:g}, points {points}", USUAL, Technique(kappa, points))
        for kappa in (0.7, 1.0, 1.8)
        for points in (1, 2, 4)
    ),
    *(
        Cell(f"errors shared by 0.7, points {points}", USUAL, Technique(points=points, shared=0.7))
        for points in (1, 2, 4)
    ),
    Cell("exponent alpha 0.43, not 0.45, points 4", USUAL, Technique(alpha=0.43)),
    Cell("exponent alpha 0.40, not 0.45, points 4", USUAL, Technique(alpha=0.40)),
    Cell("technique's best rate outside, points 1", USUAL, Technique(points=1, moved=4)),
    Cell("technique's best rate outside, points 4", USUAL, Technique(moved=4)),
    *(
        Cell(f"{name}, worth {kappa:g}, points 4", world, Technique(kappa))
        for name, world in (
            ("best rates between two rates", World(best_rate=np.sqrt(2))),
            ("both best rates outside", World(best_rate=4)),
            ("noise from 2 more seeds of one run", World(seeds=1)),
            ("losses near E", World(reducible=0.15)),
        )
        for kappa in (1.0, 1.8)
    ),
)


def simulated(world: World, techniques: list[Technique], many: int, rng: np.random.Generator) -> Array:
    """(techniques, measurements, 3): ln of multiplier and of the interval's ends, NaN where not priced."""
    rows = []
    for _ in range(many):
        design = world.design(rng)
        law = fit(design, "chinchilla", resamples=RESAMPLES, seed=int(rng.integers(2**31)))
        floor = Floor.of(law.params, law.draws())
        noise = seed_noise(design["loss"].tolist(), design["cluster"].tolist())
        for _ in range(MEASUREMENTS):
            measured = []
            for technique in techniques:
                try:
                    found = worth(technique.pairs(world, rng), floor, noise, rng)
                    measured.append(np.log([found.multiplier, found.low, found.high]))
                except BadInput:
                    measured.append(np.full(3, np.nan))
            rows.append(measured)
    return np.array(rows).swapaxes(0, 1)


def line(cell: Cell, found_M3: Array) -> str:
    """The cell's row; measurements beside one design are not independent, and its standard error knows that."""
    truth = cell.technique.truth(cell.world)
    priced_M = np.isfinite(found_M3[:, 0])
    if not priced_M.any():
        return f"{cell.name:<57}{'–':>10}"
    held_M = np.where(priced_M, (found_M3[:, 1] <= truth) & (truth <= found_M3[:, 2]), np.nan)
    by_design = np.nanmean(held_M.reshape(-1, MEASUREMENTS)[priced_M.reshape(-1, MEASUREMENTS).any(axis=1)], axis=1)
    error = by_design.std() / np.sqrt(len(by_design))
    width = np.exp(np.median((found_M3[:, 2] - found_M3[:, 1])[priced_M]))
    bias = (found_M3[:, 0] - truth)[priced_M].mean()
    covered = f"{100 * np.nanmean(held_M):.1f} ±{100 * error:.1f}"
    return f"{cell.name:<57}{covered:>10}{width:>8.2f}{bias:>+8.3f}{100 * (1 - priced_M.mean()):>10.1f}"


def main() -> None:
    """Simulate every world, print every cell."""
    parser = argparse.ArgumentParser(description="Coverage of the intervals of prices.")
    parser.add_argument("--simulations", type=int, default=200, help="designs a world")
    parser.add_argument("--quick", action="store_true", help="20 designs a world")
    chosen = parser.parse_args()
    many = 20 if chosen.quick else chosen.simulations
    start = time.perf_counter()
    print("\n".join(machine.facts()))
    print(
        f"{many} designs a world, {MEASUREMENTS} measurements each; noise 0.7%, ln loss up by {CURVATURE:g} of the "
        f"square of\nln(rate / best rate); {RESAMPLES} resamples of the law; level 95%\n"
    )
    print(f"{'':<57}{'covered %':>10}{'width':>8}{'bias':>8}{'unpriced %':>12}")
    for world in dict.fromkeys(cell.world for cell in CELLS):
        cells = [cell for cell in CELLS if cell.world == world]
        with np.errstate(all="ignore"):
            found = simulated(world, [cell.technique for cell in cells], many, np.random.default_rng(0))
        for cell, mine in zip(cells, found, strict=True):
            print(line(cell, mine), flush=True)
    print(f"\n{(time.perf_counter() - start) / 60:.1f} min")


if __name__ == "__main__":
    main()
