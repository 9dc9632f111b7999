"""The report of a comparison: the answer first, then the figures, both fits, the tests, and what is not known."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench import __version__
from workbench.analyses import compare_tables as tables
from workbench.analyses import compare_words as words
from workbench.analyses.compare import Comparison
from workbench.fitting import Fit
from workbench.reporting.document import Block, Bullets, Code, Report, Section, Text


def report(found: Comparison, commands: Sequence[str] = ()) -> Report:
    """The document; `commands` make it again."""
    return Report(
        f"{' and '.join(found.others)} against {found.reference}",
        tuple(said for said in words.answers(found) if said),
        (
            Section("How many times the compute", tuple(_multiples(found))),
            Section("Both fits side by side" if len(found.groups) == 2 else "The fits side by side", _fits(found)),
            Section("Do the groups share exponents?", _shared(found)),
            Section("At equal N and D", (*_paired(found),)),
            Section("What is not identified", (Bullets(words.unknown(found)),)),
            Section("How it was made", tuple(_made(found))),
            Section("What was compared", tuple(_compared(found))),
            Section("To make it again", tuple(_again(commands))),
        ),
        data(found),
    )


def _multiples(found: Comparison) -> list[Block]:
    return [
        tables.losses_figure(found),
        tables.times_figure(found),
        tables.times_table(found),
        Text(words.prices(found)),
    ]


def _fits(found: Comparison) -> tuple[Block, ...]:
    return (tables.fits_table(found),)


def _shared(found: Comparison) -> tuple[Block, ...]:
    return (
        Text(words.shared(found)),
        tables.ladder_table(found),
        Text(
            "Each row is a case of the one below it. The F test holds each law against a law for each group; a small p "
            "says that the groups do not share so much. The log score is of runs that the law was not fitted to: a "
            "richer law gains nothing there by being richer."
        ),
    )


def _paired(found: Comparison) -> list[Block]:
    said: list[Block] = [Text(words.equal_points(found, group)) for group in found.others]
    return [*said, *tables.pairs_table(found)]


def _made(found: Comparison) -> list[Block]:
    law = found.law
    return [
        Text(
            f"All {law.n_points} runs were fitted by one law. All groups share its exponents; each has amplitudes of "
            f"its own{'' if found.one_number else ' and an irreducible loss of its own'}. The objective is "
            f"{law.objective} of ln L; N counts {law.conventions.get('fitted N', 'parameters')}."
        ),
        Code(law.configured_law.formula),
        Text(
            "At a cost of C = k N^s D the least loss of a group at each compute, its frontier, follows in closed form. "
            "Read at one loss, the frontiers give the compute that each group needs, and their ratio is how many times "
            "the compute it takes. The multiplier of `workbench price` and of the law `family` is its inverse."
        ),
        Text(
            f"Intervals are of {words.percent(found)}, by {law.interval_method}; how often they hold a known truth is "
            "measured by simulation (docs/compare.md). At equal N and D they are Student's, over points or sizes."
        ),
    ]


def _compared(found: Comparison) -> list[Block]:
    stated = tuple(f"{name}: {text}." for name, text in found.law.conventions.items())
    left: list[Block] = [Text("What was left out or taken for granted:"), Bullets(found.notes)] if found.notes else []
    return [
        tables.groups_table(found),
        *tables.differences_table(found),
        Text("What the numbers are:"),
        Bullets(stated),
        *left,
    ]


def _again(commands: Sequence[str]) -> list[Block]:
    code: list[Block] = [Code("\n".join(commands), "sh")] if commands else []
    return [*code, Text(f"Made by the scaling-law workbench {__version__}.")]


def data(found: Comparison) -> dict[str, Any]:
    """The results by name, for programs."""
    return {
        "groups": list(found.groups),
        "reference": found.reference,
        "measure": found.measure,
        "overlap": found.overlap,
        "times": found.at_losses.replace([np.inf, -np.inf], np.nan),
        "law": found.law.to_dict(),
        "alone": {
            group: fit.to_dict() if isinstance(fit, Fit) else {"not_fitted": fit} for group, fit in found.alone.items()
        },
        "costs": {group: {"k": cost.k, "tilt": cost.tilt} for group, cost in found.costs.items()},
        "ladder": {
            "steps": [step.to_dict() for step in found.ladder.steps],
            "left_out": found.ladder.units,
            "reason": found.ladder.reason,
        },
        "paired": {
            group: {
                "points": len(one.points),
                "difference": one.difference.to_dict(),
                "times": None if one.times is None else one.times.to_dict(),
            }
            for group, one in found.paired.items()
        },
        "differences": found.differences,
        "not_identified": list(words.unknown(found)),
        "notes": list(found.notes),
        "summary_lines": [said for said in words.answers(found) if said],
    }
