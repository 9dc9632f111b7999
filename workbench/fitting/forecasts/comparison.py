"""Which law forecasts best? Candidates held against runs they have not seen, never against those they were fitted to.

Three judges, none of which a richer law satisfies by being richer:

back-tests    the top of the range of compute held out (`backtests`): what a forecast meets
log score     groups left out one at a time (`crossvalidation`); two laws differ where the difference over the groups is
              more than twice its standard error √G·sd (Vehtari, Gelman & Gabry 2017, 1507.04544, eq. 23)
AICc          for fits by likelihood alone: the objective log-mse

All laws are fitted to the same runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import BadInput
from workbench.fitting import tables
from workbench.fitting.forecasts.backtest import coverage, weighed_at_all
from workbench.fitting.forecasts.backtests import FACTORS, RESAMPLES, BackTests, backtests
from workbench.fitting.forecasts.crossvalidation import Scores, aicc, coded, leave_out
from workbench.fitting.laws import LAWS
from workbench.fitting.laws.base import Law
from workbench.fitting.prepared import TEXT, prepare
from workbench.fitting.record import NotFitted, NotIdentifiable
from workbench.fitting.solving.objectives import objective_named

TWINS = {"over-training": "chinchilla-tied"}
"""One law under two names: only the other is a candidate unless this one is asked for."""

CHOSEN_ROWS = ("kaplan-n", "kaplan-d", "kaplan-c")
"""Laws of a limit or of the frontier: they are fitted to runs of their own, so that no score compares."""


@dataclass(frozen=True)
class Candidate:
    """One law before its judges."""

    law: str
    free: int
    """Parameters estimated."""
    scores: Scores
    aicc: float
    """NaN where the fit is not by likelihood."""
    tests: BackTests | None
    untested: str
    """Why there are no back-tests; else empty."""


@dataclass(frozen=True)
class Comparison:
    """The candidates, the best log score first."""

    candidates: tuple[Candidate, ...]
    not_fitted: tuple[NotFitted, ...]
    objective: str
    convention: str
    points: int
    factors: tuple[float, ...]
    """Back-tests that every tested candidate has: only these are compared."""
    notes: tuple[str, ...] = ()

    def frame(self) -> pd.DataFrame:
        """One row a law: back-test error over the common factors, score and its distance from the best, AICc."""
        best = self.candidates[0].scores.score_G
        lowest = np.nanmin([one.aicc for one in self.candidates]) if self._likelihood else np.nan
        rows = []
        for one in self.candidates:
            behind_G = best - one.scores.score_G
            error_M = self._errors(one)
            rows.append(
                {
                    "law": one.law,
                    "parameters": one.free,
                    "backtest_rms": float(np.sqrt(np.mean(error_M**2))) if len(error_M) else np.nan,
                    "backtest_bias": float(error_M.mean()) if len(error_M) else np.nan,
                    "coverage": self._coverage(one),
                    "log_score": one.scores.total,
                    "behind": float(behind_G.sum()),
                    "behind_se": float(np.sqrt(len(behind_G)) * behind_G.std(ddof=1)),
                    "left_out_rms": float(np.sqrt(np.mean(one.scores.error_M**2))),
                    "aicc": one.aicc,
                    "delta_aicc": one.aicc - lowest,
                }
            )
        return pd.DataFrame(rows)

    def determined(self, law: str, other: str) -> tuple[tuple[float, ...], float, float]:
        """The common factors whose hold-outs left enough to determine both laws, and the rms error of each there.

        Where what was left determines neither, an error says which extrapolates luckily, and not which holds.
        """
        tests = [one.tests for name in (law, other) for one in self.candidates if one.law == name]
        known = [{test.factor for test in one.tests if test.identified} for one in tests if one is not None]
        factors = set(self.factors).intersection(*known) if len(known) == 2 else set()
        if not factors:
            return (), float("nan"), float("nan")
        rms = []
        for one in tests:
            parts = [test.points for test in one.tests if test.factor in factors] if one is not None else []
            points = pd.concat(parts)
            rms.append(float(np.sqrt(np.mean(np.log((points["predicted"] / points["loss"]).to_numpy(float)) ** 2))))
        return tuple(sorted(factors)), rms[0], rms[1]

    def _pairs(self) -> list[dict[str, Any]]:
        """`determined` of every two laws that have such hold-outs."""
        names = [one.law for one in self.candidates]
        found = ((law, other, self.determined(law, other)) for law, other in combinations(names, 2))
        return [
            {"law": law, "other": other, "factors": list(factors), "rms": rms, "other_rms": other_rms}
            for law, other, (factors, rms, other_rms) in found
            if factors
        ]

    @property
    def _likelihood(self) -> bool:
        return any(np.isfinite(one.aicc) for one in self.candidates)

    def _common(self, one: Candidate) -> list[pd.DataFrame]:
        tests = one.tests.tests if one.tests else ()
        return [test.points for test in tests if test.factor in self.factors]

    def _errors(self, one: Candidate) -> np.ndarray:
        """ln L̂ − ln L of the held-out runs, those of every factor together."""
        parts = [np.log(points["predicted"] / points["loss"]) for points in self._common(one)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _coverage(self, one: Candidate) -> float:
        parts = self._common(one)
        return coverage(pd.concat(parts)) if parts else float("nan")

    def verdict(self) -> str:
        """Which law stands first by each judge, and which cannot be told from it."""
        frame = self.frame()
        names = frame["law"].tolist()
        close = (frame["behind"] <= 2 * frame["behind_se"]).tolist()
        near = [name for name, one in zip(names[1:], close[1:], strict=True) if one]
        words = self.candidates[0].scores.words
        said = [f"By the log score with {words} left out: {names[0]}"]
        said[0] += f", not to be told from {' or '.join(near)}." if near else "."
        rms = frame["backtest_rms"].to_numpy(dtype=np.float64)
        if np.isfinite(rms).any():
            best = int(np.nanargmin(rms))
            said.append(f"By the back-tests: {names[best]}, off by {100 * rms[best]:.2g}% in the root mean square.")
            factors, own, other = self.determined(names[best], names[0]) if best else ((), 0.0, 0.0)
            if factors:
                said.append(
                    f"But where what was left determined both: {names[best]} by {100 * own:.2g}%, {names[0]} by "
                    f"{100 * other:.2g}%."
                )
        if self._likelihood:
            said.append(f"By AICc: {names[int(np.nanargmin(frame['aicc'].to_numpy(dtype=np.float64)))]}.")
        return " ".join(said)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        tests = {one.law: None if one.tests is None else one.tests.to_dict() for one in self.candidates}
        return {
            "objective": self.objective,
            "convention": self.convention,
            "points": self.points,
            "left_out": self.candidates[0].scores.words,
            "factors": list(self.factors),
            "laws": self.frame().to_dict("records"),
            "backtests": tests,
            "where_determined": self._pairs(),
            "not_fitted": [one.to_dict() for one in self.not_fitted],
            "verdict": self.verdict(),
            "notes": list(self.notes),
        }


def compare(
    table: pd.DataFrame,
    laws: Sequence[str] = (),
    objective: str = "huber",
    delta: float = 1e-3,
    convention: str = "n",
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
    *,
    by: str = "auto",
    factors: Sequence[float] = FACTORS,
    fixed: Mapping[str, float] | None = None,
    tested: Mapping[str, BackTests] | None = None,
) -> Comparison:
    """Hold candidate laws against runs they were not fitted to; without `laws`, those of N and D the table allows.

    `tested` are back-tests of the same runs and settings that were made already, by law.
    """
    if "conventions" not in table.attrs:
        table = tables.canonical(table)
    names = tuple(laws) or candidates_for(table, convention)
    refuse(names)
    goal = objective_named(objective, delta)
    attrs = table.attrs
    final, notes = tables.final_points(table)
    final, dropped = tables.checked(final, _needed(names, convention))
    final.attrs = dict(attrs)
    final = weighed_at_all(final)
    if "group" in final and any("group" in LAWS[name].columns for name in names):
        final = final[final["group"].notna()].reset_index(drop=True)
    code_M, words = coded(final, by, convention)
    found: list[Candidate] = []
    failed: list[NotFitted] = []
    for name in names:
        law = LAWS[name]
        own = {key: value for key, value in (fixed or {}).items() if key in {one.name for one in law.parameters}}
        try:
            scores = leave_out(prepare(final, law, goal, convention, own or None), code_M, words)
        except NotIdentifiable as error:
            failed.append(NotFitted(name, str(error), convention))
            continue
        tests, untested = (tested or {}).get(name), ""
        try:
            tests = tests or backtests(
                final, name, objective, delta, convention, resamples, seed, level, factors=factors, fixed=own or None
            )
        except BadInput as error:
            untested = str(error)
        found.append(
            Candidate(name, scores.free, scores, aicc(scores.value, len(final), scores.free, goal), tests, untested)
        )
    if not found:
        raise NotIdentifiable(f"none of {', '.join(names)} can be compared: {failed[0].reason}")
    found.sort(key=lambda one: -one.scores.total)
    reached = [{test.factor for test in one.tests.tests} for one in found if one.tests]
    common = tuple(sorted(set.intersection(*reached))) if reached else ()
    return Comparison(tuple(found), tuple(failed), goal.name, convention, len(final), common, (*notes, *dropped))


def candidates_for(table: pd.DataFrame, convention: str = "n") -> tuple[str, ...]:
    """The laws of the loss in N and D, and in what else the table has, that can be fitted to every run."""

    def has(column: str) -> bool:
        values = table.get(convention if column == "n" else column)
        if values is None or values.isna().all():
            return False
        if column == "u":
            return bool((values < 0.999 * table["d"]).any())
        return column in ("n", "d") or not (values == values.iloc[0]).all()

    return tuple(
        name
        for name, law in LAWS.items()
        if name not in TWINS
        and law.response == "loss"
        and {"n", "d"} <= set(law.columns)
        and all(has(column) for column in law.columns)
    )


def refuse(names: Sequence[str]) -> None:
    """Refuse laws that cannot be compared with one another."""
    for name in names:
        if name not in LAWS or name in CHOSEN_ROWS:
            raise BadInput(
                f"law is '{name}', which is fitted to runs of its own choice or predicts no losses of runs; compare "
                "laws of single runs, such as chinchilla, chinchilla-tied and kaplan-nd."
            )
    kinds = {(LAWS[name].response, LAWS[name].log_response) for name in names}
    if len(kinds) > 1:
        raise BadInput(f"{', '.join(names)} predict different things ({_listed(names)}); compare laws of one response.")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(LAWS[name].response for name in names))


def _needed(names: Sequence[str], convention: str) -> tuple[str, ...]:
    """Columns in which every run must have a number, so that all laws are fitted to the same runs."""

    def read(law: Law) -> list[str]:
        return [convention if name == "n" else name for name in law.columns if name not in TEXT]

    every = [name for law in names for name in (*read(LAWS[law]), LAWS[law].response)]
    return tuple(dict.fromkeys(every))
