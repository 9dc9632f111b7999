"""Which runs are held against which: sweeps, the values of a column or key, or conditions."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workbench.analyses.comparable import FEWEST_LEVELS, FEWEST_RUNS, MOST, Side, thing
from workbench.analyses.samples import of_sweep, samples
from workbench.errors import BadInput
from workbench.fitting.tables.canonical import LEFT_OUT, filtered

NO_GROUP = ("seed_init", "seed_data", "execution.", "train.flops", "train.tokens", "train.steps", "train.learning_rate")
"""Keys that do not set runs apart by what they are, but by luck, by how they were executed, or by N and D."""

PLAIN = ("True", "False", "None", "not set")
"""Values that say nothing without their key."""

FEW = 3
"""Values of a key that are written out."""

SHAPES = ("model.n_layer", "model.d_model", "model.n_head", "model.n_kv_head", "model.d_head", "model.d_ff")
"""Keys that go with N, by which nothing is grouped unless asked."""


def by_sweeps(runs: pd.DataFrame, manifests: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Side]:
    """The runs of each of some sweeps of a store."""
    known = {str(manifest["name"]): manifest for manifest in manifests}
    for name in names:
        if name not in known:
            raise BadInput(f"no sweep is called {name!r}; the store has {', '.join(known) or 'none'}.")
    return [Side(name, of_sweep(runs, known[name])) for name in dict.fromkeys(names)]


def by_conditions(runs: pd.DataFrame, conditions: Sequence[str]) -> list[Side]:
    """The runs for which each DuckDB condition is true, called by the condition."""
    return [Side(" ".join(where.split()), filtered(runs, where, "the runs")) for where in dict.fromkeys(conditions)]


def by_key(runs: pd.DataFrame, key: str, values: Sequence[str] = ()) -> list[Side]:
    """The runs of each value of a column or of a key of the configuration (`train.optimizer`), most runs first."""
    found = values_of(runs, key)
    known = found.value_counts()
    wanted = list(values) or usable_values(runs, key) or sorted(known.index)
    for value in wanted:
        if value not in known:
            raise BadInput(f"no run has {key} = {value}; there are {', '.join(known.index)}.")
    if len(wanted) < 2:
        raise BadInput(f"{key} is {wanted[0]} in all runs that can be compared; name a key with two values.")
    if len(wanted) > MOST:
        raise BadInput(f"{key} has {len(wanted)} values, and at most {MOST} groups are compared; name some of them.")
    return [Side(_called(key, value), runs[found == value]) for value in wanted]


def _called(key: str, value: str) -> str:
    """The value where it speaks for itself, as a word does and a number does not."""
    return value if value.replace("-", "").isalpha() and value not in PLAIN else f"{key.rpartition('.')[2]} = {value}"


def values_of(runs: pd.DataFrame, key: str) -> pd.Series:
    """The value of a column or a key of the configuration in each run, as text; "not set" where it has none.

    A configuration written before its key existed has the value of the column of that name, where there is one.
    """
    if key in runs:
        return _text(runs[key])
    configs = _configs(runs)
    if key not in configs:
        known = ", ".join(sorted(map(str, configs))) or "none"
        raise BadInput(f"by is '{key}', no column of the runs and no key of their configurations: {known}.")
    return _text(_completed(configs[key], runs, key))


def _configs(runs: pd.DataFrame) -> pd.DataFrame:
    """A column for each key of the configurations."""
    return pd.DataFrame([_flat(text) for text in runs["config"]], index=runs.index)


def _completed(values: pd.Series, runs: pd.DataFrame, key: str) -> pd.Series:
    """Values of a key; of a run whose configuration lacks it, those of the column of that name."""
    column = key.rpartition(".")[2]
    return values.astype(object).where(values.notna(), runs[column]) if column in runs else values


def _text(values: pd.Series) -> pd.Series:
    return values.map(lambda value: "not set" if pd.isna(value) else _said(value))


def _said(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _flat(text: object) -> dict[str, Any]:
    """A configuration as JSON → its keys, joined by dots."""
    try:
        config = json.loads(str(text))
    except json.JSONDecodeError:
        return {}
    found: dict[str, Any] = {}

    def walk(value: Any, name: str) -> None:
        if isinstance(value, Mapping) and value:
            for key, inner in value.items():
                walk(inner, f"{name}.{key}" if name else str(key))
        else:
            found[name] = json.dumps(value) if isinstance(value, list | Mapping) else value

    walk(config, "")
    return found


def keys(runs: pd.DataFrame) -> list[str]:
    """The keys by which the runs can be set apart into groups that each bend a law."""
    kept = _of_law(runs)
    if kept.empty:
        return []
    configs = _configs(kept)
    found = []
    for key in (str(name) for name in configs):
        if key.startswith(NO_GROUP) or key in SHAPES or configs[key].nunique(dropna=False) < 2:
            continue
        if len(_enough(kept, _text(_completed(configs[key], kept, key)))) >= 2:
            found.append(key)
    return found


def usable_values(runs: pd.DataFrame, key: str) -> list[str]:
    """The values of a key that can be compared, that of most runs first."""
    kept = _of_law(runs)
    values = values_of(kept, key)
    counts = values.value_counts()
    return sorted(_enough(kept, values), key=lambda value: (-counts[value], value))


def usable_sweeps(runs: pd.DataFrame, manifests: Sequence[Mapping[str, Any]]) -> list[str]:
    """The sweeps that can be compared with another one: those of the largest set with one held-out text, if two."""
    kept = _of_law(runs)
    sets: dict[tuple[str, ...], list[str]] = {}
    for manifest in manifests:
        mine = of_sweep(kept, manifest)
        if len(_enough(mine, pd.Series("", index=mine.index))):
            sets.setdefault(thing(samples(mine)[0].runs, "loss"), []).append(str(manifest["name"]))
    best = max(sets.values(), key=len, default=[])
    return best if len(best) >= 2 else []


def _of_law(runs: pd.DataFrame) -> pd.DataFrame:
    return runs[(runs["status"] == "done") & ~runs["role"].isin(LEFT_OUT)]


def _enough(runs: pd.DataFrame, values: pd.Series) -> list[str]:
    """The values that enough runs of enough sizes and horizons have."""
    return [
        str(value)
        for value, group in runs.groupby(values)
        if len(group) >= FEWEST_RUNS and min(group["n_params"].nunique(), group["tokens"].nunique()) >= FEWEST_LEVELS
    ]


def differences(groups: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What sets the groups apart: a row for each key of the configurations whose values differ between them.

    A key with many values in every group (a learning rate that follows the size) sets nothing apart.
    """
    kept = {name: _of_law(runs) for name, runs in groups.items()}
    configs = {name: _configs(runs) for name, runs in kept.items()}
    rows = []
    for key in sorted({str(key) for frame in configs.values() for key in frame}):
        if key.startswith(NO_GROUP):
            continue
        sets = {name: _set(configs[name], runs, key) for name, runs in kept.items()}
        if len(set(map(frozenset, sets.values()))) < 2 or min(map(len, sets.values())) > FEW:
            continue
        said = {name: ", ".join(sorted(v)) if len(v) <= FEW else f"{len(v)} values" for name, v in sets.items()}
        rows.append({"key": key, **said})
    return pd.DataFrame(rows, columns=["key", *groups])


def _set(configs: pd.DataFrame, runs: pd.DataFrame, key: str) -> set[str]:
    """The values of a key."""
    values = configs[key] if key in configs else pd.Series(None, index=runs.index, dtype=object)
    return set(_text(_completed(values, runs, key)))
