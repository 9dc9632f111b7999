"""Our optimum against compute beside those of Kaplan, Hoffmann and Besiroglu: the view, and what it asks."""

from typing import Annotated, Any

import numpy as np
import pandas as pd

from workbench.analyses import law_fits, published_laws
from workbench.analyses import scaling_tables as tables
from workbench.analyses.ask import Ask, one_of
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.one_law import name_of
from workbench.analyses.scaling import MULTIPLES
from workbench.analyses.selection import Selection
from workbench.fitting import Fit
from workbench.fitting.forecasts.surface import ALLOCATING, Surface
from workbench.fitting.record import CONVENTION_LABELS
from workbench.reporting import formats
from workbench.reporting.document import Block, Column, Figure, Table, Text
from workbench.reporting.figures.pieces import plural
from workbench.reporting.figures.what_if import OURS, beside

SHOWN = {"allocation": ("n", "d"), "loss": ("loss",)}
"""What of the laws is compared → the quantities drawn."""

LEVELS = (
    "Losses on another corpus or of another tokenizer are not comparable in level: of these lines only the slopes may "
    "be held against one another."
)

LOSS_FROM = 1e16
"""Far below their own runs the published laws give losses above that of a guess."""

TOP = 1e24
"""The comparison reaches this compute, beyond Hoffmann's largest runs."""


class PublishedAsk(Ask):
    """Which of our laws, and what of it is compared."""

    law: Annotated[str, one_of(ALLOCATING)] = "chinchilla"
    convention: Annotated[str, one_of(CONVENTION_LABELS)] = "n"
    show: Annotated[str, one_of(SHOWN)] = "allocation"


def published(selection: Selection, ask: PublishedAsk) -> list[Block]:
    """Our optimum against compute beside Kaplan's, Hoffmann's and Besiroglu's."""
    rows = law_fits.table(selection)
    if rows.empty:
        return [Text(law_fits.NO_RUNS, note=True)]
    largest, low = law_fits.largest(selection), float(law_fits.points(selection)["c"].min())
    theirs = published_laws.lines(np.geomspace(low if ask.show == "allocation" else LOSS_FROM, TOP, 57))
    fit = law_fits.fitted(selection, LawAsk(law=ask.law, convention=ask.convention))
    if isinstance(fit, str):
        own, said = None, fit
    else:
        lines = tables.allocations([fit], tables.grid(low, largest, largest * MULTIPLES[-1]))
        ours = lines[lines["determined"].astype(bool)].assign(source=OURS)
        own, said = fit, ""
        if ours.empty:
            own, said = None, f"No line of these runs: they do not determine {name_of(fit.law)}."
    drawn = theirs if own is None else pd.concat([ours, theirs], ignore_index=True)
    figure = beside(drawn, SHOWN[ask.show], {"largest budget": largest})
    data = drawn[["source", "flops", "n", "d", "loss"]]
    notes: list[Block] = [Text(said, note=True)] if said else []
    return [*notes, Figure(f"published-{ask.show}", _caption(own, ask.show), figure, data), _slopes(own, ask.show)]


def _caption(own: Fit | None, shown: str) -> str:
    what = "The best size and its tokens" if shown == "allocation" else "The loss at the best size"
    of_ours = "published laws by their printed constants"
    if own is not None:
        of_ours = (
            f"{name_of(own.law)} from {plural(own.n_points, 'run')} with its {100 * own.level:g}% interval, to "
            f"{MULTIPLES[-1]:g} times the largest budget, and {of_ours}"
        )
    low, high = (formats.power(end, 1) for end in published_laws.HOFFMANN_RUNS)
    text = (
        f"{what} against compute: {of_ours}. The runs of Hoffmann et al., which Besiroglu et al. fitted again, took "
        f"{low} to {high} FLOPs; all lines beyond a law's own runs are extrapolated. Kaplan's N leaves out the "
        "embeddings."
    )
    return f"{text} {LEVELS}" if shown == "loss" else text


def _slopes(fit: Fit | None, shown: str) -> Table:
    """The exponents that the slopes of the lines are: ours with its interval, theirs as their constants give them."""
    rows = [] if fit is None else [_own_slopes(fit)]
    rows += [
        {"source": law.source, "convention": law.convention, "citation": law.citation, **law.slopes}
        for law in published_laws.PUBLISHED_LAWS
    ]
    level = "" if fit is None else f"{100 * fit.level:g}% "
    columns = [Column("source", "law"), Column("convention", "N counted")]
    for key, title in SLOPES[shown]:
        columns += [Column(key, title, "number"), Column(f"{key}_interval", f"{level}interval", "interval")]
    caption = "The slopes of these lines"
    if shown == "loss":
        caption = "How the loss at the best size falls to E, its floor (Kaplan's law has none)"
    if fit is not None:
        caption += (
            ". Ours follows the compute that the runs really took, Hoffmann's and Besiroglu's C = 6ND, Kaplan's the "
            "least compute, that of small batches, of which its 6ND is nearly twice"
        )
    frame = pd.DataFrame(rows, dtype=object)
    return Table.of(f"published-{NAMES[shown]}", caption, frame, (*columns, Column("citation", "source")))


NAMES = {"allocation": "exponents", "loss": "loss-exponents"}

SLOPES = {
    "allocation": (("a", "N_opt grows as C to the"), ("b", "D_opt grows as C to the")),
    "loss": (("gamma", "γ of L − E ∝ C^−γ"), ("E", "E")),
}
"""What is compared → the numbers beside it: keys and titles."""


def _own_slopes(fit: Fit) -> dict[str, Any]:
    """N_opt ∝ C^(β/(α + sβ)) where C = k N^s D (`forecasts.surface`), D_opt ∝ C/N_opt^s, and L − E ∝ C^−γ."""
    surface = Surface.of(fit)
    _, alpha, _, beta = surface.terms
    of_n = beta / (alpha + surface.steep * beta)
    floor = surface.params.get("E", np.zeros(surface.rows))
    with np.errstate(all="ignore"):
        near, far = (np.log(surface.best(flops) - floor) for flops in published_laws.TENFOLD)
    read = {
        "a": surface.read(of_n),
        "b": surface.read(1 - surface.steep * of_n),
        "gamma": surface.read((near - far) / np.log(10)),
        "E": surface.read(floor),
    }
    return {
        "source": OURS,
        "convention": CONVENTION_LABELS[fit.convention],
        **{key: one.value for key, one in read.items()},
        **{f"{key}_interval": list(one.interval) for key, one in read.items()},
        "citation": fit.interval_method.partition(";")[0],
    }
