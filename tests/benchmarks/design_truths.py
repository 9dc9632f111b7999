"""What the designs of `design_savings` are judged on: published laws, whole or broken, and the designs people use."""

from dataclasses import dataclass

import numpy as np

from workbench.fitting.design.targets import Target
from workbench.fitting.forecasts.cost import Cost
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Array

TRUTHS = {
    "Besiroglu et al. 2024": {"E": 1.8172, "A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658},
    "Hoffmann et al. 2022": {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28},
}
PILOT = (1e18, 10**18.5, 1e19)
AT = 1e21
"""Compute of the targets: 100 times the pilot's largest budget."""
COST = Cost()
LAW = LAWS["chinchilla"]
Runs = tuple[Array, Array]
"""N and D of every run."""


@dataclass(frozen=True)
class Truth:
    """What sweeps are drawn from, and two ways in which it may not be the law."""

    params: dict[str, float]
    bend: float = 0.0
    """The share by which α falls where N is above the optimum of the pilot's largest budget."""
    edge: float = 0.0
    """The share of the loss that runs of the least D/N are worse for bad tuning; a run of k times that D/N by 1/k."""

    def loss(self, n: Array, d: Array) -> Array:
        """The noiseless loss."""
        p = self.params
        size = p["A"] * n ** -p["alpha"]
        if self.bend:
            knee = self.optimum(PILOT[-1])
            size = size * (1 + (n / knee) ** 4) ** (self.bend * p["alpha"] / 4)
        tuned = np.asarray(p["E"] + size + p["B"] * d ** -p["beta"])
        if not self.edge:
            return tuned
        largest = 4 * self.optimum(PILOT[-1])
        return np.asarray(tuned * (1 + self.edge * (PILOT[-1] / (6 * largest**2)) / (d / n)))

    def optimum(self, c: float) -> float:
        """N_opt of the law that holds before it is broken."""
        return float(COST.optimum(LAW, {k: np.array(v) for k, v in self.params.items()}, c)[0])

    def value(self, target: Target) -> float:
        """The target, ln N_opt or the loss: of a broken law by search. Bad tuning is no part of it."""
        if not self.bend:
            return float(target.values(LAW, {k: np.array([v]) for k, v in self.params.items()}, COST)[0, 0])
        n = np.geomspace(self.optimum(AT) / 10, self.optimum(AT) * 10, 20001)
        loss = Truth(self.params, self.bend).loss(n, AT / (6 * n))
        return float(np.log(n[np.argmin(loss)]) if target.name == "n-opt" else loss.min())


def flops(runs: Runs) -> float:
    return float(6 * (runs[0] * runs[1]).sum())


def isoflop(truth: Truth, budgets: tuple[float, ...]) -> Runs:
    """Five sizes a budget over a factor of 16, centred on the true optimum: as good as an isoFLOP design can be."""
    n = np.concatenate([truth.optimum(c) * np.geomspace(0.25, 4, 5) for c in budgets])
    return n, np.repeat(budgets, 5) / (6 * n)


def next_isoflop(truth: Truth, spend: float, levels: int) -> Runs:
    """Five sizes at each of `levels` budgets a factor of 2 apart, `spend` FLOPs in all."""
    shares = 2.0 ** np.arange(levels)
    return isoflop(truth, tuple(spend / 5 * shares / shares.sum()))


def grid(truth: Truth, spend: float) -> Runs:
    """4 sizes × 4 numbers of tokens, each over a factor of 5, around the optimum of a compute, `spend` in all."""

    def at(c: float) -> Runs:
        n, d = np.meshgrid(*[np.geomspace(5**-0.5, 5**0.5, 4)] * 2)
        centre = truth.optimum(c)
        return n.ravel() * centre, d.ravel() * c / (6 * centre)

    return at(spend / flops(at(1.0)))  # N·D at the centre is C/6, so that the whole costs a multiple of C


def usual(truth: Truth, spend: float) -> dict[str, Runs | None]:
    """The designs to compare with; None where one would need runs smaller than the pilot's."""
    designs = {
        "isoFLOP, 1 budget": next_isoflop(truth, spend, 1),
        "isoFLOP, 3 budgets": next_isoflop(truth, spend, 3),
        "grid, 4 × 4": grid(truth, spend),
    }
    return {label: None if (6 * n * d).min() < 0.99 * PILOT[0] else (n, d) for label, (n, d) in designs.items()}
