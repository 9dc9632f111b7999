"""A plan: every run of a sweep with its id, N, D, C, memory and time, before anything trains."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.corpus.prepare import prepare
from workbench.corpus.shards import Corpus
from workbench.models.config import DECODER
from workbench.models.counts import Counts, count
from workbench.runner.calibration import UNTIMED, Timing
from workbench.runner.definition import Asked, SweepDefinition, expand, read_definition
from workbench.runner.identifiability import identifiability
from workbench.training.config import RunConfig
from workbench.training.horizon import Horizon, check_corpus, resolve
from workbench.training.identity import config_id, run_id
from workbench.training.memory import step_bytes


@dataclass(frozen=True)
class PlannedRun:
    """One run of a plan."""

    run_id: str
    config_id: str
    config: RunConfig
    horizon: Horizon
    counts: Counts
    size: str
    level: float
    role: str
    variant: str
    """Name of the change that the run is there for; empty for most."""
    design: str
    memory_bytes: int
    """Estimated peak of weights, gradients, optimizer and activations."""
    seconds: float = math.nan
    """Estimated time; NaN until a cost model has looked."""

    @property
    def budget(self) -> float:
        """The isoFLOP budget, or NaN in other designs."""
        return self.level if self.design == "isoflop" else math.nan


@dataclass(frozen=True)
class Plan:
    """Every run of a sweep, once each."""

    name: str
    definition: SweepDefinition
    runs: tuple[PlannedRun, ...]
    warnings: tuple[str, ...]
    packs: tuple[tuple[str, ...], ...] = ()
    """Run ids of those that are trained as one batched model."""
    timing: Timing = UNTIMED
    """Where the runs' times come from."""

    def timed(self, seconds: Callable[[PlannedRun], float], timing: Timing = UNTIMED) -> "Plan":
        """The same plan with each run's time estimated."""
        return replace(self, runs=tuple(replace(run, seconds=seconds(run)) for run in self.runs), timing=timing)

    def manifest(self, corpus: Corpus) -> dict[str, Any]:
        """What the store keeps of a sweep: its definition and which runs it has."""
        return {
            "name": self.name,
            "description": self.definition.sweep.description,
            "corpus_fingerprint": corpus.fingerprint,
            "definition": self.definition.model_dump(mode="json", exclude_defaults=True),
            "runs": [
                {"run_id": run.run_id, "size": run.size, "level": run.level, "role": run.role}
                | ({"variant": run.variant} if run.variant else {})
                for run in self.runs
            ],
        }


def read_plan(path: Path, progress: Callable[[str], None]) -> tuple[Plan, Corpus]:
    """The plan of a definition's file, and its corpus, prepared where it is not yet.

    Preparing takes a minute, so whatever can be found wrong without the corpus is found before.
    """
    definition = read_definition(path)
    for asked in expand(definition, str(path), definition.corpus.resolved_vocab_size):
        resolve(asked.config, f"{path}, size {asked.size} at {asked.level:g}")
    if definition.sweep.probes:
        from workbench.evaluation.probes import check_probes

        check_probes(definition.sweep.probes, asked.config, f"{path}: sweep.probes")
    corpus = prepare(definition.corpus, progress=progress)
    return plan_sweep(definition, str(path), corpus), corpus


def plan_sweep(definition: SweepDefinition, origin: str, corpus: Corpus) -> Plan:
    """Expand a definition over a prepared corpus."""
    asked = expand(definition, origin, corpus.vocab_size)
    runs: dict[str, PlannedRun] = {}
    for item in asked:
        variants = definition.variants if item.variant else None
        design = variants.type if variants else definition.design.type
        planned = plan_run(item, design, corpus)
        runs.setdefault(planned.run_id, planned)
    planned_runs = tuple(runs.values())
    found = [*identifiability(definition, planned_runs), *warnings(planned_runs, corpus)]
    return Plan(definition.sweep.name, definition, planned_runs, tuple(found))


def plan_run(asked: Asked, design: str, corpus: Corpus) -> PlannedRun:
    """One run, resolved and counted."""
    check_corpus(asked.config, corpus)
    config, horizon = asked.config, resolve(asked.config)
    return PlannedRun(
        run_id=run_id(config, horizon, corpus.fingerprint),
        config_id=config_id(config, horizon, corpus.fingerprint),
        config=config,
        horizon=horizon,
        counts=count(config.model),
        size=asked.size,
        level=asked.level,
        role=asked.role,
        variant=asked.variant,
        design=design,
        memory_bytes=step_bytes(config, horizon.batch_windows),
    )


def unique_tokens(horizon: Horizon, corpus: Corpus) -> int:
    """Different tokens among a run's D: whole windows of the corpus, each at most once."""
    windows = (len(corpus.train) - 1) // horizon.context
    return min(horizon.tokens, windows * horizon.context)


def warnings(runs: Sequence[PlannedRun], corpus: Corpus) -> list[str]:
    """What a person should know before training."""
    found = _of_registered_models(runs)
    repeating = [run for run in runs if run.horizon.tokens > unique_tokens(run.horizon, corpus)]
    if repeating:
        most = max(repeating, key=lambda run: run.horizon.tokens)
        have = unique_tokens(most.horizon, corpus)
        found.append(
            f"{len(repeating)} of {len(runs)} runs would see tokens more than once: the corpus has {have:,} tokens in "
            f"whole windows, and the longest run wants {most.horizon.tokens:,}; laws for fresh data do not hold there"
        )
    return found


def _of_registered_models(runs: Sequence[PlannedRun]) -> list[str]:
    """What their first look and their count have to say, once; a model that cannot be trained is refused here."""
    found: dict[str, None] = {}
    for run in runs:
        if run.config.model.architecture != DECODER:
            from workbench.models.own_counts import own_warnings  # torch

            found |= dict.fromkeys(own_warnings(run.config.model))
    return list(found)


def wall_seconds(runs: Sequence[PlannedRun], slots: int) -> float:
    """Time of the runs on `slots` workers, longest first."""
    busy = [0.0] * max(1, slots)
    for run in sorted(runs, key=lambda run: -run.seconds):
        busy[busy.index(min(busy))] += run.seconds
    return max(busy)
