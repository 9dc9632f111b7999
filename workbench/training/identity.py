"""A run's id: a hash of what determines its result, and of nothing else.

Only fields that differ from their defaults enter, so that a field added later changes no old id; defaults are
therefore frozen (a test pins an id). The horizon enters resolved: two ways of asking for the same steps, batch and
rate are one run, and a changed rule makes new runs.
"""

import hashlib
import json
from typing import Any

from workbench.models.config import ModelConfig
from workbench.training.config import HORIZONS, RunConfig, TrainConfig
from workbench.training.horizon import Horizon

NUMERICS_VERSION = 1
"""Raised when a change of the code changes the losses of an unchanged config."""

SEEDS = ("seed_data", "seed_init")
"""In the order of their names."""
DIGITS = 12
"""Hex digits of an id."""

RESOLVED = {
    *HORIZONS,
    "batch_tokens",
    "learning_rate",
    "batch_rule",
    "rate_rule",
    "rate_factor",
    "warmup_fraction",
    "warmup_tokens",
    "decay_fraction",
    "trunk",
}
"""Fields of `TrainConfig` that the horizon speaks for."""

UNUSED: dict[str, set[str]] = {
    "adamw": {"momentum"},
    "adamw-8bit": {"momentum"},
    "lion": {"momentum", "epsilon"},
    "sgd": {"beta1", "beta2", "epsilon"},
    "muon": set(),
}
"""Optimizer → settings of the others, which change nothing under it."""


def determinants(config: RunConfig, horizon: Horizon, corpus_fingerprint: str) -> dict[str, Any]:
    """What determines the result of a run, as plain JSON."""
    return {
        "numerics_version": NUMERICS_VERSION,
        "corpus": corpus_fingerprint,
        "model": _model(config.model),
        "train": _train(config.train),
        "horizon": {
            "steps": horizon.steps,
            "batch_windows": horizon.batch_windows,
            "learning_rate": horizon.learning_rate,
            "warmup_steps": horizon.warmup_steps,
            "decay_steps": horizon.decay_steps,
        },
        "seed_init": config.seed_init,
        "seed_data": config.seed_data,
    }


def _train(config: TrainConfig) -> dict[str, Any]:
    """The fields of training that differ from their defaults and have an effect."""
    fields = config.model_dump(mode="json", exclude_defaults=True, exclude=RESOLVED | UNUSED[config.optimizer])
    if config.momentum == config.model_copy(update={"momentum": None}).resolved_momentum:
        fields.pop("momentum", None)
    if config.adversarial == "none":
        fields.pop("adversarial_radius", None)
    if config.adversarial != "pgd":
        fields.pop("adversarial_steps", None)
    return fields


def _model(config: ModelConfig) -> dict[str, Any]:
    """The model's fields that differ from their defaults; a default written out in full is the default."""
    fields = config.model_dump(mode="json", exclude_defaults=True)
    plain = config.model_copy(update={"n_kv_head": None, "d_head": None, "d_ff": None})
    if config.kv_heads == plain.kv_heads:
        fields.pop("n_kv_head", None)
    if config.ff_dim == plain.ff_dim:
        fields.pop("d_ff", None)
    if config.head_dim * config.n_head == config.d_model:
        fields.pop("d_head", None)
    if config.position != "rope":
        fields.pop("rope_base", None)
    return fields


class Identity:
    """The ids of runs that differ in their seeds alone: what they share is written and hashed once."""

    def __init__(self, config: RunConfig, horizon: Horizon, corpus_fingerprint: str) -> None:
        document = determinants(config, horizon, corpus_fingerprint)
        shared = {key: value for key, value in document.items() if key not in SEEDS}
        self.config_id = "c-" + hashlib.sha256(_text(shared).encode()).hexdigest()[:DIGITS]
        # In the order of their names, the seeds stand together between the rest.
        before = _text({key: value for key, value in shared.items() if key < SEEDS[0]})
        after = _text({key: value for key, value in shared.items() if key > SEEDS[-1]})
        self._hash = hashlib.sha256(before.removesuffix("}").encode())
        self._after = after.removeprefix("{").encode()
        self._trunk = _text(_of_trunk(shared)) if config.train.schedule == "wsd" else ""

    def run_id(self, config: RunConfig) -> str:
        """Of the run with this config's seeds."""
        digest = self._hash.copy()
        digest.update(b',"seed_data":%d,"seed_init":%d,' % (config.seed_data, config.seed_init))
        digest.update(self._after)
        return "r-" + digest.hexdigest()[:DIGITS]

    def trunk_id(self, config: RunConfig) -> str:
        """`t-` and 12 hex digits, the same for runs that are one until their decays begin; nothing but for `wsd`."""
        if not self._trunk:
            return ""
        text = f"{self._trunk} {config.seed_data} {config.seed_init}"
        return "t-" + hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _of_trunk(shared: dict[str, Any]) -> dict[str, Any]:
    """What determines a run of `wsd` before its decay."""
    horizon = {key: value for key, value in shared["horizon"].items() if key not in ("steps", "decay_steps")}
    train = {key: value for key, value in shared["train"].items() if key != "final_rate_fraction"}
    return {**shared, "horizon": horizon, "train": train}


def run_id(config: RunConfig, horizon: Horizon, corpus_fingerprint: str) -> str:
    """`r-` and 12 hex digits: of what determines a run's result, as JSON with its keys in order."""
    return Identity(config, horizon, corpus_fingerprint).run_id(config)


def config_id(config: RunConfig, horizon: Horizon, corpus_fingerprint: str) -> str:
    """`c-` and 12 hex digits: the same for runs that differ in their seeds alone, the key for clustering."""
    return Identity(config, horizon, corpus_fingerprint).config_id


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
