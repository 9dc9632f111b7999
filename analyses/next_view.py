"""The runs to train next, as a page shows them: the proposal in words, its points over the runs, and the definition."""

import math
import shlex
from typing import Annotated

import numpy as np
import pandas as pd

from workbench.analyses import law_fits, sweeps
from workbench.analyses.ask import Ask, one_of
from workbench.analyses.law_fits import LawAsk
from workbench.analyses.next_runs import PURPOSES, Next, Wish, next_runs, of_store, of_table, target_of
from workbench.analyses.samples import samples
from workbench.analyses.selection import RESAMPLES, Selection
from workbench.errors import BadInput
from workbench.fitting import Fit
from workbench.fitting.design.proposal import Proposal
from workbench.fitting.design.proposing import designable
from workbench.fitting.design.targets import TARGETS
from workbench.fitting.determined import UNDETERMINED, VAGUE, WIDE, narrow, spanned
from workbench.fitting.laws import LAWS
from workbench.reporting import figures, formats
from workbench.reporting.document import Block, Bullets, Code, Column, Figure, Table, Text
from workbench.reporting.figures.next_runs import PLANES
from workbench.reporting.figures.pieces import plural

LAW_CHOICES = tuple(name for name, law in LAWS.items() if designable(law) and law.allocates)
"""Laws of N and D that say how compute divides, so that every target is one of theirs."""

COLUMNS = (
    Column("size", "size"),
    Column("n", "parameters N", "count"),
    Column("d", "tokens D", "count"),
    Column("c", "compute C [FLOPs]", "power"),
    Column("repeats", "repeats", "integer"),
    Column("for", "for"),
)

DEFINITION = "next.toml"
"""What the definition is called where it is downloaded, and in the commands."""


class NextAsk(Ask):
    """What the next runs are to pin down, for how much."""

    target: Annotated[str, one_of(TARGETS)] = "a"
    at: float | None = None
    """Compute of the target; 10 times the largest budget where it is left out."""
    flops: float | None = None
    """To spend; as many as the runs so far took where it is left out."""
    law: Annotated[str, one_of(LAW_CHOICES)] = "chinchilla"
    robust: float = 0.2
    max_runs: int = 20
    plane: Annotated[str, one_of(PLANES)] = "nd"


def blocks(selection: Selection, ask: NextAsk) -> list[Block]:
    """Words, figure, runs, what to know, and the definition with its commands; or why there is no proposal."""
    if law_fits.table(selection).empty:
        return [sweeps.NO_RUNS]
    wish = _wish(selection, ask)
    fitted = _fitted(selection, ask.law)
    found, missing = selection.once(("next", ask.law, wish), lambda: _proposed(selection, fitted, wish))
    return [
        *_others(selection),
        Text(_words(fitted, found)),
        _figure(fitted, found, ask),
        _table(found),
        Bullets((_certified(found), *found.proposal.notes)),
        *_definition(selection, found, wish, ask, missing),
    ]


def spent(selection: Selection) -> float:
    """FLOPs that the runs so far took, to three digits: a round budget to begin with."""
    return float(f"{float(selection.runs['flops_spent'].sum()):.3g}")


def _fitted(selection: Selection, law: str) -> Fit:
    found = law_fits.fitted(selection, LawAsk(law=law))
    if isinstance(found, str):
        raise BadInput(
            f"{found} A proposal starts from a law that the runs determine: train a few sizes at three or more "
            "budgets first, as sweeps/quickstart.toml does."
        )
    return found


def _wish(selection: Selection, ask: NextAsk) -> Wish:
    flops = spent(selection) if ask.flops is None else ask.flops
    return Wish(target_of(ask.target, ask.at, law_fits.table(selection)), flops, ask.robust, ask.max_runs)


def _others(selection: Selection) -> list[Block]:
    """Which runs are meant, where not all may share a law."""
    first, *others = samples(selection.runs)
    if not others:
        return []
    rest = " and ".join(f"{one.name} ({plural(len(one.runs), 'run')})" for one in others)
    text = f"Below are the runs of {first.name}, which took the most compute; {rest} cannot share their law, for its "
    return [Text(text + "losses are of other text. Choose a sweep in the sidebar to see its own next runs.", note=True)]


def _words(fitted: Fit, found: Next) -> str:
    """Now and after, in two sentences."""
    one = found.proposal
    many, checks = one.runs["repeats"].sum(), one.runs.loc[one.runs["purpose"] == "check", "repeats"].sum()
    write = formats.count if one.target.name == "n-opt" else formats.number
    value, low, high, low_then, high_then = (write(x) for x in (one.value, *one.now, *one.then))
    checking = f"{int(checks) or 'none'} of them {'checks' if checks == 1 else 'check'} the law."
    more = f"{plural(int(many), 'run')} more, {formats.power(one.flops)} FLOPs in all"
    if not determined(fitted, one):
        return (
            f"By the runs so far, {one.target.words} is {UNDETERMINED}: its interval {_open(one)}. {more}, "
            f"would narrow that most, if the law's form holds; how far cannot be said yet. {checking.capitalize()}"
        )
    return (
        f"By the runs so far, {one.target.words} is {value} ({100 * one.level:g}% interval {low} to {high}). {more}, "
        f"would narrow that to about {low_then} to {high_then}, {one.width_then / one.width_now:.0%} of the present "
        f"width, if the estimate stays where it is; {checking}"
    )


def _open(proposal: Proposal) -> str:
    """How little the interval says: the decades of a size, the ends of an exponent."""
    if proposal.target.name == "n-opt":
        return f"spans {spanned(proposal.now)}"
    return f"goes from {formats.number(proposal.now[0])} to {formats.number(proposal.now[1])}"


def determined(fitted: Fit, proposal: Proposal) -> bool:
    """Whether the target's present interval says anything of it: an exponent's does unless the fit leaves it open."""
    factors = {"n-opt": WIDE, "loss": VAGUE, "losses": VAGUE}
    known = proposal.target.name not in fitted.undetermined
    return known and narrow(proposal.now, factors.get(proposal.target.name, math.inf))


def _proposed(selection: Selection, fitted: Fit, wish: Wish) -> tuple[Next, str]:
    """From sizes of the runs' family, or of any kind where no definition could continue them, and then why."""
    bounds = wish.bounds(fitted.residuals)
    try:
        choice, missing = of_store(selection.runs, fitted, bounds, "this store"), ""
    except BadInput as error:
        choice, missing = of_table(fitted, bounds), str(error)
    return next_runs(fitted, wish, choice), missing


def _figure(fitted: Fit, found: Next, ask: NextAsk) -> Figure:
    proposal, runs = found.proposal, fitted.residuals[["n", "d", "c"]]
    line = _optimum(fitted, [*runs["c"], *proposal.runs["c"]])
    figure = figures.next_runs(runs, found.runs, line, proposal, ask.plane, determined(fitted, proposal))
    many = int(proposal.runs["repeats"].sum())
    caption = (
        f"{plural(many, 'proposed run')} over the {plural(len(runs), 'run')} so far, in {PLANES[ask.plane].words}; "
        "the number at a point is how many seeds it is trained with. On the right "
        f"{proposal.target.words}, its {100 * proposal.level:g}% interval now and the one to expect after."
    )
    data = pd.concat([runs.assign(repeats=1, purpose="so far"), found.runs.drop(columns="size")], ignore_index=True)
    return Figure("next-runs", caption, figure, data)


def _optimum(fitted: Fit, computes: list[float]) -> pd.DataFrame:
    """N and D of the fitted compute-optimal line over the computes shown."""
    c = np.geomspace(min(computes), max(computes), 41)
    params = {name: np.asarray(value) for name, value in fitted.params.items()}
    n, d = fitted.cost.optimum(fitted.configured_law, params, c)
    return pd.DataFrame({"n": n, "d": d, "c": c})


def _table(found: Next) -> Table:
    runs = found.runs.assign(**{"for": found.runs["purpose"].map(PURPOSES)})
    shown = runs if found.choice.sizes else runs.drop(columns="size")
    total = f"{plural(int(runs['repeats'].sum()), 'run')}, {formats.power(found.proposal.flops)} FLOPs in all"
    return Table.of("next-runs", f"The runs to train: {total}", shown, COLUMNS)


def _certified(found: Next) -> str:
    least = f"{1 - found.proposal.efficiency:.1%}"
    return f"No other allocation of this budget would have a variance more than {least} lower."


def _definition(selection: Selection, found: Next, wish: Wish, ask: NextAsk, missing: str) -> list[Block]:
    """The definition and the commands that make and train it."""
    definition = found.definition(DEFINITION.removesuffix(".toml"))
    if definition is None:
        return [
            Text(
                f"No definition can be written of these runs: {missing.rstrip('.')}. The table above says what to "
                "train; it was chosen from any size, at the cost that the fit has found.",
                note=True,
            )
        ]
    return [
        Text(f"To train them, save the definition as `{DEFINITION}`, which the first command writes too:"),
        Code("\n".join(commands(selection, wish, ask)), "sh"),
        Code(definition, "toml", DEFINITION),
    ]


def commands(selection: Selection, wish: Wish, ask: NextAsk) -> tuple[str, ...]:
    """What makes the same definition, shows what it costs, and trains it."""
    from workbench.analyses.views import where

    folder = where(selection.folder)
    words = ["workbench", "next", folder, "--target", ask.target, "--flops", f"{wish.flops:.12g}"]
    if (many := law_fits.resamples_of(selection, ask.law)) != RESAMPLES:
        words += ["--resamples", f"{many}"]
    if selection.sweep is not None and selection.sweep_is_a_choice:
        words += ["--where", f"sweep = '{selection.sweep}'"]
    if wish.target.flops is not None and ask.at is not None:
        words += ["--at", f"{ask.at:.12g}"]
    changed = ask.changed()
    for key in ("law", "robust", "max_runs"):
        if key in changed:
            words += [f"--{key.replace('_', '-')}", f"{changed[key]}"]
    store = [] if folder == "reference" else ["--store", folder]  # the one that ships is not written to
    plan, run = (["workbench", "sweep", verb, DEFINITION, *store] for verb in ("plan", "run"))
    return tuple(" ".join(map(_quoted, line)) for line in ([*words, "--out", DEFINITION], plan, run))


def _quoted(word: str) -> str:
    """A word of a command; what holds quotes of its own stands in double ones, where these are as safe."""
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)
