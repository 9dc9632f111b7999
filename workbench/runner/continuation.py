"""A sweep definition that continues a store's runs: the same corpus and training, new sizes, tokens and seeds.

The sizes that can be trained are widths between and beyond those of the runs, where the runs differ in `d_model` alone;
where other fields of the shape differ too, no rule says how they go together, and the sizes are those of the runs.
"""

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.errors import BadInput
from workbench.models.config import ModelConfig
from workbench.models.counts import count
from workbench.training.config import HORIZONS, RunConfig
from workbench.validation import validated

SHAPE = ("n_layer", "n_head", "d_model", "n_kv_head", "d_head", "d_ff")
"""Fields of a model that make its size."""

LADDER = 24
"""Widths offered, spread geometrically over the range."""


@dataclass(frozen=True)
class Size:
    """A size that can be trained: the fields that make it, and what it counts and costs."""

    name: str
    fields: dict[str, Any]
    n_params: int
    n_params_non_embedding: int
    flops_per_token: int


@dataclass(frozen=True)
class Family:
    """What the runs of a store have in common, and the sizes in which they differ."""

    base: RunConfig
    own: tuple[dict[str, Any], ...]
    """The fields of each size among the runs, smallest first."""
    seed: int
    """The first seed that no run has used."""

    @property
    def scales_in_width(self) -> bool:
        """Whether sizes differ in `d_model` alone."""
        return all(set(fields) == {"d_model"} for fields in self.own)

    def sizes(self, largest: float) -> tuple[Size, ...]:
        """Sizes up to about `largest` parameters, the runs' own among them."""
        own = [self.size(fields) for fields in self.own]
        if not self.scales_in_width:
            return tuple(own)
        widths = {int(fields["d_model"]) for fields in self.own}
        low = high = min(widths)
        while self.size({"d_model": high}, check=False).n_params < largest:
            high = int(high * 1.1) + 1
        step = self._step()
        more = {step * round(width / step) for width in np.geomspace(low, max(high, low), LADDER)}
        return tuple(self.size({"d_model": width}) for width in sorted(widths | {w for w in more if w >= low}))

    def size(self, fields: Mapping[str, Any], check: bool = True) -> Size:
        """One size of the family. Unchecked, only its counts are wanted, and heads need not divide the width."""
        shape = {key: value for key, value in fields.items() if key in SHAPE}
        settings = {**self.base.model.model_dump(), **shape}
        config = ModelConfig.model_validate(settings) if check else self.base.model.model_copy(update=shape)
        counts = count(config)
        name = f"w{config.d_model}" if self.scales_in_width else f"l{config.n_layer}w{config.d_model}n{counts.n_params}"
        return Size(
            name,
            {key: value for key, value in fields.items() if value is not None},
            counts.n_params,
            counts.n_params_non_embedding,
            counts.flops_per_token_training,
        )

    def _step(self) -> int:
        """Widths are multiples of this: of the heads, each of an even width where positions come in pairs."""
        model = self.base.model
        if model.d_head is not None:
            return 2 if model.position == "sinusoidal" else 1
        return model.n_head * (2 if model.position in ("rope", "sinusoidal") else 1)


@dataclass(frozen=True)
class Ask:
    """Runs of one size for so many tokens."""

    size: Size
    tokens: int
    repeats: int


def family_of(configs: Sequence[str], origin: str) -> Family:
    """The family of runs given by their config JSON; runs that differ in more than size, horizon and seeds are refused.

    A learning rate that was set for each size is part of the size.
    """
    runs = [validated(RunConfig, json.loads(text), f"{origin}, the config of a run") for text in configs]
    if not runs:
        raise BadInput(f"{origin} has no runs to continue.")
    first = runs[0]
    shared = [_common(run) for run in runs]
    for other in shared[1:]:
        for key, value in shared[0].items():
            if other[key] != value:
                raise BadInput(
                    f"{origin} has runs with {key} = {json.dumps(value)} and {json.dumps(other[key])}; a definition "
                    "continues runs of one kind: choose with --where."
                )
    varying = [key for key in SHAPE if len({getattr(run.model, key) for run in runs}) > 1] or ["d_model"]
    rates = {run.train.learning_rate for run in runs}
    own: dict[str, dict[str, Any]] = {}
    for run in runs:
        fields: dict[str, Any] = {key: getattr(run.model, key) for key in varying}
        if len(rates) > 1:
            fields["train.learning_rate"] = run.train.learning_rate
        own[json.dumps(fields, sort_keys=True)] = fields
    if len({json.dumps({k: f[k] for k in varying}) for f in own.values()}) < len(own):
        raise BadInput(f"{origin} has runs of one size with several learning rates; choose one with --where.")
    family = Family(first, tuple(own.values()), 1 + max(max(run.seed_init, run.seed_data) for run in runs))
    ordered = sorted(family.own, key=lambda fields: family.size(fields).n_params)
    return Family(first, tuple(ordered), family.seed)


def _common(run: RunConfig) -> dict[str, Any]:
    """Every field that all runs of a family share, dotted; how a run was executed may differ."""
    dumped = run.model_dump(mode="json")
    apart = {f"model.{key}" for key in SHAPE} | {f"train.{key}" for key in (*HORIZONS, "learning_rate", "rate_factor")}
    flat = {f"{table}.{key}": value for table in ("corpus", "model", "train") for key, value in dumped[table].items()}
    # A batch that was set with the steps belongs to that horizon.
    if run.train.steps is not None:
        apart.add("train.batch_tokens")
    return {key: (None if key in apart else value) for key, value in flat.items()}


def definition(family: Family, asks: Iterable[Ask], name: str, description: str, remarks: Iterable[str] = ()) -> str:
    """The TOML of a grid sweep with exactly these runs, each from seeds that no run has used."""
    base = family.base.model_dump(mode="json", exclude_defaults=True)
    varying = {key for fields in family.own for key in fields}
    model = {k: v for k, v in base["model"].items() if k not in varying}
    if family.base.model.vocab_size == family.base.corpus.resolved_vocab_size:
        model.pop("vocab_size", None)  # the tokenizer's own
    train = {k: v for k, v in base["train"].items() if f"train.{k}" not in varying and k not in HORIZONS}
    train.pop("rate_factor", None)
    if family.base.train.steps is not None:
        train.pop("batch_tokens", None)
    asks = sorted(asks, key=lambda ask: (ask.tokens, ask.size.n_params))
    sizes = {ask.size.name: ask.size for ask in sorted(asks, key=lambda ask: ask.size.n_params)}
    lines = [f"# {line}" for remark in remarks for line in textwrap.wrap(remark, 110)]
    lines += ["", "[sweep]", f"name = {_toml(name)}", f"description = {_toml(description)}"]
    tables = {"corpus": base.get("corpus", {}), "model": model, "train": train, "execution": base.get("execution", {})}
    for table, values in tables.items():
        lines += (
            ["", f"[{table}]", *(f"{_key(key)} = {_toml(value)}" for key, value in values.items())] if values else []
        )
    lines += ["", "[sizes]", *(f"{_key(key)} = {_toml(size.fields)}" for key, size in sizes.items())]
    lines += ["", "[design]", 'type = "grid"', "levels = [   # tokens"]
    for tokens in sorted({ask.tokens for ask in asks}):
        here = [ask.size.name for ask in asks if ask.tokens == tokens]
        lines.append(f"  {{ level = {tokens}, sizes = {_toml(list(dict.fromkeys(here)))} }},")
    lines += ["]", "", "[axes]", f"seed = [{family.seed}]   # new: a run of the store is not trained again"]
    for ask in asks:
        if ask.repeats > 1:
            seeds = list(range(family.seed + 1, family.seed + ask.repeats))
            lines += ["", "[[replicates]]", f"level = {ask.tokens}", f"size = {_toml(ask.size.name)}"]
            lines.append(f"seeds = {_toml(seeds)}")
    return "\n".join(lines).lstrip("\n") + "\n"


def _key(key: str) -> str:
    """A bare key, or a quoted one: a dotted key is one name here."""
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else json.dumps(key)


def _toml(value: Any) -> str:
    """A value of JSON's types as TOML, tables inline."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(str(key))} = {_toml(item)}" for key, item in value.items() if item is not None)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)
