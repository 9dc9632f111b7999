"""A job as text, for a worker on another machine: plain JSON, from which the run is made again and compared."""

import json
import math
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.models.counts import count
from workbench.models.own import import_models
from workbench.runner.jobs import Job
from workbench.runner.plan import PlannedRun
from workbench.training.config import RunConfig
from workbench.training.horizon import resolve
from workbench.training.identity import run_id
from workbench.validation import validated

PLAIN = ("run_id", "config_id", "size", "role", "variant", "design", "trunk_id", "parent_id", "memory_bytes")
"""Fields of a planned run that are JSON as they are."""


def described(job: Job) -> str:
    """A job as JSON; its folders by their whole paths."""
    return json.dumps(
        {
            "version": __version__,
            "sweep": job.sweep,
            "store": str(job.store.resolve()),
            "corpus": str(job.corpus.resolve()),
            "probes": job.probes,
            "imports": job.imports,
            "runs": [_described_run(run) for run in job.runs],
            "branches": [_described_run(run) for run in job.branches],
        },
        allow_nan=False,
    )


def read_description(text: str) -> Job:
    """The job of a description; `BadInput` where this machine would train other runs than those that were planned."""
    document = json.loads(text)
    if document["version"] != __version__:
        raise BadInput(
            f"workbench {__version__} is installed where the worker runs, and {document['version']} where the sweep "
            "was started; install the same version on every machine"
        )
    import_models(document["imports"])
    corpus = Corpus.open(Path(document["corpus"]))
    first, *others = (_read_run(run, corpus) for run in document["runs"])
    return Job(
        first,
        document["sweep"],
        Path(document["store"]),
        Path(document["corpus"]),
        tuple(document["probes"]),
        tuple(document["imports"]),
        tuple(others),
        tuple(_read_run(run, corpus) for run in document["branches"]),
    )


def _described_run(run: PlannedRun) -> dict[str, Any]:
    """Its horizon and its counts follow from its config, and its time is nobody's business but the runner's."""
    level = None if math.isnan(run.level) else run.level
    config = run.config.model_dump(mode="json")
    return {name: getattr(run, name) for name in PLAIN} | {"level": level, "config": config}


def _read_run(document: dict[str, Any], corpus: Corpus) -> PlannedRun:
    plain = {name: document[name] for name in PLAIN}
    level = math.nan if document["level"] is None else document["level"]
    config = validated(RunConfig, document["config"], plain["run_id"])
    horizon = resolve(config)
    if (made := run_id(config, horizon, corpus.fingerprint)) != plain["run_id"]:
        raise BadInput(
            f"{plain['run_id']}: where the worker runs, its description makes {made}; install the same version of the "
            "workbench on every machine"
        )
    return PlannedRun(**plain, level=level, config=config, horizon=horizon, counts=count(config.model))
