"""Whether a design can identify a law, judged from its sizes, levels and tokens before anything trains. Free of torch.

A sentence here is about designs whose runs are there for a law in N and D: any isoFLOP; a ladder of several sizes; a
grid, a list or drawn points that vary both N and D. A grid of one level or of one size compares something else, and
nothing is said of it. Rate checks and variants are no part of a law, and are not looked at.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.runner.definition import SweepDefinition
from workbench.runner.design import HORIZON_OF

if TYPE_CHECKING:
    from workbench.runner.plan import PlannedRun

LEVELS = 3
"""A power law has two unknowns: from the third budget on, the fit can be wrong about one."""
SIZES = 3
"""A parabola in ln N has three unknowns."""
DECADES = 1.0
"""Range of C: optima known to 20% in N, at the smallest and the largest budget, leave an exponent uncertain by
√2·0.2 / ln 10 = 0.12 over one decade, a quarter of what it is."""
POINTS = 6
"""Different (N, D): one more than E, A, B, alpha and beta."""
OPTIMAL = (5.0, 100.0)
"""Tokens per parameter between which the optimum almost surely lies: 20 at 1e18 to 1e24 FLOPs (Hoffmann et al. 2022),
40 at 4e25 (Llama 3), 13 to 40 over the budgets of sweeps/quickstart.toml; MiniCPM's 192 is the one report far outside.
A level all of whose runs lie outside, on one side, has half a parabola."""

SHAPE = frozenset({"n_layer", "n_head", "d_model", "n_kv_head", "d_head", "d_ff", "vocab_size", "tie_embeddings"})
"""Fields of a model that change N by more than a trifle."""


@dataclass(frozen=True)
class Point:
    """What a law sees of a run."""

    level: float
    n: int
    d: int
    c: float


def identifiability(definition: SweepDefinition, runs: Sequence["PlannedRun"]) -> list[str]:
    """What stands in the way of a law, one sentence each; none where the design is there for something else."""
    points = _points(definition, runs)
    if not _wants_a_law(definition, points):
        return []
    gridded = definition.design.type in HORIZON_OF
    found = [*_of_levels(points), *_of_sizes(definition, points)] if gridded else []
    return (found or _of_points(points)) + _of_range(definition, points)


def _points(definition: SweepDefinition, runs: Sequence["PlannedRun"]) -> list[Point]:
    """The points of the design, each once.

    Every combination of the axes trains the same points, so that one speaks for all, unless an axis is of the shape.
    """
    apart = definition.design.type not in HORIZON_OF or any(
        key.removeprefix("model.") in SHAPE for key in definition.axes
    )
    found: dict[tuple[float, str, int], Point] = {}
    for run in runs:
        if run.role == "grid":
            n = run.counts.n_params
            point = Point(run.level, n, run.horizon.tokens, run.horizon.flops)
            found.setdefault((run.level, run.size, n if apart else 0), point)
    return list(found.values())


def _wants_a_law(definition: SweepDefinition, points: Sequence[Point]) -> bool:
    sizes, levels = len({point.n for point in points}), len({point.level for point in points})
    kind = definition.design.type
    return kind == "isoflop" or (sizes > 1 and (levels > 1 or kind == "ladder"))


def _of_levels(points: Sequence[Point]) -> list[str]:
    levels = len({point.level for point in points})
    if levels >= LEVELS:
        return []
    return [
        f"design.levels has {_many(levels, 'level')}: any power law goes through so few; give at least {LEVELS}, "
        "spread over a decade of C or more"
    ]


def _of_sizes(definition: SweepDefinition, points: Sequence[Point]) -> list[str]:
    """Of an isoFLOP each level by itself, of the others all of it."""
    if definition.design.type != "isoflop":
        sizes = len({point.n for point in points})
        few = f"[sizes] has {_many(sizes, 'size')} that differ in N: the exponent of N goes through so few"
        return [] if sizes >= SIZES else [f"{few}; give at least {SIZES}"]
    by_level: dict[float, list[Point]] = {}
    for point in points:
        by_level.setdefault(point.level, []).append(point)
    short = [level for level, here in by_level.items() if len({point.n for point in here}) < SIZES]
    found = []
    if short:
        found.append(
            f"design.levels: {_named(short)} {'has' if len(short) == 1 else 'have'} fewer than {SIZES} sizes that "
            "differ in N, which makes no parabola; give at least four around the optimum"
        )
    low, high = OPTIMAL
    rest = {level: [point.d / point.n for point in here] for level, here in by_level.items() if level not in short}
    too_small = [level for level, ratios in rest.items() if min(ratios) > high]
    too_large = [level for level, ratios in rest.items() if max(ratios) < low]
    for levels, side, bound, other in ((too_small, "more", high, "larger"), (too_large, "fewer", low, "smaller")):
        if levels:
            found.append(
                f"design.levels: at {_named(levels)} every size sees {side} than {bound:g} tokens per parameter, and "
                f"the compute-optimal one almost surely sees {'fewer' if side == 'more' else 'more'}; give {other} "
                "sizes there"
            )
    return found


def _of_points(points: Sequence[Point]) -> list[str]:
    many = len({(point.n, point.d) for point in points})
    if many >= POINTS:
        return []
    return [
        f"the design has {_many(many, 'point')} of N and D, and L = E + A/N^alpha + B/D^beta has five unknowns; give "
        f"at least {POINTS}, better 20"
    ]


def _of_range(definition: SweepDefinition, points: Sequence[Point]) -> list[str]:
    costs = [point.c for point in points]
    design = definition.design
    where = "levels" if design.levels else "points" if design.points else "fields"
    decades = math.log10(max(costs) / min(costs))
    if decades > DECADES - 0.05:  # budgets are met in whole steps
        return []
    return [
        f"C goes from {min(costs):.3g} to {max(costs):.3g}, {decades:.2g} of a decade: over so short a range the noise "
        f"of a few runs is a large part of any exponent; let design.{where} span at least one decade, better two"
    ]


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _named(levels: Sequence[float]) -> str:
    """The first few levels by name."""
    first = ", ".join(f"{level:g}" for level in levels[:3])
    return first if len(levels) <= 3 else f"{first} and {len(levels) - 3} more"
