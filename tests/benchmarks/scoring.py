"""One cell of the coverage benchmark: its sweeps fitted, their intervals by every method, and how these did.

The point fits of all sweeps are rows of one `minimise`, from the truth and from rival starts; the resamples of a
hundred sweeps are another, each approached on its own fit's linearisation as `minimise_near` does. What a resample
sees, what a method makes of it and how an interval is read off are the shipped functions; `agrees` checks a few sweeps
against `fit`.
"""

import json
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.simulate import TARGETS, Scene, params_of
from workbench.fitting import fit
from workbench.fitting.diagnostics.misfit import misfits
from workbench.fitting.diagnostics.shared import alike
from workbench.fitting.laws.base import Array
from workbench.fitting.solving import linearised
from workbench.fitting.solving.certify import RIVAL
from workbench.fitting.solving.problem import Problem
from workbench.fitting.solving.solver import minimise
from workbench.fitting.uncertainty import bootstrap, profile
from workbench.fitting.uncertainty.fitted import Fitted
from workbench.fitting.uncertainty.jackknife import left_out, spread_of
from workbench.fitting.uncertainty.methods import RESAMPLING, automatic, studentise
from workbench.fitting.uncertainty.sandwich import sandwich

LEVEL = 0.95
CHUNK = 100
"""Sweeps whose resamples are solved at once."""

NORMAL_DRAWS = 1000
"""Draws of methods that need no solution."""

TOLERANCE = 1e-8
"""Resamples are solved to this share of their objective: their theta to about 1e-5."""

METHODS = (
    "auto", "residuals", "studentised", "parametric", "wild", "cases", "groups", "jackknife", "sandwich", "profile",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A scene, and how many sweeps and resamples it is given."""

    scene: Scene
    sweeps: int
    resamples: int
    methods: tuple[str, ...] = METHODS[1:]

    def path(self, folder: Path) -> Path:
        """Where the result is kept."""
        key = zlib.crc32(f"{self.scene.name} {self.sweeps} {self.resamples} {self.methods}".encode())
        slug = "".join(c if c.isalnum() else "-" for c in self.scene.name)
        return folder / f"{slug}-{key:08x}.json"

    @property
    def cost(self) -> float:
        """Roughly the seconds of a quiet core."""
        points = len(self.scene.table)
        solved = sum(name in RESAMPLING for name in self.methods)
        per_row = 70e-6 * max(points / 30, 1)
        walked = 26 * 7 * 120e-6 * max(points / 60, 1) if "profile" in self.methods else 0.0
        return self.sweeps * (self.resamples * solved * per_row + walked + 0.006)

    def run(self, folder: Path) -> dict[str, Any]:
        """The result, from the cache or computed now."""
        path = self.path(folder)
        if path.exists():
            return dict(json.loads(path.read_text()))
        found = score(self)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found))
        return found


@dataclass
class Tally:
    """Ends of the intervals of one method, and how many there are not."""

    low_TS: list[Array] = field(default_factory=list)
    high_TS: list[Array] = field(default_factory=list)

    def add(self, low_TS: Array, high_TS: Array) -> None:
        """The intervals of some sweeps."""
        self.low_TS.append(low_TS)
        self.high_TS.append(high_TS)

    def result(self, truth_T: Array) -> dict[str, Any]:
        """Percent covered, mean interval score (Gneiting and Raftery 2007, eq. 43), percent without an interval."""
        low_TS, high_TS = np.concatenate(self.low_TS, axis=1), np.concatenate(self.high_TS, axis=1)
        known_TS = np.isfinite(low_TS) & np.isfinite(high_TS)
        truth_T1 = truth_T[:, None]
        below_TS, above_TS = np.maximum(low_TS - truth_T1, 0), np.maximum(truth_T1 - high_TS, 0)
        score_TS = high_TS - low_TS + 2 / (1 - LEVEL) * (below_TS + above_TS)
        covered_TS = (low_TS <= truth_T1) & (truth_T1 <= high_TS)

        def mean(value_TS: np.ndarray) -> list[float]:
            return [float(value_S[known_S].mean()) for value_S, known_S in zip(value_TS, known_TS, strict=True)]

        return {
            "coverage": mean(100.0 * covered_TS),
            "score": mean(score_TS),
            "width": mean(high_TS - low_TS),
            "failed": float(100 * (1 - known_TS.mean())),
        }


def score(cell: Cell) -> dict[str, Any]:
    """Simulate, fit, make every interval."""
    scene = cell.scene
    rng = np.random.default_rng(zlib.crc32(scene.name.encode()))
    tallies = {name: Tally() for name in (*cell.methods, "auto")} if cell.methods else {}
    warned: list[bool] = []
    bound: list[bool] = []
    errors_TS, chosen = [], []
    for first in range(0, cell.sweeps, CHUNK):
        y_SM = scene.draw(min(CHUNK, cell.sweeps - first), rng)
        fits = points(scene, y_SM)
        warned += [bool(misfits(fitted) or alike(fitted)) for fitted in fits]
        bound += [len(fitted.estimated) < fitted.prepared.free for fitted in fits]
        errors_TS.append(scene.targets(np.stack([fitted.best_P for fitted in fits])) - scene.truth[:, None])
        if not cell.methods:
            continue
        ends = every_interval(cell, fits, rng)
        for name, (low_TS, high_TS) in ends.items():
            tallies[name].add(low_TS, high_TS)
        names = [automatic(fitted) for fitted in fits]
        chosen += names
        pick = [np.stack([ends[name][end][:, s] for s, name in enumerate(names)], axis=1) for end in (0, 1)]
        tallies["auto"].add(pick[0], pick[1])
    error_TS = np.concatenate(errors_TS, axis=1)
    return {
        "scene": scene.name,
        "sweeps": cell.sweeps,
        "resamples": cell.resamples,
        "warned": 100 * float(np.mean(warned)),
        "bound": 100 * float(np.mean(bound)),
        "bias": np.median(error_TS, axis=1).tolist(),
        "rmse": np.sqrt((error_TS**2).mean(axis=1)).tolist(),
        "chosen": {name: 100 * chosen.count(name) / len(chosen) for name in sorted(set(chosen))},
        "methods": {name: tally.result(scene.truth) for name, tally in tallies.items()},
    }


def points(scene: Scene, y_SM: Array) -> list[Fitted]:
    """The point fits of many sweeps, from the truth and rivals; each with a second basin nearly as low, if any."""
    prepared = scene.prepared
    law = prepared.law
    truth_P = law.from_params(params_of(scene.surface), prepared.x_centre_F, prepared.y_centre)
    batch = replace(prepared.problem, y_SM=y_SM)
    solved = [
        minimise(batch, np.repeat(start_P[None], len(y_SM), axis=0))
        for start_P in (truth_P, *law.starts()[[37, 71, 100]])
    ]
    value_BS = np.stack([solution.value_S for solution in solved])
    best_S = value_BS.argmin(axis=0)
    fits = []
    for s, y_M in enumerate(y_SM):
        best_P = solved[best_S[s]].theta_SP[s]
        others = [
            solution.theta_SP[s]
            for solution in solved
            if 1 + 1e-7 < solution.value_S[s] / value_BS[best_S[s], s] <= 1 + RIVAL
        ]
        fits.append(Fitted(scene.fitted_to(y_M), best_P, np.stack([best_P, *others[:1]]), LEVEL))
    return fits


Ends = tuple[Array, Array]


def every_interval(cell: Cell, fits: list[Fitted], rng: np.random.Generator) -> dict[str, Ends]:
    """Lower and upper ends, (targets, sweeps), by each method of the cell."""
    scene, found = cell.scene, {}
    for name in cell.methods:
        if name in RESAMPLING:
            data = [RESAMPLING[name](fitted, cell.resamples, rng) for fitted in fits]
            drawn = solve(fits, [(each.y_SM, each.w_SM) for each in data], cell.resamples)
            tails = [bootstrap.tail(LEVEL, each.free) for each in data]
            found[name] = read(scene, drawn, tails)
            if name == "residuals" and "studentised" in cell.methods:
                moved = [studentise(f, each.y_SM, d_RP) for f, each, d_RP in zip(fits, data, drawn, strict=True)]
                found["studentised"] = read(scene, np.stack(moved), [bootstrap.tail(LEVEL)] * len(fits))
        elif name == "jackknife":
            left, _ = left_out(fits[0])
            refits = solve(fits, [(fitted.prepared.problem.y_SM, left.w_SM) for fitted in fits], len(left.w_SM))
            spreads = [spread_of(f, t_GP, name, NORMAL_DRAWS, rng) for f, t_GP in zip(fits, refits, strict=True)]
        elif name == "sandwich":
            spreads = [sandwich(fitted, NORMAL_DRAWS, rng) for fitted in fits]
        elif name == "profile":
            found[name] = walked(scene, fits)
        if name in ("jackknife", "sandwich"):
            drawn = np.stack([each.theta_SP for each in spreads])
            found[name] = read(scene, drawn, [bootstrap.tail(LEVEL, each.free) for each in spreads])
    return found


def solve(fits: list[Fitted], data: list[tuple[Array, Array]], rows: int) -> Array:
    """The resamples of many sweeps, (sweeps, rows, P): approached on each fit's linearisation, then solved together."""
    problem = fits[0].prepared.problem
    shape = (rows, len(problem.x_MF))
    y_SM = np.concatenate([np.broadcast_to(y_SM, shape) for y_SM, _ in data])
    w_SM = np.concatenate([np.broadcast_to(w_SM, shape) for _, w_SM in data])
    batch = Problem(problem.law, problem.objective, problem.x_MF, y_SM, w_SM)
    best_SP, least_S = np.empty((len(y_SM), len(fits[0].best_P))), np.full(len(y_SM), np.inf)
    corners = problem.objective.continuation[:-1]
    for rank in range(max(len(fitted.rivals_BP) for fitted in fits)):
        rows_S, starts = [], []
        for s, fitted in enumerate(fits):
            if rank < len(fitted.rivals_BP):
                own_S = np.arange(s * rows, (s + 1) * rows)
                rows_S.append(own_S)
                starts.append(linearised.approach(batch.rows(own_S), fitted.rivals_BP[rank], rows, corners))
        index_S = np.concatenate(rows_S)
        solution = minimise(batch.rows(index_S), np.concatenate(starts), near=True, tolerance=TOLERANCE)
        lower = solution.value_S < least_S[index_S]
        best_SP[index_S[lower]], least_S[index_S[lower]] = solution.theta_SP[lower], solution.value_S[lower]
    return best_SP.reshape(len(fits), rows, -1)


def read(scene: Scene, draws_SRP: Array, tails: list[float]) -> Ends:
    """Percentiles of the targets. Weibull's rule makes quantiles of few draws unbiased, whatever their number."""
    sweeps, rows, n_theta = draws_SRP.shape
    values_TSR = scene.targets(draws_SRP.reshape(-1, n_theta)).reshape(len(TARGETS), sweeps, rows)
    low_TS, high_TS = np.empty((2, len(TARGETS), sweeps))
    for s, tail in enumerate(tails):
        low_TS[:, s], high_TS[:, s] = np.nanquantile(values_TSR[:, s], [tail, 1 - tail], axis=1, method="weibull")
    return low_TS, high_TS


def walked(scene: Scene, fits: list[Fitted]) -> Ends:
    """Ends of the profiles of the targets, walked by the shipped functions."""
    functions = profile.named(fits[0])
    chosen = [functions[name.rstrip("x")] for name in TARGETS]
    theta_SP = profile.walk(fits, chosen).theta_SP
    values_TSR = scene.targets(theta_SP).reshape(len(TARGETS), len(fits), -1)
    return values_TSR.min(axis=2), values_TSR.max(axis=2)


def agrees(scene: Scene, sweeps: int = 20) -> float:
    """How far the objective of `fit` is from the batch's, at most, relatively, over a few sweeps."""
    y_SM = scene.draw(sweeps, np.random.default_rng(1))
    worst = 0.0
    for fitted in points(scene, y_SM):
        shipped = fit(fitted.prepared.table, resamples=0)
        problem = fitted.prepared.problem
        value = float(problem.objective.value(problem.residuals(fitted.best_P[None]), problem.w_SM)[0])
        worst = max(worst, abs(value / shipped.objective_value - 1))
    return worst
