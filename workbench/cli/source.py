"""A SOURCE of runs, for the commands that fit: a store, any table, or what W&B, TensorBoard or MLflow wrote."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.output import counted, say
from workbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analyses.samples import Sample
REFERENCE = "reference"
"""The word for the store that ships with the package."""

TAKES = (
    "a store, the word reference for the one that ships with the workbench, "
    "a table (.csv, .tsv, .parquet, .jsonl) or an export of W&B (the runs table as CSV, or a wandb folder), "
    "TensorBoard (a folder of event files) or MLflow (an mlruns folder)"
)
"""What SOURCE may be, for help and errors."""


class SourcePath(click.Path):
    """A path; the word `reference` is the shipped store's, unless something of that name is there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path that is meant."""
        from workbench.store import reference_store

        path = super().convert(value, param, ctx)
        return reference_store() if str(value) == REFERENCE and not Path(REFERENCE).exists() else path


class MethodsOption(click.Option):
    """An option whose help ends with the methods of intervals, read from their table when help is asked for."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The help, complete."""
        from workbench.fitting.uncertainty.methods import METHODS

        self.help = f"{(self.help or '').partition(': ')[0]}: auto, {', '.join(METHODS)}."
        return super().get_help_record(ctx)


def portable(path: Path) -> str:
    """A source as a report names it, the same on every machine: `reference`, a relative path, or its name alone."""
    from workbench.store import reference_store

    if path.resolve() == Path(str(reference_store())).resolve():
        return REFERENCE
    return path.name if path.is_absolute() else str(path)


source_argument = click.argument("source", type=SourcePath(path_type=Path))
intervals_option = click.option(
    "--intervals", cls=MethodsOption, default="auto", show_default=True, help="Method of the law's intervals"
)
objective_option = click.option("--objective", default="huber", show_default=True, help="huber, lad, log-mse or mse.")
delta_option = click.option(
    "--delta", type=float, default=1e-3, show_default=True, help="Corner of the huber objective."
)
fix_option = click.option(
    "--fix", "fixed", multiple=True, metavar="NAME=VALUE", help="Hold a parameter; may be given often."
)
noise_option = click.option(
    "--noise",
    default="equal",
    show_default=True,
    help="How runs are weighed: equal (or by a column weight, where there is one), column (by loss_se) or by-compute.",
)
level_option = click.option(
    "--level", type=float, default=0.95, show_default=True, help="What the intervals are to cover: between 0 and 1."
)
columns_option = click.option(
    "--columns",
    metavar="n=…,d=…,c=…,loss=…",
    help="Which columns of a table hold N, D, C and the loss, where their names (n_params, tokens, flops, val_loss, …) "
    "do not say. D is C/(6N) where it is missing, and C is 6ND. Others: u unique tokens, s steps, batch, vocab, bits, "
    "error, kl, reward, rate, group, weight, loss_se, share_….",
)
resamples_option = click.option(
    "--resamples", type=int, default=1000, show_default=True, help="Bootstrap resamples for the intervals."
)
seed_option = click.option("--seed", type=int, default=0, show_default=True, help="Seed of the resampling.")
where_option = click.option(
    "--where",
    metavar="EXPR",
    help="A DuckDB boolean expression over the source's own columns, a name such as eval/loss in double quotes; "
    "rows for which it is not true drop.",
)


TYPED = {"by": "--leave-out", "fixed": "--fix", "setting": "--set"} | {
    name: f"--{name.replace('_', '-')}"
    for name in (
        "law", "objective", "delta", "intervals", "noise", "shape", "level", "resamples", "convention",
        "flops", "at", "max_run_flops", "min_run_flops", "max_tokens", "max_runs", "robust", "tokens_per_param",
    )
}  # fmt: skip
"""What the fitting room calls a setting → what was typed."""


def as_typed(command: Callable[..., None]) -> Callable[..., None]:
    """The command, its refusals naming an option as it was typed."""

    @wraps(command)
    def named(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except BadInput as error:
            name, space, rest = str(error).partition(" ")
            if name not in TYPED or not rest.startswith(("is ", "names ", "gives ", "puts ")):
                raise
            raise BadInput(f"{TYPED[name]}{space}{rest}") from error

    return named


def numbers(option: str, what: str, example: str, texts: tuple[str, ...]) -> dict[str, float]:
    """`alpha=0.35` as names and numbers."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        try:
            found[name] = float(value)
        except ValueError:
            raise BadInput(f"{option} is '{text}'; it must be {what} and its value, such as {example}.") from None
        if not name:
            raise BadInput(f"{option} is '{text}', which names no {what.split()[-1]}; write {example}.")
    return found


@dataclass(frozen=True)
class SourceTable:
    """A canonical table and where it came from."""

    table: "pd.DataFrame"
    kind: str
    """"store" or "table"."""
    notes: tuple[str, ...]


def load_source(path: Path, columns: str | None = None, where: str | None = None) -> SourceTable:
    """Read a store, a table (a file) or a tracker's export (a file or folder) into a canonical table.

    Runs whose losses are of different things (another corpus, tokenizer or context) are not mixed: of a store that
    holds several such samples the one of most compute is taken, and a line on stderr says so.
    """
    from workbench.analyses.samples import samples, sweeps_of
    from workbench.fitting import tables

    if is_store(path):
        read = read_source(path, columns, where)
        if read["runs"].empty:
            raise BadInput(f"{path} is a store without finished runs; run a sweep into it first.")
        first, *others = samples(read["runs"])
        if others:
            say(_taken(first, others))
        table = tables.from_runs(first.runs, read["curves"])
        said = (note for sweep, note in read["notes"].items() if sweep in sweeps_of(first.runs))
        table.attrs["notes"] = (*said, *table.attrs["notes"])
        if table.empty:
            raise BadInput(f"{path} has no run to fit: {' '.join(table.attrs['notes'])}")
        return SourceTable(table, "store", table.attrs["notes"])
    if not path.exists():
        raise BadInput(f"{path} does not exist; give {TAKES}.")
    table = tables.read_table(path, parse_columns(columns), where)
    return SourceTable(table, "table", table.attrs["notes"])


def is_store(path: Path) -> bool:
    """Whether a path is to be read as a store: a folder with its marker."""
    return (path / "store.json").exists()


def _taken(first: "Sample", others: "list[Sample]") -> str:
    """Which runs are fitted of a store that holds several samples, and how to choose others."""
    from workbench.analyses.samples import ALIKE

    every = [first, *others]
    differ = [
        word for key, word in ALIKE.items() if len({str(one.runs[key].iloc[0]) for one in every if key in one.runs}) > 1
    ]
    rest = _listed([f"{one.name} ({counted(len(one.runs), 'run')})" for one in others])
    choices = " or ".join(f'--where "{one.where}"' for one in others)
    return (
        f"Fitting {first.name} ({counted(len(first.runs), 'run')}), which took the most compute; {rest}, of another "
        f"{_listed(differ)}, cannot share its law: choose with {choices}."
    )


def _listed(items: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join([part for part in (", ".join(items[:-1]), items[-1]) if part])


def read_source(path: Path, columns: str | None = None, where: str | None = None) -> dict[str, Any]:
    """What a study reads: the runs, curves and evals of a store (maybe empty), or the canonical table of the rest.

    A run of several sweeps has a row for each, so that `where` may ask for any of them.
    """
    from workbench.analyses.samples import named
    from workbench.fitting import tables

    if not is_store(path):
        return {"table": load_source(path, columns, where).table}
    from workbench.store import Store

    if columns is not None:
        raise BadInput(f"--columns is '{columns}', but {path} is a store, whose columns are known; leave it out.")
    store = Store(path)
    runs, notes = named(store.runs(), store.sweeps())
    kept = runs if runs.empty else tables.filtered(runs, where, str(path))
    return {"runs": kept.reset_index(drop=True), "curves": store.curves(), "evals": store.evals(), "notes": notes}


def parse_columns(text: str | None) -> dict[str, str]:
    """`n=params,c=flops` as a mapping from canonical names to the table's."""
    if text is None:
        return {}
    found: dict[str, str] = {}
    for part in text.split(","):
        name, equals, column = (piece.strip() for piece in part.partition("="))
        if not (name and equals and column):
            raise BadInput(f"--columns is '{text}', and '{part}' is no name=column; write n=params,d=tokens,loss=loss.")
        if name in found:
            raise BadInput(f"--columns is '{text}', which names {name} twice; give each name one column.")
        found[name] = column
    return found


def record(path: Path, records: list[Mapping[str, Any]]) -> str | None:
    """Append fits to a store; returns the reason where the store cannot be written."""
    from workbench.cli.output import plain
    from workbench.store import Store, reference_store

    if path.resolve() == reference_store().resolve():
        return None  # it ships with the package: reading it must not change an installation
    try:
        store = Store(path)
        for one in records:
            store.write_fit(plain(one))
    except (OSError, BadInput) as error:
        return str(error)
    return None
