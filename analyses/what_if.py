"""What a budget buys by a fitted law: the best N and D with their loss, and what it costs to depart from them.

Four uses of the same compute, or of the same quality, side by side: the compute-optimal model; a smaller one trained
for longer (de Vries 2023); the best with fewer distinct tokens than it would like (Muennighoff et al. 2023); the one
that is cheapest with its inference (Sardana et al. 2024). All numbers are of `fitting.forecasts`.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from workbench.analyses import law_fits
from workbench.analyses.ask import one_of
from workbench.analyses.budgets import POSITIVE, Budget, BudgetAsk
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.selection import Selection
from workbench.fitting import Allocation, Fit, allocate, prediction_interval
from workbench.fitting.forecasts.inference import Serving, serve
from workbench.fitting.forecasts.points import LossAt, loss_at
from workbench.fitting.forecasts.repeats import Limited, Repetition, repetition
from workbench.fitting.forecasts.surface import ALLOCATING, Surface, interval
from workbench.fitting.record import CONVENTION_LABELS

SPAN = 30.0
"""The figure shows sizes this many times smaller and larger than the best."""

NODES = 61


class WhatIfAsk(BudgetAsk):
    """A budget, and what to do with it."""

    law: Annotated[str, one_of(ALLOCATING)] = "chinchilla"
    convention: Annotated[str, one_of(CONVENTION_LABELS)] = "n"
    ratio: Annotated[float, POSITIVE] | None = None
    """Tokens per parameter of a model other than the best …"""
    size: Annotated[float, POSITIVE] | None = None
    """… or its N: one of the two."""
    unique_tokens: Annotated[float, Field(ge=1e3, allow_inf_nan=False)] | None = None
    """Distinct tokens that there are."""
    inference_tokens: Annotated[float, POSITIVE] | None = None
    """Tokens that the model will read and write in its life."""

    @model_validator(mode="after")
    def _one_departure(self) -> "WhatIfAsk":
        if self.ratio is not None and self.size is not None:
            raise ValueError("ratio and size both name the other model; give one of them")
        return self


@dataclass(frozen=True)
class Answer:
    """What the law says of one budget."""

    fit: Fit
    surface: Surface
    budget: Budget
    largest: float
    """The largest budget of the runs."""
    optimum: Allocation
    departed: LossAt | None
    limited: Repetition | None
    served: Serving | None

    @property
    def distance(self) -> float:
        """How many times the largest budget is asked for."""
        return self.budget.flops / self.largest


def fit_of(selection: Selection, ask: WhatIfAsk) -> Fit | str:
    """The law's fit under the report's settings, or the reason why there is none."""
    return law_fits.fitted(selection, LawAsk(law=ask.law, convention=ask.convention))


def answer(selection: Selection, ask: WhatIfAsk) -> Answer | str:
    """The answer, or the reason why there is none."""
    fit = fit_of(selection, ask)
    if isinstance(fit, str):
        return fit
    return answered(fit, ask, law_fits.largest(selection))


def answered(fit: Fit, ask: WhatIfAsk, largest: float) -> Answer:
    """What a fit says of what is asked."""
    surface, budget = Surface.of(fit), Budget.of(ask, largest)
    flops = budget.flops
    other = other_size(ask, surface, flops)
    return Answer(
        fit=fit,
        surface=surface,
        budget=budget,
        largest=largest,
        optimum=allocate(fit, flops),
        departed=None if other is None else loss_at(surface, other, surface.cost.tokens(other, flops)),
        limited=None if ask.unique_tokens is None else best_limited(surface, ask.unique_tokens, flops),
        served=None if ask.inference_tokens is None else serve(surface, ask.inference_tokens, flops=flops),
    )


def other_size(ask: WhatIfAsk, surface: Surface, flops: float) -> float | None:
    """N of the model that departs from the best: as given, or with D = ratio·N at C = k N^s D."""
    if ask.ratio is None:
        return ask.size
    return float((flops / (surface.cost.k * ask.ratio)) ** (1 / (1 + surface.steep)))


def best_limited(surface: Surface, unique: float, flops: float) -> Repetition:
    """The best use of C with so many distinct tokens."""
    return repetition(surface, unique, *Limited(surface, unique).optimum(flops), flops=flops)


def slices(found: Answer, unique: float | None) -> pd.DataFrame:
    """The loss over N at the budget, from far below to far above the best size and every other one asked about.

    n, d, loss, the law's low and high, run_low and run_high of one run; `limited`, with no more than `unique` tokens.
    """
    surface, flops = found.surface, found.budget.flops
    others = [found.departed and found.departed.n, found.limited and found.limited.n.value]
    ends = [n for n in others if n] + [found.optimum.n / SPAN, found.optimum.n * SPAN]
    n = np.geomspace(min(ends), max(ends), NODES)
    d = flops / (surface.cost.k * n**surface.steep)
    frame: dict[str, Any] = {"n": n, "d": d, "loss": found.fit.predict(n=n, d=d, u=d)}
    if found.fit.resamples:
        bounds = [interval(surface.loss(*pair)[1:], found.fit.cut) for pair in zip(n, d, strict=True)]
        frame["low"], frame["high"] = np.array(bounds).T
        frame["run_low"], frame["run_high"] = prediction_interval(found.fit, n=n, d=d, u=d)
    if unique is not None:
        with_limit = Limited(surface, unique)
        frame["limited"] = [float(with_limit.loss(*pair)[0]) for pair in zip(n, d, strict=True)]
    return pd.DataFrame(frame)
