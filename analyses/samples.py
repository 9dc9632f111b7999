"""Which runs belong together: the members of a sweep, and the runs of a store whose losses may share a law.

Losses are of one thing when they are of the same held-out tokens, predicted from windows of one length. A store may
hold sweeps over several corpora; a law through all of them would mean nothing, so they are set apart here, for the
commands, the report and the app alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

ALIKE = {"corpus_fingerprint": "corpus", "tokenizer": "tokenizer", "context": "context"}
"""Columns in which all runs of one sample agree → what they are, in words."""


def members(manifest: Mapping[str, Any]) -> list[str]:
    """The ids of a sweep's runs."""
    return [str(entry["run_id"]) for entry in manifest.get("runs", [])]


def of_sweep(runs: pd.DataFrame, manifest: Mapping[str, Any] | None) -> pd.DataFrame:
    """The rows of a sweep's runs, of all runs where none is named. Its manifest says which they are."""
    return runs if manifest is None else runs[runs["run_id"].isin(members(manifest))].reset_index(drop=True)


def named(runs: pd.DataFrame, manifests: Iterable[Mapping[str, Any]]) -> tuple[pd.DataFrame, dict[str, str]]:
    """One row for each run and sweep it belongs to, `sweep` naming that one; and by sweep a note on runs left out.

    A manifest's runs are its own, whichever sweep trained them first. Runs that a sweep trained and lists no longer
    were made by an older definition of it (another rate, say): they are no part of it.
    """
    sweeps = {str(manifest["name"]): manifest for manifest in manifests}
    if runs.empty or not sweeps:
        return runs, {}
    listed = [of_sweep(runs, manifest).assign(sweep=name) for name, manifest in sweeps.items()]
    alone = runs[~runs["run_id"].isin([run_id for manifest in sweeps.values() for run_id in members(manifest)])]
    old = alone["sweep"].isin(list(sweeps))
    notes = {str(name): _older(str(name), int(many)) for name, many in alone.loc[old, "sweep"].value_counts().items()}
    frames = [frame for frame in (*listed, alone[~old]) if len(frame)]
    return (pd.concat(frames, ignore_index=True) if frames else runs.iloc[:0]), notes


def _older(name: str, many: int) -> str:
    return f"Sweep '{name}' trained {many} run{'s' if many > 1 else ''} more by an older definition: left out."


@dataclass(frozen=True)
class Sample:
    """Runs whose losses are of one thing."""

    where: str
    """The expression over the columns of `runs` that selects them among the others."""
    runs: pd.DataFrame

    @property
    def name(self) -> str:
        """Their sweeps, or else the expression."""
        return " and ".join(f"'{name}'" for name in sweeps_of(self.runs)) or self.where


def samples(runs: pd.DataFrame) -> list[Sample]:
    """The rows of `named` apart by corpus, tokenizer and context, each run once; most compute first."""
    keys = [key for key in ALIKE if key in runs]
    groups = [group for _, group in runs.groupby(keys, dropna=False, sort=True)] if keys and len(runs) else [runs]
    if len(groups) == 1:
        return [Sample("", _once(groups[0]))]
    found = [Sample(_where(group, runs, keys), _once(group)) for group in groups]
    return sorted(found, key=lambda sample: -float(sample.runs["flops"].sum()))


def _once(rows: pd.DataFrame) -> pd.DataFrame:
    """Each run once, in the order of their ids."""
    if "run_id" not in rows:
        return rows
    return rows.drop_duplicates("run_id").sort_values("run_id", ignore_index=True)


def _where(group: pd.DataFrame, runs: pd.DataFrame, keys: Sequence[str]) -> str:
    """By sweep, where no other run is of the group's sweeps; else by the columns in which the runs differ."""
    mine = sweeps_of(group)
    if mine and group["sweep"].isin(mine).all() and len(group) == int(runs["sweep"].isin(mine).sum()):
        return f"sweep = {_literal(mine[0])}" if len(mine) == 1 else f"sweep IN ({', '.join(map(_literal, mine))})"
    differing = [key for key in keys if len(runs[key].unique()) > 1]
    return " AND ".join(f"{key} = {_literal(group[key].iloc[0])}" for key in differing)


def sweeps_of(runs: pd.DataFrame) -> list[str]:
    """The names of the sweeps whose runs are here."""
    return sorted({str(name) for name in runs["sweep"].dropna()} - {""}) if "sweep" in runs else []


def _literal(value: object) -> str:
    """A value as DuckDB writes it."""
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
