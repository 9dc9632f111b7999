"""The configurations of runs as a table: one column a key, named as in a definition: train.learning_rate."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd


def flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key → value, in the order of the configuration; lists are JSON."""
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", json.dumps(value) if isinstance(value, list | Mapping) else value


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """Of every run each key, those that vary first; indexed by run id."""
    known: dict[str, dict[str, Any]] = {}
    for text in runs["config"].unique():
        known[text] = dict(flat(json.loads(text)))
    frame = pd.DataFrame([known[text] for text in runs["config"]], index=pd.Index(runs["run_id"], name="run_id"))
    first = varying(frame)
    return frame[[*first, *(key for key in frame.columns if key not in set(first))]]


def varying(configs: pd.DataFrame) -> list[str]:
    """The keys in which these configurations differ, one that only some have among them."""
    return [key for key in configs.columns if len(set(configs[key].factorize()[0])) > 1]


def differences(runs: pd.DataFrame) -> pd.DataFrame:
    """Only the keys that differ, one row each: `key`, and the value of each run under its id, as JSON writes it."""
    each = {run_id: dict(flat(json.loads(text))) for run_id, text in zip(runs["run_id"], runs["config"], strict=True)}
    rows = []
    for key in dict.fromkeys(key for config in each.values() for key in config):
        values = {str(run_id): written(config.get(key)) for run_id, config in each.items()}
        if len(set(values.values())) > 1:
            rows.append({"key": key, **values})
    return pd.DataFrame(rows, columns=["key", *map(str, each)])


def written(value: Any) -> str:
    """A value of a configuration, as JSON writes it, text without its quotes."""
    return value if isinstance(value, str) else json.dumps(value)
