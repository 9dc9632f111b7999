"""What of a readable table is doubtful, in notes that come first: several corpora in one, units that look wrong."""

import shlex
from collections.abc import Collection

import pandas as pd

from workbench.fitting.tables.columns import listed, plain_name

APART = {
    "dataset": "corpora", "dataset_name": "corpora", "data": "corpora", "corpus": "corpora", "source": "corpora",
    "train_dataset": "corpora", "model": "models", "model_name": "models", "model_family": "models",
    "architecture": "models", "arch": "models", "experiment": "experiments", "experiment_name": "experiments",
}  # fmt: skip
"""Names of columns, as `plain_name` writes them, whose values set runs apart → what these then are runs of."""

UNITS = {"n": (1e3, "parameters", "millions"), "d": (1e4, "tokens", "billions")}
"""Column → a median below which no table of language models lies, its unit, and the unit a person may have used."""

NATS = (0.3, 15.0)
"""Medians of a loss that look like nats per token."""


def apart(table: pd.DataFrame, used: Collection[str], n: "pd.Series | None") -> list[str]:
    """A note for each column that says runs are of several corpora, models or experiments, and that nothing uses."""
    notes: list[str] = []
    for column in table.columns:
        kind = APART.get(plain_name(column)) if isinstance(column, str) and column not in used else None
        if kind is None:
            continue
        values = table[column].dropna().astype(str)
        names = sorted(values.unique())
        if len(names) < 2 or len(names) == len(table):
            continue
        if kind != "corpora" and n is not None and n.groupby(values).nunique().max() == 1:
            continue  # the names of the sizes
        name, value = column if column.isidentifier() else f'"{column}"', names[0].replace("'", "''")
        choice = _typed(f"{name} = '{value}'")
        notes.append(
            f"Column {column} has {len(names)} values ({listed(names, 4)}): runs of different {kind} share no law; "
            f"choose with --where {choice}."
        )
    return notes


def _typed(expression: str) -> str:
    """An expression as it is typed on a command line."""
    return shlex.quote(expression) if set(expression) & set('"$`\\!') else f'"{expression}"'


def units(frame: pd.DataFrame) -> list[str]:
    """A note where N or D is far too small for parameters or tokens, though the loss looks like one of language."""
    if "loss" not in frame or not NATS[0] <= frame["loss"].median() <= NATS[1]:
        return []
    return [
        f"{name.upper()} is {middle:.4g} at the median, which is few {unit}: is it in {other}? "
        "The units look wrong; laws take single ones."
        for name, (least, unit, other) in UNITS.items()
        if name in frame and (middle := frame[name].median()) < least
    ]
