"""The comparison that a reader asks for on the page, or by `workbench figure compare`."""

from collections.abc import Hashable
from typing import Annotated

from workbench.analyses import compare_tables, compare_words
from workbench.analyses.ask import Ask, one_of
from workbench.analyses.comparable import MEASURES, Side
from workbench.analyses.compare import Comparison, compare
from workbench.analyses.compare_groups import by_conditions, by_key, by_sweeps, keys, usable_sweeps
from workbench.analyses.selection import Selection
from workbench.errors import BadInput
from workbench.fitting.record import CONVENTION_LABELS
from workbench.reporting.document import Block, Bullets, Text

NOTHING = (
    "There is nothing to compare here yet: a comparison takes two sweeps on one corpus, or one sweep in which a key of "
    "the configuration (model.activation, train.schedule, …) has two values, each trained at three sizes and three "
    "numbers of tokens or more. docs/sweeps.md says how a definition varies a key."
)
"""What a page says where no two groups are."""


class CompareAsk(Ask):
    """Which groups, the reference first: sweeps, the values of a key, or conditions; where none is named, the first
    that the store offers."""

    sweeps: tuple[str, ...] = ()
    by: str = ""
    """A column of the runs, or a key of their configuration such as model.activation."""
    values: tuple[str, ...] = ()
    """Of that key; all where none is named."""
    where: tuple[str, ...] = ()
    """A DuckDB condition on the runs for each group."""
    measure: Annotated[str, one_of(MEASURES)] = "loss"
    share_e: bool = False
    """One irreducible loss for all groups."""
    convention: Annotated[str, one_of(CONVENTION_LABELS)] = "n"
    x: Annotated[str, one_of(compare_tables.AXES)] = "loss"


def sides(selection: Selection, ask: CompareAsk) -> list[Side]:
    """The groups asked for. Sweeps are of the whole store, the others of the selection."""
    if len([one for one in (ask.sweeps, ask.by, ask.where) if one]) > 1:
        raise BadInput("sweeps, by and where are three ways to form groups; give one of them.")
    if ask.where:
        return by_conditions(selection.runs, ask.where)
    if ask.by:
        return by_key(selection.runs, ask.by, ask.values)
    names = ask.sweeps or tuple(usable_sweeps(selection.all_runs, selection.manifests)[:2])
    if names:
        return by_sweeps(selection.all_runs, selection.manifests, names)
    offered = keys(selection.runs)
    if not offered:
        raise BadInput(NOTHING)
    return by_key(selection.runs, offered[0])


def comparison(selection: Selection, ask: CompareAsk) -> Comparison:
    """The comparison, kept with the selection: an axis changes without the laws being fitted again."""
    key: Hashable = ("compare", ask.model_copy(update={"x": "loss"}))
    return selection.once(
        key,
        lambda: compare(
            sides(selection, ask), ask.measure, ask.share_e, ask.convention, resamples=selection.affordable
        ),
    )


def blocks(selection: Selection, ask: CompareAsk) -> list[Block]:
    """The answer, the figures, the tables. Raises `BadInput` where the groups cannot be compared."""
    found = comparison(selection, ask)
    left: list[Block] = [Text("Left out or taken for granted:"), Bullets(found.notes)] if found.notes else []
    return [
        *(Text(said) for said in compare_words.answers(found) if said),
        compare_tables.losses_figure(found),
        compare_tables.times_figure(found, ask.x),
        compare_tables.times_table(found),
        Text(compare_words.prices(found)),
        compare_tables.ladder_table(found),
        compare_tables.fits_table(found),
        compare_tables.groups_table(found),
        *compare_tables.differences_table(found),
        *compare_tables.pairs_table(found),
        Text("What these runs do not tell:"),
        Bullets(compare_words.unknown(found)),
        *left,
    ]
