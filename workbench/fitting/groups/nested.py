"""How much do groups share? Laws nested in one another, from one law for all runs to a law for each group.

Two judges, of fits by least squares of ln L. The F test holds each law against the richest, a law for each group: it
takes the errors of runs as independent and of one size. The log score leaves out one size of one group at a time
(`forecasts.crossvalidation`), and a richer law gains nothing there by being richer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting.forecasts.crossvalidation import Scores, coded, leave_out
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Array
from workbench.fitting.prepared import prepare
from workbench.fitting.solving.certify import certify
from workbench.fitting.solving.objectives import objective_named

GOAL = objective_named("log-mse", 1e-3)

SEPARATE = "separate"
"""The richest: a law of its own for each group."""

WORDS = {
    "chinchilla": "one law for all runs: the groups do not differ",
    "family": "one multiplier: A and B differ by one factor",
    "shared-exponents": "shared E, α and β; own A and B",
    "shared-exponents-corpora": "shared α and β; own E, A and B",
    SEPARATE: "a law for each group",
}
"""What each shares, in words; each but the last is a case of the one after."""


@dataclass(frozen=True)
class Step:
    """One law of the ladder."""

    law: str
    free: int
    """Parameters estimated."""
    rms: float
    """Root mean square of ln L minus the law's."""
    f: float = float("nan")
    """F of the F test against a law for each group."""
    p: float = float("nan")
    """And its p: small where the groups do not share so much."""
    behind: float = float("nan")
    """Log score below the best of the ladder, in nats."""
    behind_se: float = float("nan")
    """The standard error of that difference."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {"law": self.law, "shares": WORDS[self.law], **{k: v for k, v in vars(self).items() if k != "law"}}


@dataclass(frozen=True)
class Ladder:
    """The laws, the least first."""

    steps: tuple[Step, ...]
    units: str = ""
    """What was left out for the log score."""
    reason: str = ""
    """Why a test could not be made; else empty."""
    params: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """The parameters of each law of all groups, by least squares."""

    def get(self, law: str) -> Step | None:
        """The step of a law."""
        return next((step for step in self.steps if step.law == law), None)

    @property
    def best(self) -> Step | None:
        """The step of the best log score."""
        return next((step for step in self.steps if step.behind == 0), None)


def ladder(table: pd.DataFrame, groups: Sequence[str], convention: str = "n", scored: bool = True) -> Ladder:
    """Fit every law of the ladder to a canonical table whose rows have all the laws read; `scored`, with log scores."""
    own = {group: table[table["group"] == group].reset_index(drop=True) for group in groups}
    names = [name for name in WORDS if name != SEPARATE]
    square: dict[str, float] = {}
    free: dict[str, int] = {}
    params: dict[str, dict[str, float]] = {}
    reason = ""
    for name in names:
        square[name], free[name], params[name] = _solved(table, name, convention)
    try:
        parts = [_solved(one, "chinchilla", convention) for one in own.values()]
        square[SEPARATE], free[SEPARATE] = sum(part[0] for part in parts), sum(part[1] for part in parts)
    except BadInput as error:
        reason = f"no law of its own can be fitted to every group: {error}"
    steps = [
        Step(name, free[name], float(np.sqrt(square[name] / len(table))), *_f_test(name, square, free, len(table)))
        for name in square
    ]
    if not scored:
        return Ladder(tuple(steps), "", reason, params)
    try:
        scores, units = _scores(table, own, convention, list(square))
    except BadInput as error:
        return Ladder(tuple(steps), "", reason or str(error), params)
    return Ladder(tuple(_scored(step, scores) for step in steps), units, reason, params)


def _solved(table: pd.DataFrame, law: str, convention: str) -> tuple[float, int, dict[str, float]]:
    """Σ r², parameters estimated, and the parameters."""
    prepared = prepare(table, LAWS[law], GOAL, convention)
    certificate = certify(prepared.problem)
    best_1P = certificate.basins_BP[:1]
    r_M = prepared.problem.residuals(best_1P)[0]
    params = {name: float(value[0]) for name, value in prepared.params(best_1P).items()}
    return float(r_M @ r_M), prepared.free, params


def _f_test(name: str, square: Mapping[str, float], free: Mapping[str, int], points: int) -> tuple[float, float]:
    from scipy.special import fdtrc

    if SEPARATE not in square or name == SEPARATE:
        return float("nan"), float("nan")
    extra, left = free[SEPARATE] - free[name], points - free[SEPARATE]
    if extra < 1 or left < 1 or square[SEPARATE] <= 0:
        return float("nan"), float("nan")
    f = max(square[name] - square[SEPARATE], 0.0) / extra / (square[SEPARATE] / left)
    return float(f), float(fdtrc(extra, left, f))


def _scores(
    table: pd.DataFrame, own: Mapping[str, pd.DataFrame], convention: str, names: Sequence[str]
) -> tuple[dict[str, Array], str]:
    """The score of each left-out unit under each law; units in one order for all."""
    code_M = np.empty(len(table), dtype=np.int64)
    first, words = 0, []
    for group, one in own.items():
        code, said = coded(one, "auto", convention)
        code_M[(table["group"] == group).to_numpy()] = code + first
        first += int(code.max()) + 1
        words.append(said)
    unit = words[0] if len(set(words)) == 1 else "units"
    found = {
        name: leave_out(prepare(table, LAWS[name], GOAL, convention), code_M, unit).score_G
        for name in names
        if name != SEPARATE
    }
    if SEPARATE in names:
        alone: list[Scores] = [
            leave_out(prepare(one, LAWS["chinchilla"], GOAL, convention), *coded(one, "auto", convention))
            for one in own.values()
        ]
        found[SEPARATE] = np.concatenate([one.score_G for one in alone])
    if len({len(scores) for scores in found.values()}) > 1:
        raise BadInput("a table so large is left out in parts, which differ between the laws.")
    return found, unit


def _scored(step: Step, scores: Mapping[str, Array]) -> Step:
    from dataclasses import replace

    best = max(scores.values(), key=lambda one: float(one.sum()))
    behind_G = best - scores[step.law]
    error = float(np.sqrt(len(behind_G)) * behind_G.std(ddof=1)) if len(behind_G) > 1 else float("nan")
    return replace(step, behind=float(behind_G.sum()), behind_se=error)
