"""The probes by name, and running them: a trained model in, rows of the store's `evals` table out."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pandas as pd

from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.evaluation.longer import LongerSettings, longer_context
from workbench.evaluation.perplexity import PerplexitySettings, perplexity
from workbench.evaluation.positions import PositionSettings, loss_by_position
from workbench.evaluation.rows import ProbeSettings, Row
from workbench.evaluation.task import TaskSettings, task
from workbench.models.build import Model
from workbench.training.config import RunConfig
from workbench.validation import validated

Settings = TypeVar("Settings", bound=ProbeSettings)


@dataclass(frozen=True)
class Probe(Generic[Settings]):
    """A measurement, and the settings it understands."""

    settings: type[Settings]
    measure: Callable[[Model, Corpus, Settings], list[Row]]


PROBES: dict[str, Probe[Any]] = {
    "perplexity": Probe(PerplexitySettings, perplexity),
    "loss-by-position": Probe(PositionSettings, loss_by_position),
    "longer-context": Probe(LongerSettings, longer_context),
    "task": Probe(TaskSettings, task),
}
"""Name → probe. A new one is a function and a line here."""

COLUMNS = ("probe", "probe_hash", "metric", "key", "value", "se", "n", "settings")
"""The columns of `evals` that a probe fills; the store adds the run and the step."""


def run_probes(
    model: Model,
    corpus: Corpus,
    probes: Sequence[str],
    config: RunConfig,
    settings: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Measure a trained model with every probe named. `settings` go to each probe that knows them, and one must.

    The model is measured in float32 and left as it was found, in training or in evaluation mode.
    """
    plan = [(name, resolve(name, settings or {}, config)) for name in checked(probes, settings or {})]
    was_training = model.training
    model.eval()
    try:
        frames = [frame(name, chosen, PROBES[name].measure(model, corpus, chosen)) for name, chosen in plan]
    finally:
        model.train(was_training)
    return pd.concat(frames, ignore_index=True)


def check_probes(probes: Sequence[str], config: RunConfig, origin: str) -> None:
    """Refuse, before anything trains, probes that no trained model of this config could be measured with."""
    try:
        for name in checked(probes, {}):
            resolve(name, {}, config)
    except BadInput as error:
        raise BadInput(f"{origin}: {error}") from error


def checked(probes: Sequence[str], settings: Mapping[str, Any]) -> list[str]:
    """The names without repetitions; an unknown name, or a setting that none of the probes knows, is bad input."""
    if not probes:
        raise BadInput(f"No probe is named; the probes are {', '.join(PROBES)}.")
    for name in probes:
        if name not in PROBES:
            raise BadInput(f"There is no probe named {name!r}; the probes are {', '.join(PROBES)}.")
    known = {key for name in probes for key in PROBES[name].settings.model_fields}
    for key in settings:
        if key not in known:
            raise BadInput(
                f"{key} = {settings[key]!r}: no setting of {', '.join(probes)}; "
                f"the settings are {', '.join(sorted(known)) or 'none'}."
            )
    return list(dict.fromkeys(probes))


def resolve(name: str, settings: Mapping[str, Any], config: RunConfig) -> ProbeSettings:
    """A probe's settings, checked, with what they leave to the run's corpus written out."""
    kind = PROBES[name].settings
    own = {key: value for key, value in settings.items() if key in kind.model_fields}
    chosen: ProbeSettings = validated(kind, own, f"probe {name}")
    chosen.check(config.model)
    return chosen.resolved(config.corpus)


def probe_hash(name: str, settings: ProbeSettings) -> str:
    """The key of a measurement within a run's step: a hash of the probe's name and all its settings."""
    return hashlib.sha256(canonical({"probe": name, **settings.model_dump(mode="json")}).encode()).hexdigest()[:12]


def frame(name: str, settings: ProbeSettings, rows: Sequence[Row]) -> pd.DataFrame:
    """Rows as `evals` has them."""
    table = pd.DataFrame([vars(row) for row in rows])
    table = table.assign(
        probe=name, probe_hash=probe_hash(name, settings), settings=canonical(settings.model_dump(mode="json"))
    )
    return table[list(COLUMNS)]


def canonical(document: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces: the same text for the same content."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
