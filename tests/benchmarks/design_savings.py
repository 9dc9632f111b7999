"""FLOPs that a c-optimal design saves against isoFLOP and grid designs for the same width, by simulation.

    python -m tests.benchmarks.design_savings [--repeats 900]

A pilot of 15 runs (three budgets, five sizes each) is drawn from a law whose constants are published, with normal noise
of ln L. More FLOPs are then spent in each of several ways, the 16 to 35 runs are refitted (Huber, δ = 1e-3, the
default), and the width of a target is 3.92 standard deviations of its estimate over the repetitions. Each of `PILOTS`
pilots, as noisy as the sweeps to be judged, makes its own proposal, which is then simulated with fresh noise: so it
pays for the wrong theta it was made from. No design has runs smaller than the pilot's smallest; proposals keep to the
pilot's range of D/N, and isoFLOP budgets and grids are centred on the true optimum.

The last tables break the law in two ways that a fit cannot know of.
"""

import argparse
import time

import numpy as np
import pandas as pd

from tests.benchmarks.design_truths import AT, COST, LAW, PILOT, TRUTHS, Runs, Truth, flops, isoflop, usual
from workbench.fitting import fit
from workbench.fitting.design.candidates import bounds_of, candidates, sizes_between
from workbench.fitting.design.departures import Departures, p_values
from workbench.fitting.design.proposing import DOUBT, propose
from workbench.fitting.design.targets import Target
from workbench.fitting.laws.base import Array
from workbench.fitting.record import Fit
from workbench.fitting.solving.objectives import objective_named
from workbench.fitting.solving.problem import Problem
from workbench.fitting.solving.solver import minimise

NOISE = 0.005
"""Standard deviation of ln L."""
TARGETS = (Target("a"), Target("n-opt", AT), Target("loss", AT))
MULTIPLES = (0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""FLOPs added, as multiples of the pilot's own."""
PILOTS = 3
"""Pilots that propose, each simulated in a third of the repetitions."""


def table_of(truth: Truth, runs: Runs, rng: np.random.Generator) -> pd.DataFrame:
    """One noisy sweep."""
    n, d = runs
    loss = truth.loss(n, d) * np.exp(NOISE * rng.standard_normal(len(n)))
    return pd.DataFrame({"n": n, "d": d, "c": 6 * n * d, "loss": loss})


class Proposer:
    """Proposals from simulated pilots, one for each."""

    def __init__(self, truth: Truth, pilot: Runs) -> None:
        self.fits: list[Fit] = [
            fit(table_of(truth, pilot, np.random.default_rng([7, i])), "chinchilla", resamples=200, seed=i)
            for i in range(PILOTS)
        ]

    def __call__(self, target: Target, spend: float, robust: float) -> list[Runs]:
        """The proposal of each pilot."""
        out = []
        for one in self.fits:
            bounds = bounds_of(one.residuals, "n", spend)
            sizes = sizes_between(one.residuals, "n", bounds)
            found = propose(one, target, candidates(sizes, 6 * sizes, bounds), spend, robust=robust, draws=16)
            many = found.runs["repeats"].to_numpy()
            out.append((np.repeat(found.runs["n"].to_numpy(), many), np.repeat(found.runs["d"].to_numpy(), many)))
        return out


def refit(truth: Truth, runs: Runs, repeats: int, rng: np.random.Generator) -> tuple[dict[str, Array], float]:
    """The parameters of `repeats` sweeps over the same runs, and the share in which a departure is found."""
    x_MF = np.log(np.column_stack(runs))
    truth_M = np.log(truth.loss(*runs))
    y_SM = truth_M + NOISE * rng.standard_normal((repeats, len(truth_M)))
    centre_F, y_centre = x_MF.mean(axis=0), float(truth_M.mean())
    start_P = LAW.from_params(truth.params, centre_F, y_centre)
    problem = Problem(LAW, objective_named("huber", 1e-3), x_MF - centre_F, y_SM - y_centre, np.ones((1, len(truth_M))))
    solution = minimise(problem, np.repeat(start_P[None], repeats, axis=0))
    _, j_SPM = LAW.jacobian(np.median(solution.theta_SP, axis=0)[None], problem.x_MF)
    shape_MQ = Departures.over(problem.x_MF).shapes(problem.x_MF)
    found = p_values(j_SPM[0].T, shape_MQ, problem.residuals(solution.theta_SP)) < DOUBT
    return LAW.to_params(solution.theta_SP, centre_F, y_centre), float(found.mean())


Estimates = list[tuple[dict[str, Array], float]]


def simulated(truth: Truth, pilot: Runs, designs: list[Runs], repeats: int) -> Estimates:
    """The parameters of `repeats` refitted sweeps, shared out over the designs, and how often a departure was found."""
    both = [(np.concatenate([pilot[0], more[0]]), np.concatenate([pilot[1], more[1]])) for more in designs]
    return [refit(truth, runs, repeats // len(both), np.random.default_rng([11, i])) for i, runs in enumerate(both)]


def of_target(found: Estimates, target: Target) -> Array:
    """The target's estimate in every repetition."""
    return np.concatenate([target.values(LAW, params, COST)[:, 0] for params, _ in found])


def width(found: Estimates, target: Target) -> float:
    """3.92 standard deviations: a 95% interval of a normal estimate. NaN of no estimates."""
    if not found:
        return float("nan")
    return 3.92 * float(np.std(of_target(found, target)))


def saved(widths: Array, other_spend: float, other_width: float, spends: Array) -> str:
    """FLOPs of another design over those of ours at the other's width, by interpolation of ln width in ln C."""
    if other_width != other_width:
        return "–"
    falling = np.minimum.accumulate(widths)
    if other_width > falling[0]:
        return f">{other_spend / spends[0]:.1f}×"
    if other_width < falling[-1]:
        return f"<{other_spend / spends[-1]:.1f}×"
    need = np.exp(np.interp(-np.log(other_width), -np.log(falling), np.log(spends)))
    return f"{other_spend / need:.1f}×"


def savings(name: str, repeats: int) -> None:
    """The widths of every design at every budget, and the FLOPs saved."""
    truth = Truth(TRUTHS[name])
    pilot = isoflop(truth, PILOT)
    proposer, base = Proposer(truth, pilot), flops(pilot)
    spends = np.array([base * m for m in MULTIPLES])
    others = [
        {label: simulated(truth, pilot, [runs], repeats) if runs else [] for label, runs in usual(truth, s).items()}
        for s in spends
    ]
    alone = simulated(truth, pilot, [(np.empty(0), np.empty(0))], repeats)
    for target in TARGETS:
        widths = {
            label: [width(simulated(truth, pilot, proposer(target, s, robust), repeats), target) for s in spends]
            for label, robust in (("c-optimal", 0.0), ("c-optimal, 20% checks", 0.2))
        }
        widths |= {label: [width(each[label], target) for each in others] for label in others[0]}
        unit = " of ln N" if target.is_ratio else ""
        print(f"\n{name}: 95% width{unit}, {target.words}; the pilot alone: {width(alone, target):.3g}\n")
        print(f"{'FLOPs added / pilot':<26}" + "".join(f"{m:>8g}" for m in MULTIPLES))
        for label, row in widths.items():
            print(f"{label:<26}" + "".join(f"{w:>8.3g}" if w == w else f"{'–':>8}" for w in row))
        ours = np.array(widths["c-optimal, 20% checks"])
        for label in others[0]:
            cells = [saved(ours, s, w, spends) for s, w in zip(spends, widths[label], strict=True)]
            print(f"{f'saves, {label}':<26}" + "".join(f"{cell:>8}" for cell in cells))


def robustness(name: str, repeats: int) -> None:
    """Bias, spread and detection when the law is broken, at four times the pilot's FLOPs."""
    law = TRUTHS[name]
    cases = {
        "the law holds": Truth(law),
        "α falls by 30% where N is beyond the pilot's optima": Truth(law, bend=0.3),
        "runs of the least D/N are 3% worse than the law": Truth(law, edge=0.03),
    }
    for said, truth in cases.items():
        pilot = isoflop(truth, PILOT)
        spend = 4 * flops(pilot)
        proposer = Proposer(truth, pilot)
        print(f"\n{name}, {said}; four times the pilot's FLOPs added\n")
        heads = f"{'ln N: bias':>12}{'sd':>8}{'rmse':>8}{'loss: bias':>13}{'sd':>8}{'rmse':>8}{'noticed':>9}"
        print(f"{'at C = 1e21':<26}{heads}")
        ways = {f"c-optimal, {share:.0%} checks": share for share in (0.0, 0.2, 0.5)}
        designs = {label: [proposer(t, spend, share) for t in TARGETS[1:]] for label, share in ways.items()}
        designs["V-optimal, 20% checks"] = [proposer(Target("losses", AT), spend, 0.2)] * 2
        designs |= {label: [[runs]] * 2 for label, runs in usual(truth, spend).items() if runs}
        for label, pair in designs.items():
            cells, noticed = "", []
            for target, design, first in zip(TARGETS[1:], pair, (12, 13), strict=True):
                found = simulated(truth, pilot, design, repeats)
                values = of_target(found, target)
                bias, sd = float(values.mean()) - truth.value(target), float(values.std())
                row = zip((bias, sd, float(np.hypot(bias, sd))), (first, 8, 8), strict=True)
                cells += "".join(f"{x:>{wide}.{3 if target.is_ratio else 4}f}" for x, wide in row)
                noticed += [share for _, share in found]
            print(f"{label:<26}{cells}{100 * np.mean(noticed):>8.0f}%")


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description="FLOPs that a c-optimal design saves.")
    parser.add_argument("--repeats", type=int, default=900)
    repeats = parser.parse_args().repeats
    began = time.process_time()
    for name in TRUTHS:
        savings(name, repeats)
    robustness("Besiroglu et al. 2024", repeats)
    taken = time.process_time() - began
    print(f"\n{repeats} repetitions a cell, noise {100 * NOISE:g}% of the loss, {taken:.0f} s of one core.")


if __name__ == "__main__":
    main()
