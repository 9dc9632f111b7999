"""Groups of runs as one table to compare, or the reason why their losses cannot be compared.

Losses can be compared where they are of one thing: the same held-out tokens, in windows of one length (`samples`). Bits
per byte can be compared across tokenizers too, where the corpora are of the same text, cleaned and held out alike.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from workbench.analyses.samples import ALIKE, samples
from workbench.errors import BadInput
from workbench.fitting.tables import from_runs

MEASURES = {"loss": "nats per token", "bpb": "bits per byte"}
"""Column of the runs that may be compared → its unit."""

MOST = 6
"""Groups, as many as there are colours to tell apart."""

FEWEST_RUNS, FEWEST_LEVELS = 6, 3
"""A group has at least so many runs, of so many sizes and so many numbers of tokens: fewer bend no law."""

TEXT_KEYS = ("tokenizer", "vocab_size")
"""Of a corpus's configuration, what does not change its text."""

Thing = tuple[str, ...]
"""What losses are of."""


@dataclass(frozen=True)
class Side:
    """One group, before it is compared: runs of a store, or a canonical table of other runs."""

    name: str
    runs: pd.DataFrame | None = None
    table: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()


def together(sides: Sequence[Side], measure: str = "loss") -> tuple[pd.DataFrame, list[Side]]:
    """One canonical table of all groups, told apart by a column `group`, and the groups with the runs that it took.

    Raises `BadInput` where their losses cannot be compared.
    """
    if len(sides) < 2:
        raise BadInput("a comparison needs two groups of runs; name another sweep, value or condition.")
    if len(sides) > MOST:
        raise BadInput(f"{len(sides)} groups are asked for, and at most {MOST} are compared at once.")
    matched = _matched(sides, measure)
    _refuse_without_own(matched)
    notes, tables = [], []
    for side in matched:
        table = from_runs(_measured(side.runs, side.name, measure)) if side.runs is not None else side.table
        assert table is not None
        notes += [f"{side.name}: {note}" for note in (*side.notes, *table.attrs.get("notes", ()))]
        conventions = dict(table.attrs.get("conventions", {}))
        final = table[table["point"] != "mid-schedule"] if "point" in table else table
        final = final.assign(group=side.name).dropna(subset=["n", "d", "c", "loss"])
        _refuse_few(side.name, final)
        tables.append((final, conventions))
    shared = [name for name in tables[0][0] if all(name in table for table, _ in tables)]
    found = pd.concat([table[shared] for table, _ in tables], ignore_index=True)
    stated = tables[0][1] | ({"loss": "bits per byte of the held-out split"} if measure == "bpb" else {})
    found.attrs = {"notes": tuple(dict.fromkeys(notes)), "conventions": stated}
    return found, matched


def _measured(runs: pd.DataFrame, name: str, measure: str) -> pd.DataFrame:
    """The runs with what is compared in the column `loss`."""
    if measure == "loss":
        return runs
    if runs["bpb"].isna().all():
        raise BadInput(f"'{name}' has no bits per byte; compare the loss.")
    return runs.assign(loss=runs["bpb"], loss_se=runs["loss_se"] * runs["bpb"] / runs["loss"])


def thing(runs: pd.DataFrame, measure: str) -> Thing:
    """What the losses (or bits per byte) of the first of some runs are of."""
    row = runs.iloc[0]
    if measure == "loss":
        return tuple(str(row[name]) for name in ALIKE if name in runs)
    corpus = json.loads(str(row["config"])).get("corpus", {"fingerprint": str(row["corpus_fingerprint"])})
    text = {key: value for key, value in corpus.items() if key not in TEXT_KEYS}
    return json.dumps(text, sort_keys=True), str(row["context"])


def _by_thing(side: Side, measure: str) -> dict[Thing, pd.DataFrame]:
    """The runs of a side apart by what their losses are of, most compute first."""
    assert side.runs is not None
    if side.runs.empty:
        raise BadInput(f"'{side.name}' has no finished run; train some, or name other runs.")
    found: dict[Thing, list[pd.DataFrame]] = {}
    for sample in samples(side.runs):
        found.setdefault(thing(sample.runs, measure), []).append(sample.runs)
    return {key: pd.concat(parts, ignore_index=True) for key, parts in found.items()}


def _matched(sides: Sequence[Side], measure: str) -> list[Side]:
    """Each side with those of its runs whose losses are of the one thing that all sides have."""
    if measure != "loss" and any(side.runs is None for side in sides):
        raise BadInput("bits per byte are known of the runs of stores alone; compare the loss.")
    parts = {side.name: _by_thing(side, measure) for side in sides if side.runs is not None}
    if len(parts) + sum(side.runs is None for side in sides) < len(sides):
        raise BadInput("two groups have one name; give each its own.")
    first = next(iter(parts.values()), {})
    common = next((key for key in first if all(key in part for part in parts.values())), None)
    if parts and common is None:
        raise BadInput(_apart(parts, measure))
    found = []
    for side in sides:
        if side.runs is None or common is None:
            said = "which text its losses are of is not said; taken to be the same, in the same tokens, as the others'."
            found.append(replace(side, notes=(*side.notes, said)))
            continue
        kept = parts[side.name][common]
        left = len(side.runs) - len(kept)
        said = f"{left} runs of another corpus, tokenizer or context left out."
        found.append(replace(side, runs=kept, notes=(*side.notes, *([said] if left else []))))
    return found


def _apart(parts: dict[str, dict[Thing, pd.DataFrame]], measure: str) -> str:
    """Why the losses of sides cannot be compared, and what can."""
    things = [next(iter(part)) for part in parts.values()]
    words = list(ALIKE.values()) if measure == "loss" else ["held-out text", "context"]
    differ = [word for i, word in enumerate(words) if len({one[i] for one in things}) > 1]
    names = _listed([f"'{name}'" for name in parts])
    said = f"{names} differ in {_listed(differ)}, so that their losses are not of one thing"
    if measure == "loss":
        texts = {thing(next(iter(part.values())), "bpb") for part in parts.values()}
        if len(texts) == 1:
            return f"{said}; their held-out text is the same, so compare bits per byte in place of the loss."
    return (
        f"{said}; what may be compared are losses on one corpus with one tokenizer and context, or bits per byte on "
        "one held-out text."
    )


def _listed(items: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([part for part in (", ".join(items[:-1]), items[-1]) if part])


def _refuse_without_own(sides: Sequence[Side]) -> None:
    """Refuse a group without a run of its own."""
    for side in sides:
        for other in sides:
            if other is side or side.runs is None or other.runs is None or "run_id" not in side.runs:
                continue
            if set(side.runs["run_id"]) <= set(other.runs["run_id"]):
                raise BadInput(
                    f"every run of '{side.name}' is one of '{other.name}' too, so that there is nothing to compare; "
                    "name groups with runs of their own."
                )


def _refuse_few(name: str, table: pd.DataFrame) -> None:
    sizes, horizons = table["n"].nunique(), table["d"].nunique()
    if len(table) < FEWEST_RUNS or min(sizes, horizons) < FEWEST_LEVELS:
        raise BadInput(
            f"'{name}' has {len(table)} finished runs of a law's design, of {sizes} sizes N and {horizons} numbers of "
            f"tokens D; a comparison needs {FEWEST_RUNS} runs, {FEWEST_LEVELS} sizes and {FEWEST_LEVELS} numbers of "
            "tokens in each group (a technique trained at few points is priced by `workbench price`)."
        )
