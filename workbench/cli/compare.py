"""`workbench report SOURCE --compare OTHER`: which runs are held against which, as they are named on a command line."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.source import REFERENCE, is_store, parse_columns, read_source
from workbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analyses.comparable import Side
    from workbench.reporting.document import Report

OPTIONS = (
    click.option(
        "--compare",
        "against",
        multiple=True,
        metavar="OTHER",
        help="Report instead how many times the compute OTHER needs for the losses of SOURCE. OTHER is a store or a "
        "table; or, of a store SOURCE, one of its sweeps or a DuckDB condition on its runs, held against the rest of "
        "them. Given twice or more with sweeps or conditions, these are the groups, the first the reference.",
    ),
    click.option(
        "--by",
        metavar="KEY",
        help="Compare the values of a column or a configuration key (model.activation) of SOURCE; --compare then names "
        "values, the reference first.",
    ),
    click.option(
        "--measure",
        type=click.Choice(["loss", "bpb"]),
        default="loss",
        show_default=True,
        help="What is compared: the loss, or bits per byte, which tokenizers do not change.",
    ),
    click.option("--share-e", is_flag=True, help="Compare with one irreducible loss for all, not one of each."),
)


def compare_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a comparison."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Groups:
    """What the options of a comparison say."""

    against: tuple[str, ...] = ()
    by: str | None = None
    measure: str = "loss"
    share_e: bool = False

    def __bool__(self) -> bool:
        """Whether a comparison is asked for."""
        return bool(self.against or self.by)

    def options(self) -> list[str]:
        """The same as words of a command."""
        words = [word for other in self.against for word in ("--compare", other)]
        words += ["--by", self.by] if self.by else []
        words += ["--measure", self.measure] if self.measure != "loss" else []
        return words + (["--share-e"] if self.share_e else [])


def compared(
    source: Path, columns: str | None, where: str | None, groups: Groups, resamples: int, seed: int
) -> tuple["Report", list[str], dict[str, Any]]:
    """The report of a comparison, its sentences, and what of it the command's JSON says."""
    from workbench.analyses.compare import compare
    from workbench.analyses.compare_report import report

    found = compare(
        sides(source, columns, where, groups), groups.measure, groups.share_e, resamples=resamples, seed=seed
    )
    words = ["workbench", "report", str(source), *groups.options(), *(["--columns", columns] if columns else [])]
    words += ["--where", where] if where else []
    document = report(found, [shlex.join([*words, "--resamples", str(resamples), "--seed", str(seed)])])
    names = ("groups", "reference", "measure", "times", "paired", "not_identified")
    return document, list(document.summary), {name: document.to_dict()["data"][name] for name in names}


def sides(source: Path, columns: str | None, where: str | None, groups: Groups) -> "list[Side]":
    """The groups that the command names, the reference first."""
    from workbench.analyses.comparable import Side
    from workbench.analyses.compare_groups import by_key

    if groups.by and is_store(source):
        return by_key(_runs(source, columns, where), groups.by, groups.against)
    if groups.by:
        return _by_column(source, columns, where, groups.by, groups.against)
    parts: list[Side] = []
    paths: list[Path] = []
    for other in groups.against:
        part = _part(source, columns, where, other)
        if part is not None:
            parts.append(part)
        else:
            paths.append(_path(source, other))
    if len(parts) >= 2 and not paths:
        return parts
    mine = _whole(source, columns, where, _name(source, paths))
    if parts:
        mine = _rest(mine, parts)
    return [mine, *parts, *(_whole(path, None, None, _name(path, [source, *paths])) for path in paths)]


def _runs(source: Path, columns: str | None, where: str | None) -> "pd.DataFrame":
    """The runs of a store, each once."""
    runs: pd.DataFrame = read_source(source, columns, where)["runs"]
    return runs.drop_duplicates("run_id").reset_index(drop=True) if len(runs) else runs


def _part(source: Path, columns: str | None, where: str | None, other: str) -> "Side | None":
    """A sweep of the source, or those of its runs for which a condition is true; None where `other` is a path."""
    from workbench.analyses.compare_groups import by_conditions, by_sweeps
    from workbench.store import Store

    if not is_store(source):
        return None
    manifests = Store(source).sweeps()
    if other in {str(manifest["name"]) for manifest in manifests}:
        return by_sweeps(_runs(source, columns, where), manifests, [other])[0]
    if Path(other).exists() or other == REFERENCE or not set(other) & set("=<>()' "):
        return None
    return by_conditions(_runs(source, columns, where), [other])[0]


def _path(source: Path, other: str) -> Path:
    """The path that is meant, or a sentence on what OTHER may be."""
    from workbench.store import Store, reference_store

    if other == REFERENCE and not Path(other).exists():
        return Path(reference_store())
    if Path(other).exists():
        return Path(other)
    if not is_store(source):
        raise BadInput(f"--compare {other}: there is no such store or table.")
    names = ", ".join(str(manifest["name"]) for manifest in Store(source).sweeps()) or "none"
    raise BadInput(
        f"--compare {other}: it is no store, no table and no sweep of {source}, whose sweeps are {names}; a condition "
        "on its runs is written as \"activation = 'gelu'\"."
    )


def _whole(path: Path, columns: str | None, where: str | None, name: str) -> "Side":
    """All runs of a store or table."""
    from workbench.analyses.comparable import Side

    if is_store(path):
        return Side(name, _runs(path, columns, where))
    return Side(name, table=read_source(path, columns, where)["table"])


def _name(path: Path, others: Sequence[Path]) -> str:
    """A store or table by its own name, by its path where another has the same."""
    name = path.resolve().name
    return str(path) if any(other != path and other.resolve().name == name for other in others) else name


def _rest(mine: "Side", parts: "Sequence[Side]") -> "Side":
    """The runs of the source that are in no part: called by their sweep, where they are all of one."""
    from dataclasses import replace

    assert mine.runs is not None
    named = {str(run_id) for part in parts if part.runs is not None for run_id in part.runs["run_id"]}
    rest = mine.runs[~mine.runs["run_id"].isin(named)].reset_index(drop=True)
    sweeps = sorted(set(rest["sweep"]))
    return replace(mine, name=str(sweeps[0]) if len(sweeps) == 1 else f"the other runs of {mine.name}", runs=rest)


def _by_column(source: Path, columns: str | None, where: str | None, by: str, values: Sequence[str]) -> "list[Side]":
    """The groups that a column of a table makes."""
    from workbench.analyses.comparable import Side
    from workbench.fitting import tables

    if not source.exists():
        raise BadInput(f"{source} does not exist; give a store or a table.")
    table = tables.read_table(source, {**parse_columns(columns), "group": by}, where)
    counts = table["group"].astype(str).value_counts()
    names = list(values) or sorted(counts.index, key=lambda value: (-counts[value], value))
    for name in names:
        if name not in counts:
            raise BadInput(f"--compare {name}: no row has {by} = {name}; there are {', '.join(counts.index)}.")
    return [Side(name, table=table[table["group"].astype(str) == name].reset_index(drop=True)) for name in names]
