"""How often the 95% intervals of comparisons hold the truth: `python -m tests.benchmarks.group_coverage`.

Two groups with a known number of times the compute are simulated (`group_truths`), and compared by the functions that
the page and `workbench report --compare` call, with 200 resamples in place of 1,000. One row a cell: the share of
intervals that hold the truth, at the middle of the losses with an E of each group and with one E, and of the points of
equal N and D; the median width as the ratio of the ends; the share of F tests below 5% that the groups share exponents,
and that they share E too.

    --simulations N   a cell (200)
    --quick           20 a cell
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np

from tests.benchmarks import machine
from tests.benchmarks.group_truths import ALPHA, GROUPS, E, Truth
from workbench.analyses.compare import NOT_REJECTED, ONE_E, OWN_E, common, middle_loss, paired, shared_law
from workbench.fitting.groups.costs import costs
from workbench.fitting.groups.frontiers import Frontier, times
from workbench.fitting.groups.nested import ladder
from workbench.fitting.laws.base import Array

RESAMPLES = 200
WAYS = ("own E", "one E", "points")

CELLS = {
    **{f"times {times_:g}": Truth(times_) for times_ in (0.5, 0.8, 1.0, 1.5)},
    "times 0.8, noise 1%": Truth(noise=0.01),
    "times 0.8, 3 budgets × 4 sizes": Truth(budgets=3, sizes=4),
    "times 0.8, A up and B down": Truth(uneven=1.2),
    "times 0.8, other sizes": Truth(shifted=True),
    "times 0.8, errors shared by 0.7": Truth(shared=0.7),
    "times 0.8, sizes err as one": Truth(by_size=True),
    "times 0.8, E 3% higher": Truth(floor=1.75),
    "times 0.8, alpha 0.33, not 0.35": Truth(alpha=0.33),
}


@dataclass(frozen=True)
class Trial:
    """One simulated comparison."""

    truth: Array
    """Times at the middle loss of each way; NaN where there is none."""
    ends: Array
    """(ways, 2)."""
    rejected: tuple[bool, bool]
    """By the F test: shared exponents, and shared E too."""


def trial(truth: Truth, rng: np.random.Generator) -> Trial:
    """Draw both groups and compare them in every way."""
    table = truth.draw(rng)
    paid = costs(table, GROUPS, "n")
    ends, true = np.full((len(WAYS), 2), np.nan), np.full(len(WAYS), np.nan)
    for i, share_e in enumerate((False, True)):
        law, _ = shared_law(table, share_e, resamples=RESAMPLES, seed=int(rng.integers(2**31)))
        frontiers = {group: Frontier.of(law, group, paid[group]) for group in GROUPS}
        loss = middle_loss(frontiers[GROUPS[0]], *common(table, GROUPS, frontiers)[:2])
        (found,) = times(frontiers["b"], frontiers["a"], np.array([loss]), law.cut)
        ends[i], true[i] = found.interval, truth.times_at(loss)
    steps = ladder(table, GROUPS, scored=False)
    pairs = paired(table, GROUPS, "n", steps, paid, 0.95)
    alike = truth.alpha == ALPHA and truth.floor == E  # else the points have no one number
    if alike and "b" in pairs and pairs["b"].times is not None:
        ends[2], true[2] = pairs["b"].times.interval, truth.times
    rejected = tuple(bool(step.p < NOT_REJECTED) for name in (OWN_E, ONE_E) if (step := steps.get(name)) is not None)
    return Trial(true, ends, (rejected[0], rejected[1]))


def line(name: str, trials: list[Trial]) -> str:
    """A cell's row."""
    ends = np.stack([one.ends for one in trials])
    true = np.stack([one.truth for one in trials])
    known = np.asarray(np.isfinite(ends).all(axis=2))
    held = np.where((ends[..., 0] <= true) & (true <= ends[..., 1]), 1.0, 0.0)
    parts = []
    for way in range(len(WAYS)):
        mine = known[:, way]
        if not mine.any():
            parts.append(f"{'–':>9}{'–':>7}")
            continue
        width = float(np.median(ends[mine, way, 1] / ends[mine, way, 0]))
        parts.append(f"{100 * held[mine, way].mean():>9.1f}{width:>7.2f}")
    rejected = 100 * np.mean([one.rejected for one in trials], axis=0)
    return f"{name:<34}{''.join(parts)}{rejected[0]:>11.1f}{rejected[1]:>9.1f}"


def main() -> None:
    """Simulate and print every cell."""
    parser = argparse.ArgumentParser(description="Coverage of the intervals of comparisons.")
    parser.add_argument("--simulations", type=int, default=200, help="a cell")
    parser.add_argument("--cells", help="only cells whose name holds this")
    parser.add_argument("--quick", action="store_true", help="20 a cell")
    chosen = parser.parse_args()
    many = 20 if chosen.quick else chosen.simulations
    start = time.perf_counter()
    print("\n".join(machine.facts()))
    print(f"{many} comparisons a cell, 5 budgets × 5 sizes a group and noise 0.5% unless said; {RESAMPLES} resamples\n")
    print(f"{'':<34}{'own E %':>9}{'width':>7}{'one E %':>9}{'width':>7}{'points %':>9}{'width':>7}", end="")
    print(f"{'exponents':>11}{'E too':>9}")
    for name, truth in CELLS.items():
        if chosen.cells and chosen.cells not in name:
            continue
        rng = np.random.default_rng(0)
        with np.errstate(all="ignore"):
            print(line(name, [trial(truth, rng) for _ in range(many)]), flush=True)
    print(f"\n{(time.perf_counter() - start) / 60:.1f} min")


if __name__ == "__main__":
    main()
