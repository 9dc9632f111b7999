"""A sweep at a glance: which law answers, what it says of larger budgets, and what its runs cost.

One law is fitted, and a second only where the first is not determined: a page must not wait for the whole study.
"""

from collections.abc import Sequence

import pandas as pd

from workbench.analyses import law_fits, one_law
from workbench.analyses import scaling_tables as tables
from workbench.analyses.ask import Ask
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.samples import members
from workbench.analyses.scaling import MULTIPLES
from workbench.analyses.selection import Selection
from workbench.fitting import Fit
from workbench.fitting.forecasts.forecast import largest_budget
from workbench.fitting.tables.canonical import LEFT_OUT
from workbench.reporting import figures, formats
from workbench.reporting.document import Block, Figure, Text
from workbench.reporting.figures.pieces import plural


class LossesAsk(Ask):
    """The losses, with the law's line or alone."""

    law: bool = True


def answers(selection: Selection) -> tuple[Fit | None, tuple[str, ...]]:
    """The law that says how compute divides, as the report chooses it, and why there is none."""
    return selection.once("headline", lambda: _headline(selection))


def answer_known(selection: Selection) -> bool:
    """Whether it has been fitted already."""
    return selection.knows("headline")


def _headline(selection: Selection) -> tuple[Fit | None, tuple[str, ...]]:
    found: list[Fit] = []
    reasons: list[str] = []
    for law in tables.ALLOCATING:
        fit = law_fits.fitted(selection, LawAsk(law=law))
        if isinstance(fit, str):
            reasons.append(fit)
        elif fit.extra.get("kind") != "curves":
            found.append(fit)
            if fit.identified:
                break
    return next((fit for fit in found if fit.identified), found[0] if found else None), tuple(reasons)


def cost(selection: Selection) -> list[tuple[str, str, str]]:
    """What stands large on the page, known without any fit: title, number, what is below."""
    runs = selection.runs
    done = runs[runs["status"] == "done"]
    planned = len(runs) if selection.sweep is None else len(members(selection.store.manifest(selection.sweep)))
    best = float(done["loss"].min()) if len(done) else float("nan")
    many = f"{len(done):,}" if len(done) == planned else f"{len(done):,} of {planned:,}"
    return [
        ("Runs done", many, _range(done["n_params"])),
        ("FLOPs spent", formats.power(float(runs["flops_spent"].sum())), _most(done["flops"])),
        ("Training time", formats.seconds(float(runs["seconds"].sum())), "summed over all runs"),
        ("Best loss", formats.show(best, "loss"), "nats per token, held out"),
    ]


def _range(sizes: pd.Series) -> str:
    if sizes.empty:
        return "none yet"
    low, high = formats.count(float(sizes.min())), formats.count(float(sizes.max()))
    return f"{low if low == high else f'{low} to {high}'} parameters"


def _most(flops: pd.Series) -> str:
    return "none yet" if flops.empty else f"up to {formats.power(float(flops.max()))} a run"


def losses(selection: Selection, ask: LossesAsk) -> list[Block]:
    """Final losses against compute, with the least loss that the law gives for each compute where it is determined."""
    points = law_fits.points(selection)
    if points.empty:
        return [Text(law_fits.NO_RUNS, note=True)]
    fit = answers(selection)[0] if ask.law else None
    largest = largest_budget(law_fits.table(selection))
    line = None if fit is None else _line([fit], points, largest)
    caption = f"Held-out loss at the end of {plural(len(points), 'run')} against the compute each took"
    caption += _left_out(law_fits.sample(selection), len(points))
    if fit is not None and line is not None and len(line):
        caption += "; the line is the least loss that the law gives for each compute, with its "
        caption += f"{100 * fit.level:g}% interval, dotted beyond the runs ({one_law.name_of(fit.law)})"
    elif ask.law:
        caption += "; no line is drawn, since no law of the loss is determined by these runs"
    figure = figures.loss_against_compute(points, None, line)
    name = "loss-against-compute" if ask.law else "losses"
    return [Figure(name, caption + ".", figure, points[["n", "d", "c", "loss"]])]


def _left_out(runs: pd.DataFrame, kept: int) -> str:
    """Which finished runs are no part of a law, by what they are."""
    done = runs[runs["status"] == "done"]
    many = len(done) - kept
    if many < 1:
        return ""
    roles = done["role"].value_counts()
    kinds = [
        plural(int(roles[role]), noun)
        for role, noun in (("rate", "learning-rate check"), ("variant", "variant of the recipe"))
        if role in roles
    ]
    named = sum(int(roles.get(role, 0)) for role in LEFT_OUT) == many
    return f"; {' and '.join(kinds) if named and kinds else plural(many, 'other run')} left out"


def _line(fits: Sequence[Fit], points: pd.DataFrame, largest: float) -> pd.DataFrame:
    """The best loss at each compute, to 10 times the largest budget, where it is determined."""
    grid = tables.grid(float(points["c"].min()), largest, largest * MULTIPLES[0])
    rows = tables.allocations([fit for fit in fits if fit.identified], grid)
    return rows[rows["determined"].astype(bool) & rows["loss"].notna()].reset_index(drop=True)


def forecasts(selection: Selection, fit: Fit) -> pd.DataFrame:
    """What the law says of 10 and 100 times the largest budget."""
    largest = largest_budget(law_fits.table(selection))
    rows = tables.allocations([fit], [largest * multiple for multiple in MULTIPLES])
    return rows.assign(multiple=(rows["flops"] / largest).round(6))
