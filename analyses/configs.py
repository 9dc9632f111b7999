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


def differences(configs: pd.DataFrame) -> pd.DataFrame:
    """Only the keys that differ, one row each, the runs side by side, values as JSON writes them."""
    kept = configs[varying(configs)].T
    return kept.map(_written).rename_axis("key").reset_index()


def _written(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return "null"
    return value if isinstance(value, str) else json.dumps(value, default=str)
