"""The app's figures by name: what may be asked of each, and what answers.

A page lets a reader choose an `Ask`, and shows what its view draws of it; `workbench figure NAME STORE --set KEY=VALUE`
draws the same, which is the command under the figure. A new view is one entry of the table below.
"""

import json
import shlex
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from workbench.analyses.ask import Ask
from workbench.analyses.selection import Selection
from workbench.errors import BadInput
from workbench.reporting.document import Block


@dataclass(frozen=True)
class View:
    """A figure, or a few that belong together."""

    answers: str
    """The question it answers, in a few words."""
    ask: type[Ask]
    draw: Callable[[Selection, Any], list[Block]]
    """From the runs and an `ask` to what is shown."""
    of_runs: bool = True
    """False where it shows none of a store's runs, and so needs no store."""


def _views() -> dict[str, View]:
    """The table. Its modules are read when it is asked for: each is a study of its own."""
    from workbench.analyses import (
        compare_view,
        curve_view,
        law_fits,
        law_views,
        live_view,
        model_card,
        model_shape,
        next_view,
        overview,
        published_views,
        run_view,
        task_axes,
        what_if,
        what_if_views,
    )

    law = law_fits.LawAsk
    return {
        "curves": View("how the loss fell while each run trained", curve_view.CurvesAsk, curve_view.blocks),
        "loss-against-compute": View(
            "what loss each run's compute bought, and the least the law gives", overview.LossesAsk, overview.losses
        ),
        "live": View("how far a sweep in training has come", live_view.LiveAsk, live_view.view),
        "compare": View(
            "how many times the compute one group of runs needs for the loss of another",
            compare_view.CompareAsk,
            compare_view.blocks,
        ),
        "model": View(
            "what a model weighs, costs to train and keeps in memory",
            model_shape.ModelAsk,
            model_card.blocks,
            of_runs=False,
        ),
        "next": View("which runs to train next, for a budget", next_view.NextAsk, next_view.blocks),
        "parallel": View("which settings go with a low loss", run_view.ParallelAsk, run_view.across),
        "runs": View("each run as a point", run_view.RunsAsk, run_view.points),
        "tasks": View("which abilities appear, and at what size", task_axes.TasksAsk, task_axes.view),
        "law-points": View("the final losses, before any fit", law, law_views.points),
        "law": View("one law with its parameters, over its runs", law, law_views.law),
        "isoflop": View("the best size at each compute", law, law_views.isoflop),
        "contour": View("the loss over N and D, with the runs and the frontier", law, law_views.contour),
        "frontier": View("the best N and D against compute, by one law", law, law_views.frontier),
        "law-residuals": View("what a law misses, against N, D and C", law, law_views.law_residuals),
        "profile": View("how sure each parameter is", law, law_views.profile),
        "cloud": View("which parameters move together", law, law_views.cloud),
        "law-backtest": View("how far a law missed runs it had not seen", law, law_views.backtest),
        "what-if": View(
            "what a budget buys, and what departing from the best costs", what_if.WhatIfAsk, what_if_views.blocks
        ),
        "published": View("this fit beside published laws", published_views.PublishedAsk, published_views.published),
        "conventions": View("the exponents by every approach and count of N", Ask, law_views.conventions),
        "diagnostics": View("whether the parametric law holds", Ask, law_views.diagnostics),
        "laws-compared": View("which law forecasts best", Ask, law_views.compared),
    }


def view(name: str) -> View:
    """A view by its name."""
    found = _views()
    if name not in found:
        raise BadInput(f"no figure is called {name!r}; there are: {', '.join(found)}")
    return found[name]


def names() -> dict[str, str]:
    """View → the question it answers."""
    return {name: one.answers for name, one in _views().items()}


def asked(name: str, settings: Iterable[str]) -> Ask:
    """`x=flops`, `runs=["r-1", "r-2"]`, `log_y=false` as what is asked of a view; values are TOML, or plain text."""
    values: dict[str, Any] = {}
    kind = view(name).ask
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or key not in kind.model_fields:
            raise BadInput(f"--set {setting}: {name} takes {_takes(kind)}")
        values[key] = _value(text)
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        raise BadInput(f"--set {key}={values.get(key)}: {first['msg'].removeprefix('Value error, ')}") from error


def _takes(kind: type[Ask]) -> str:
    return f"KEY=VALUE, KEY one of {', '.join(kind.model_fields)}" if kind.model_fields else "no settings"


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def command(name: str, selection: Selection, ask: Ask) -> str:
    """The command that draws the same."""
    words = ["workbench", "figure", name]
    if view(name).of_runs:
        words.append(where(selection.folder))
        if selection.sweep is not None and selection.sweep_is_a_choice:
            words += ["--sweep", selection.sweep]
    for key, value in ask.changed().items():
        words += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
    return shlex.join(words)


def where(folder: Path) -> str:
    """A store as a command names it: the one that ships with the package is `reference`."""
    from workbench.store import reference_store

    return "reference" if folder.resolve() == Path(str(reference_store())).resolve() else str(folder)
