"""Forecasts from a table: what was asked of a law, what it answered, and back-tests that say how far to trust it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from workbench.fitting import tables
from workbench.fitting.fit import RESAMPLES, fit
from workbench.fitting.forecasts import decisions
from workbench.fitting.forecasts.allocation import Allocation, allocate
from workbench.fitting.forecasts.backtest import BackTest, backtest
from workbench.fitting.forecasts.backtests import RESAMPLES as BEHIND
from workbench.fitting.forecasts.backtests import BackTests, backtests
from workbench.fitting.forecasts.inference import Serving, serve
from workbench.fitting.forecasts.points import LossAt, Target, points, target
from workbench.fitting.forecasts.question import Question, checked_law
from workbench.fitting.forecasts.repeats import BORROWED_SAID, Limited, Repetition, repetition
from workbench.fitting.forecasts.surface import Surface
from workbench.fitting.laws import LAWS
from workbench.fitting.record import Fit, NotIdentifiable

MULTIPLES = (10.0, 100.0)
"""Without a compute asked for, these multiples of the largest budget."""

REPEATED = 0.999
"""A run whose unique tokens are fewer than this share of its tokens has seen some of them twice."""


@dataclass(frozen=True)
class Forecast:
    """What was asked of the laws, and what they answered."""

    fit: Fit
    """The parametric law the forecasts come from."""
    beside: Fit | None
    """The isoFLOP law, where the design has one."""
    largest: float
    """The largest budget, in FLOPs."""
    allocations: tuple[Allocation, ...]
    points: tuple[LossAt, ...]
    backtest: BackTest | None
    said: str
    """The back-test in a sentence, or why there is none."""
    notes: tuple[str, ...]
    open: tuple[str, ...] = ()
    """Which of the forecasts are not determined, and why: the first thing to know."""
    targets: tuple[Target, ...] = ()
    departures: tuple[decisions.Departure, ...] = ()
    flatness: tuple[decisions.Flatness, ...] = ()
    serving: tuple[Serving, ...] = ()
    repetition: tuple[Repetition, ...] = ()
    multipliers: tuple[decisions.Multiplier, ...] = ()
    backtests: BackTests | None = field(default=None, repr=False)
    """The same with the top of the range of compute held out by factors of 2, 4, 8, …"""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        several: dict[str, Sequence[Any]] = {
            "compute": self.allocations,
            "points": self.points,
            "targets": self.targets,
            "departures": self.departures,
            "flatness": self.flatness,
            "inference": self.serving,
            "repetition": self.repetition,
            "multipliers": self.multipliers,
        }
        return {
            "law": self.fit.law,
            "level": self.fit.level,
            "largest_budget": self.largest,
            **{name: [one.to_dict() for one in found] for name, found in several.items()},
            "backtest": None if self.backtest is None else self.backtest.to_dict(),
            "backtests": None if self.backtests is None else self.backtests.to_dict(),
            "identified": self.fit.identified,
            "not_determined": list(self.open),
            "notes": [*self.open, self.said, *self.notes, *self.fit.notes],
            "fits": [one.to_dict() for one in (self.fit, self.beside) if one is not None],
        }


def forecast(
    table: pd.DataFrame,
    computes: Sequence[float] = (),
    at: tuple[float, float] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    *,
    question: Question | None = None,
    law: str = "chinchilla",
    level: float = 0.95,
    intervals: str = "auto",
    objective: str = "huber",
    delta: float = 1e-3,
    fixed: Mapping[str, float] | None = None,
    noise: str = "equal",
) -> Forecast:
    """Forecast from a canonical table, at each of `computes` (by default 10× and 100× the largest) or at (N, D).

    The law is fitted as by `fit`, to the settings of the same names.

    A `question` asks for more, in place of `computes` and `at`.
    """
    n, d = at or (None, None)
    asked = question or Question(computes, () if n is None else (n,), () if d is None else (d,))
    asked.checked()
    checked_law(law)
    if "conventions" not in table.attrs:
        table = tables.canonical(table)

    def fitted(name: str) -> Fit:
        own = fixed if name == law else None
        return fit(
            table, name, objective, delta, resamples=resamples, seed=seed, level=level, intervals=intervals, fixed=own,
            noise=noise,
        )  # fmt: skip

    again: dict[str, Any] = {
        "objective": objective, "delta": delta, "resamples": resamples, "seed": seed, "level": level,
        "intervals": intervals, "fixed": fixed, "noise": noise,
    }  # fmt: skip
    main = fitted(law)
    surface = Surface.of(main)
    notes: list[str] = []
    beside = _tried(lambda: fit(table, "isoflop", resamples=resamples, seed=seed, level=level), "No isoFLOP law", notes)
    tested, said = _tested(table, law, again)
    largest = largest_budget(table)
    default = () if asked.sizes or asked.tokens or asked.losses else tuple(largest * times for times in MULTIPLES)
    spent = tuple(asked.computes) or default
    single = points(surface, asked.sizes, asked.tokens, asked.computes)
    alone = () if asked.sizes or asked.tokens else spent
    known = tuple(one for one in single if "flops" not in one.open)
    every = spent or tuple(one.flops for one in known)
    repeats, repeats_notes = _repeats(table, surface, asked.unique_tokens, known, every, fitted)
    reached = _reached(table, law, again)
    allocations = tuple(allocate(one, c) for c in alone for one in (main, beside) if one is not None)
    return Forecast(
        fit=main,
        beside=beside,
        largest=largest,
        allocations=allocations,
        points=single,
        open=_open(allocations, single),
        backtest=tested,
        said=said,
        notes=(*notes, *repeats_notes, *_distance(table, alone, known, tested, reached)),
        targets=tuple(target(surface, loss) for loss in asked.losses),
        departures=tuple(one for c in every if asked.depart for one in decisions.departures(surface, c, asked.depart)),
        flatness=tuple(
            decisions.flatness(surface, c, share) for c in every if asked.depart for share in decisions.NEAR
        ),
        serving=_served(surface, asked, every),
        repetition=repeats,
        multipliers=(
            *(decisions.multiplier(surface, c, factor) for c in every for factor in asked.multipliers),
            *(decisions.worth(surface, c, gap) for c in every for gap in asked.gaps),
        ),
        backtests=reached,
    )


def largest_budget(table: pd.DataFrame) -> float:
    """The largest budget of the design, or else the largest compute of a final point."""
    final, _ = tables.final_points(table)
    if "budget" in final and final["budget"].notna().any():
        return float(final["budget"].max())
    return float(final["c"].max())


def _tried(make: Callable[[], Fit], what: str, notes: list[str]) -> Fit | None:
    """A fit that may stand beside; where it cannot be made, a note says why."""
    try:
        return make()
    except NotIdentifiable as error:
        notes.append(f"{what} stands beside: {error}")
        return None


def _open(allocations: Sequence[Allocation], single: Sequence[LossAt]) -> tuple[str, ...]:
    """A sentence for each forecast that the runs leave open."""
    found = [f"Not determined: {one.law} at C = {one.flops:.3g}: {one.reason}." for one in allocations if one.reason]
    for one in single:
        if one.reason:
            known = [f"{name.upper()} = {getattr(one, name):.3g}" for name in ("n", "d") if name not in one.open]
            found.append(f"Not determined: {', '.join(known)}: {one.reason}.")
    return tuple(found)


def _tested(table: pd.DataFrame, law: str, settings: Mapping[str, Any]) -> tuple[BackTest | None, str]:
    """The back-test of the largest budget, and what to say of it."""
    try:
        tested = backtest(table, law, **settings)
    except NotIdentifiable as error:
        return None, f"Back-test: not possible, since {error}"
    return tested, (
        f"Back-test: fitted without {tested.held_out}, the law missed its best loss, {tested.observed:.4f}, by "
        f"{100 * tested.relative_error:+.2f}% at {tested.distance:.3g}× the compute it saw."
    )


def _reached(table: pd.DataFrame, law: str, settings: Mapping[str, Any]) -> BackTests | None:
    try:
        return backtests(table, law, **{**settings, "resamples": min(settings["resamples"], BEHIND)})
    except NotIdentifiable:
        return None


def _served(surface: Surface, asked: Question, computes: Sequence[float]) -> tuple[Serving, ...]:
    """With inference: for each loss asked for, or else for as good a model as each compute's optimum."""
    if asked.inference_tokens is None:
        return ()
    if asked.losses:
        return tuple(serve(surface, asked.inference_tokens, loss=loss) for loss in asked.losses)
    return tuple(serve(surface, asked.inference_tokens, flops=c) for c in computes)


def _repeats(
    table: pd.DataFrame,
    surface: Surface,
    unique: float | None,
    single: Sequence[LossAt],
    computes: Sequence[float],
    fitted: Callable[[str], Fit],
) -> tuple[tuple[Repetition, ...], list[str]]:
    """The cost of repeats at each point asked for, or at the optimum of each compute and at the best with the limit."""
    final, _ = tables.final_points(table)
    seen = final[(final["u"] < REPEATED * final["d"])] if {"u", "d"} <= set(final) else final.iloc[:0]
    notes: list[str] = []
    if len(seen) and "u" not in surface.law.columns:
        notes.append(
            f"{len(seen)} runs saw tokens more than once, which {surface.fit.law} counts as fresh; "
            "--law data-constrained does not."
        )
    if unique is None:
        return (), notes
    if len(seen) and "u" not in surface.law.columns and "data-constrained" in LAWS:
        try:
            surface = Surface.of(fitted("data-constrained"))
            weak = "" if surface.fit.identified else ", which these runs do not determine"
            notes.append(f"What repeats cost is by data-constrained, fitted to all runs{weak}.")
        except NotIdentifiable as error:
            notes.append(f"No law of repeats can be fitted: {error}")
    limited = Limited(surface, unique)
    if not limited.fitted:
        notes.append(BORROWED_SAID)
    if single:
        return tuple(repetition(surface, unique, one.n, one.d) for one in single), notes
    found: list[Repetition] = []
    for flops in computes:
        n_S, d_S = surface.optimum(flops)
        found += [
            repetition(surface, unique, float(n_S[0]), float(d_S[0])),
            repetition(surface, unique, *limited.optimum(flops), flops=flops),
        ]
    return tuple(found), notes


def _distance(
    table: pd.DataFrame,
    computes: Sequence[float],
    single: Sequence[LossAt],
    tested: BackTest | None,
    tests: BackTests | None,
) -> list[str]:
    """What a reader should know of how far the forecasts reach."""
    found = [
        "Intervals of the law are of its own uncertainty, given that its form holds; those of a run add the noise of "
        "one run."
    ]
    top = float(table["c"].max())
    far = max([*computes, *(one.flops for one in single)], default=0.0) / top
    reached = max(1.0 if tested is None else tested.distance, 1.0 if tests is None else tests.furthest)
    if far > reached:
        untested = tested is None and tests is None
        last = "there is no back-test" if untested else f"the back-test reached {reached:.3g}×"
        found.append(f"The furthest forecast is at {far:.3g}× the compute of the largest run; {last}.")
    return found
