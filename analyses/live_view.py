"""A look at a sweep in training as blocks: what goes on in sentences, the states, the curves, what failed."""

import math
from typing import Annotated

from workbench.analyses.ask import Ask, one_of
from workbench.analyses.curve_view import X, Y
from workbench.analyses.live import CURVES, Look, Watch, to_watch
from workbench.analyses.live_left import Left
from workbench.analyses.selection import Selection
from workbench.reporting import formats
from workbench.reporting.document import Block, Code, Column, Figure, Table, Text
from workbench.reporting.figures.explore import QUANTITIES
from workbench.reporting.figures.live import TILES, live_curves, run_states
from workbench.reporting.figures.pieces import plural

FAILED, LINES, LISTED = 10, 12, 30
"""Failed runs that are shown, last lines of each, running ones that are listed."""

MEANINGS = {
    "silent": "running, with no sign of a step for a minute",
    "interrupted": "stopped, with a checkpoint from which it will go on",
    "diverged": "its loss stopped being a number",
}
"""State → what it means, where its name does not say it."""

NOTHING = (
    "No sweep has been begun in this store. `workbench sweep run DEFINITION --store STORE` begins one, and this page "
    "shows each of its runs from its first step on."
)
NO_LIST = (
    "This store has runs, and no list of a sweep that says which are to be trained: there is nothing to follow. The "
    "page Runs shows them."
)
UNCHOSEN = "No sweep of this store is being trained. Choose one in the sidebar to see how it ended."


class LiveAsk(Ask):
    """What of the curves, against what."""

    x: Annotated[str, one_of(X)] = "tokens"
    y: Annotated[str, one_of(Y)] = "train_loss"
    log_x: bool = True
    log_y: bool = True


def view(selection: Selection, ask: LiveAsk) -> list[Block]:
    """One look at the sweep."""
    sweep = to_watch(selection.store, selection.sweep)
    if sweep is None:
        return [Text(NOTHING if not selection.manifests else UNCHOSEN, note=True)]
    return figures(Watch(selection.store, sweep).look(), ask)


def figures(look: Look, ask: LiveAsk) -> list[Block]:
    """Every run's state, and the curves."""
    return [states_figure(look), curves_figure(look, ask)]


def states_figure(look: Look) -> Figure:
    """A tile a run."""
    runs = look.runs
    if len(runs) <= TILES:
        runs = runs.assign(words=[_words(row) for row in runs.to_dict("records")])
    said = ", ".join(f"{many:,} {state}" for state, many in look.counts.items())
    caption = f"The {plural(len(runs), 'run')} of {look.sweep}, one tile each in the order of the plan: {said}."
    meant = [f"{state}: {MEANINGS[state]}" for state in look.counts if state in MEANINGS]
    caption += f" {'; '.join(meant).capitalize()}." if meant else ""
    kept = ["run_id", "size", "level", "role", "status", "step", "steps", "n_params", "tokens", "flops", "loss"]
    return Figure("run-states", caption, run_states(runs), runs[kept])


def curves_figure(look: Look, ask: LiveAsk) -> Figure:
    """The curves of the runs in training, and of those that ended last."""
    rows = look.curves.dropna(subset=[ask.x, ask.y]).reset_index(drop=True)
    drawn, runs = int(rows["run_id"].nunique()), look.runs
    begun = int((~runs["status"].isin(["waiting", "failed"])).sum())
    title = QUANTITIES[ask.y].title
    caption = f"{title[0].upper()}{title[1:]} against {QUANTITIES[ask.x].title}: {plural(drawn, 'run')}"
    if begun > drawn:
        caption += f" of the {begun:,} begun"
        caption += f" (at most {CURVES}: those in training, then the latest to end)" if drawn >= CURVES else ""
    caption += "; of a run that has ended at most 200 points are drawn"
    figure = live_curves(runs, rows, ask.x, ask.y, ask.log_x, ask.log_y)
    data = rows[list(dict.fromkeys(["run_id", "step", ask.x, ask.y]))]
    return Figure("live-curves", caption + ".", figure, data)


def _words(run: dict[object, object]) -> str:
    """What a tile says."""
    words = f"{run['run_id']}<br>{run['size']}, {run['status']}"
    steps = float(str(run["steps"]))
    words += f"<br>step {run['step']:,} of {steps:,.0f}" if math.isfinite(steps) else ""
    return words + (f"<br>loss {run['loss']:.3f}" if math.isfinite(float(str(run["loss"]))) else "")


def sentence(look: Look, remains: Left) -> str:
    """What goes on, in words."""
    ended = sum(look.counts.get(state, 0) for state in ("done", "diverged", "failed"))
    so_far = f"{ended:,} of {plural(len(look.runs), 'run')} {'has' if ended == 1 else 'have'} ended"
    name = f"the sweep `{look.sweep}`"
    if look.complete:
        return f"No more is to be trained: {name} is complete. {_ends(look)}"
    if not look.training:
        return (
            f"Nobody is training {name} now: {so_far}. The `workbench sweep run` that began it goes on where it "
            "stopped; this page will show it."
        )
    if not look.slots:
        return f"A runner of {name} is there, and no run is in training at this moment: {so_far}."
    going = look.counts.get("running", 0) + look.counts.get("silent", 0)
    verb = "is" if look.slots == 1 else "are"
    text = f"{plural(look.slots, 'worker')} {verb} training {plural(going, 'run')} of {name}; {so_far}."
    if math.isnan(remains.seconds):
        return f"{text} How long it will take is not known yet: {remains.how}."
    return f"{text} About {formats.seconds(remains.seconds)} are left, {remains.how}."


def _ends(look: Look) -> str:
    """How the runs of a complete sweep ended."""
    words = {"done": "done", "diverged": "diverged (the loss stopped being a number)", "failed": "failed"}
    parts = [f"{many:,} {words[state]}" for state, many in look.counts.items()]
    text = f"Of {plural(len(look.runs), 'run')}: {', '.join(parts)}."
    return f"{text} Run the sweep again to retry those that failed." if "failed" in look.counts else text


def numbers(look: Look, remains: Left) -> list[tuple[str, str, str]]:
    """What stands large on the page: title, number, what is below."""
    ended = sum(look.counts.get(state, 0) for state in ("done", "diverged", "failed"))
    unfinished = (
        "–" if math.isnan(remains.seconds) else "none" if look.complete else f"{formats.seconds(remains.seconds)}"
    )
    seconds = float(look.runs["seconds"].sum())
    return [
        ("Runs ended", f"{ended:,}", f"of {len(look.runs):,}; {look.counts.get('done', 0):,} done"),
        ("Time left", unfinished, "estimated" if not look.complete else f"{formats.seconds(seconds)} of training"),
        ("FLOPs left", _flops(remains.flops), "of runs not yet ended"),
        ("FLOPs spent", _flops(remains.spent), "of this sweep's runs"),
    ]


def _flops(value: float) -> str:
    return "not known" if math.isnan(value) else "none" if value == 0 else formats.power(value)


def share(look: Look, remains: Left) -> float:
    """How much of the sweep is done: of its FLOPs where they are known, else of its runs."""
    whole = remains.flops + remains.spent
    if math.isfinite(whole) and whole > 0:
        return min(remains.spent / whole, 1.0)
    return float(look.runs["share"].fillna(0).mean()) if len(look.runs) else 0.0


UNDER_WAY = (
    Column("run_id", "run"),
    Column("size", "size"),
    Column("level", "level", "power"),
    Column("status", "state"),
    Column("progress", "step"),
    Column("loss", "training loss", "loss"),
    Column("seconds", "time", "seconds"),
    Column("idle", "last sign of a step", "text"),
)


def under_way(look: Look) -> list[Block]:
    """The runs in training, and those that wait with a checkpoint."""
    runs = look.runs[look.runs["status"].isin(["running", "silent", "interrupted"])]
    if runs.empty:
        return []
    shown = runs.head(LISTED).copy()
    shown["progress"] = [_progress(row) for row in shown.to_dict("records")]
    shown["idle"] = [
        f"{formats.seconds(idle)} ago" if status != "interrupted" else "–"
        for idle, status in zip(shown["idle"], shown["status"], strict=True)
    ]
    more = f"; {len(runs) - LISTED:,} more are not listed" if len(runs) > LISTED else ""
    caption = f"Under way: {plural(len(runs), 'run')}{more}"
    blocks: list[Block] = [Table.of("under-way", caption, shown, UNDER_WAY)]
    if silent := look.counts.get("silent", 0):
        blocks.append(
            Text(
                f"{plural(silent, 'run')} gave no sign of a step for more than a minute: hung, in a very long step, or "
                "being measured at the end. `workbench sweep logs DEFINITION RUN --store STORE` shows what a run "
                "printed; a worker that is killed is retried from its checkpoint.",
                note=True,
            )
        )
    return blocks


def _progress(run: dict[object, object]) -> str:
    steps = float(str(run["steps"]))
    return f"{run['step']:,} of {steps:,.0f}" if math.isfinite(steps) else f"{run['step']:,}"


def failures(look: Look) -> list[tuple[str, Code]]:
    """Of each run that failed or diverged: what it is, and its last lines."""
    bad = look.runs[look.runs["status"].isin(["failed", "diverged"])]
    found = []
    for run in bad.head(FAILED).to_dict("records"):
        lines = str(run["error"]).strip().splitlines() or ["It left no word."]
        last = lines if len(lines) <= LINES else [lines[0], "…", *lines[-LINES + 2 :]]
        found.append((f"{run['run_id']} ({run['size']}) {run['status']}", Code("\n".join(last))))
    return found


def unshown_failures(look: Look) -> int:
    """Failed and diverged runs beyond those shown."""
    return max(0, int(look.runs["status"].isin(["failed", "diverged"]).sum()) - FAILED)
