"""A plan: every run of a sweep with its id, N, D, C, memory and time, before anything trains."""

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.corpus.prepare import prepare
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.models.config import DECODER
from workbench.models.counts import Counts, count
from workbench.runner.calibration import UNTIMED, Timing
from workbench.runner.definition import Asked, SweepDefinition, expand, read_definition
from workbench.runner.identifiability import identifiability
from workbench.training.config import RunConfig
from workbench.training.horizon import Horizon, check_corpus, resolve
from workbench.training.identity import Identity
from workbench.training.memory import step_bytes


@dataclass(frozen=True, slots=True)
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
    trunk_id: str
    """The same for runs that are one until their decays begin; empty where no such trunk is."""
    memory_bytes: int
    """Estimated peak of weights, gradients, optimizer and activations."""
    seconds: float = math.nan
    """Estimated time; NaN until a cost model has looked."""
    parent_id: str = ""
    """The longest run on its trunk, which it branches off; empty for a run that is trained from the beginning."""

    @property
    def budget(self) -> float:
        """The isoFLOP budget, or NaN in other designs."""
        return self.level if self.design == "isoflop" else math.nan

    @property
    def own_share(self) -> float:
        """Of its steps, the share that is not its trunk's."""
        return self.horizon.decay_steps / self.horizon.steps if self.parent_id else 1.0

    @property
    def kind(self) -> "Kind":
        """The same for runs of one plan that differ in their seeds alone, as they share their parts."""
        return kind_of(self.config)


Kind = tuple[int, int, int, int]


def kind_of(config: RunConfig) -> Kind:
    """Which parts a config has; no hash of what is in them, so it holds only as long as the config does."""
    return id(config.corpus), id(config.model), id(config.train), id(config.execution)


@dataclass(frozen=True)
class Resolved:
    """What runs share that differ in their seeds alone."""

    horizon: Horizon
    counts: Counts
    memory_bytes: int
    identity: Identity

    @classmethod
    def of(cls, config: RunConfig, corpus: Corpus) -> "Resolved":
        """Resolve and count a run; a corpus that it cannot read is refused."""
        check_corpus(config, corpus)
        horizon = resolve(config)
        identity = Identity(config, horizon, corpus.fingerprint)
        return cls(horizon, count(config.model), step_bytes(config, horizon.batch_windows), identity)


@dataclass(frozen=True)
class Plan:
    """Every run of a sweep, once each."""

    name: str
    definition: SweepDefinition
    runs: tuple[PlannedRun, ...]
    warnings: tuple[str, ...]
    packs: tuple[tuple[str, ...], ...] = ()
    """Run ids of those that are trained as one batched model."""
    shared: tuple[dict[str, Any], ...] = ()
    """Entries of what was asked for in one place and is, as it turns out, a run of another."""
    timing: Timing = UNTIMED
    """Where the runs' times come from."""

    def timed(self, seconds: Callable[[PlannedRun], float], timing: Timing = UNTIMED) -> "Plan":
        """The same plan with each run's time estimated."""
        return replace(self, runs=tuple(replace(run, seconds=seconds(run)) for run in self.runs), timing=timing)

    def manifest(self, corpus: Corpus) -> dict[str, Any]:
        """What the store keeps of a sweep: its definition, which runs it has, and what each will take."""
        return {
            "name": self.name,
            "description": self.definition.sweep.description,
            "corpus_fingerprint": corpus.fingerprint,
            "definition": self.definition.model_dump(mode="json", exclude_defaults=True),
            "runs": [_entry(run) | _expected(run) for run in self.runs],
        } | ({"shared": list(self.shared)} if self.shared else {})


def read_plan(path: Path, progress: Callable[[str], None], corpus_folder: Path | None = None) -> tuple[Plan, Corpus]:
    """The plan of a definition's file, and its corpus, prepared where it is not yet, or opened in `corpus_folder`.

    Preparing takes a minute, so whatever can be found wrong without the corpus is found before.
    """
    definition = read_definition(path)
    asked = expand(definition, str(path), definition.corpus.resolved_vocab_size)
    seen: set[Kind] = set()
    for item in asked:
        if (kind := kind_of(item.config)) not in seen:
            resolve(item.config, f"{path}, size {item.size} at {item.level:g}")
            seen.add(kind)
    if definition.sweep.probes:
        from workbench.evaluation.probes import check_probes

        check_probes(definition.sweep.probes, asked[-1].config, f"{path}: sweep.probes")
    if corpus_folder is None:
        corpus = prepare(definition.corpus, progress=progress)
    else:
        corpus = Corpus.open(corpus_folder)
        if corpus.config != definition.corpus:
            raise BadInput(f"{corpus_folder}: was prepared by another [corpus] than that of {path}; leave --corpus out")
    known = corpus.vocab_size == definition.corpus.resolved_vocab_size
    return plan_sweep(definition, str(path), corpus, asked if known else None), corpus


def plan_sweep(definition: SweepDefinition, origin: str, corpus: Corpus, asked: Sequence[Asked] | None = None) -> Plan:
    """Expand a definition over a prepared corpus, unless it has been; `asked` is what it expands to."""
    if asked is None:
        asked = expand(definition, origin, corpus.vocab_size)
    runs: dict[str, PlannedRun] = {}
    resolved: dict[Kind, Resolved] = {}
    shared: list[dict[str, Any]] = []
    for item in asked:
        kind = kind_of(item.config)
        if kind not in resolved:
            resolved[kind] = Resolved.of(item.config, corpus)
        design = definition.variants.type if item.variant and definition.variants else definition.design.type
        planned = _planned(item, design, resolved[kind])
        first = runs.setdefault(planned.run_id, planned)
        if planned.role == "grid" != first.role:  # a point of the design is one, whatever it checks beside
            runs[planned.run_id], planned, first = planned, first, planned
        if first is not planned and (entry := _entry(planned)) != _entry(first) and entry not in shared:
            shared.append(entry)
    planned_runs = tuple(_branched(list(runs.values())))
    found = [*identifiability(definition, planned_runs), *warnings(planned_runs, corpus)]
    return Plan(definition.sweep.name, definition, planned_runs, tuple(found), shared=tuple(shared))


def _entry(run: PlannedRun) -> dict[str, Any]:
    """What a manifest says of a run: how it was asked for."""
    entry = {"run_id": run.run_id, "size": run.size, "level": run.level, "role": run.role}
    return entry | ({"variant": run.variant} if run.variant else {})


def _expected(run: PlannedRun) -> dict[str, Any]:
    """What a manifest says of a run that is not trained yet: its size, its length, and the cost of its own part."""
    horizon = run.horizon
    expected: dict[str, float] = {"n_params": run.counts.n_params, "tokens": horizon.tokens, "steps": horizon.steps}
    expected["flops"] = horizon.flops * run.own_share
    expected |= {"branch_step": horizon.branch_step} if run.parent_id else {}
    return expected | ({"seconds": run.seconds} if math.isfinite(run.seconds) else {})


def _branched(runs: Sequence[PlannedRun]) -> Iterator[PlannedRun]:
    """The runs, those with a trunk of their definition's told which is the longest on it."""
    longest: dict[str, PlannedRun] = {}
    for run in runs:
        if run.config.train.trunk is not None:
            longest[run.trunk_id] = max(longest.get(run.trunk_id, run), run, key=lambda one: one.horizon.branch_step)
    for run in runs:
        parent = longest.get(run.trunk_id, run) if run.config.train.trunk is not None else run
        leaves = run.horizon.branch_step <= parent.horizon.branch_step and run.run_id != parent.run_id
        yield replace(run, parent_id=parent.run_id) if leaves else run


def plan_run(asked: Asked, design: str, corpus: Corpus) -> PlannedRun:
    """One run, resolved and counted."""
    return _planned(asked, design, Resolved.of(asked.config, corpus))


def _planned(asked: Asked, design: str, resolved: Resolved) -> PlannedRun:
    return PlannedRun(
        run_id=resolved.identity.run_id(asked.config),
        config_id=resolved.identity.config_id,
        config=asked.config,
        horizon=resolved.horizon,
        counts=resolved.counts,
        size=asked.size,
        level=asked.level,
        role=asked.role,
        variant=asked.variant,
        design=design,
        trunk_id=resolved.identity.trunk_id(asked.config),
        memory_bytes=resolved.memory_bytes,
    )


def unique_tokens(horizon: Horizon, corpus: Corpus) -> int:
    """Different tokens among a run's D: whole windows of the corpus, each at most once."""
    windows = (len(corpus.train) - 1) // horizon.context
    return min(horizon.tokens, windows * horizon.context)


def warnings(runs: Sequence[PlannedRun], corpus: Corpus) -> list[str]:
    """What a person should know before training."""
    kinds = {run.kind: run for run in runs}
    found = _of_registered_models(kinds.values())
    repeat = {kind for kind, run in kinds.items() if run.horizon.tokens > unique_tokens(run.horizon, corpus)}
    repeating = [run for run in runs if run.kind in repeat] if repeat else []
    if repeating:
        most = max(repeating, key=lambda run: run.horizon.tokens)
        have = unique_tokens(most.horizon, corpus)
        found.append(
            f"{len(repeating)} of {len(runs)} runs would see tokens more than once: the corpus has {have:,} tokens in "
            f"whole windows, and the longest run wants {most.horizon.tokens:,}; laws for fresh data do not hold there"
        )
    return found


def _of_registered_models(runs: Iterable[PlannedRun]) -> list[str]:
    """What their first look and their count have to say, once; a model that cannot be trained is refused here."""
    found: dict[str, None] = {}
    own = [run for run in runs if run.config.model.architecture != DECODER]
    for run in own:
        from workbench.models.own_counts import own_warnings  # torch

        found |= dict.fromkeys(own_warnings(run.config.model))
    return [*found, *_alike(own)]


def _alike(runs: Sequence[PlannedRun]) -> Iterator[str]:
    """Sizes of a registered model that came out alike: its factory may not read what they differ in."""
    shapes: dict[tuple[str, int, int], dict[str, dict[str, Any]]] = {}
    for run in runs:
        same = (run.config.model.architecture, run.counts.n_params, run.counts.flops_per_token_forward)
        shapes.setdefault(same, {}).setdefault(run.size, run.config.model.model_dump())
    for (name, n_params, _), sizes in shapes.items():
        first, *others = sizes.values()
        ignored = sorted({key for other in others for key in other if other[key] != first[key]})
        if ignored:
            yield (
                f"the sizes {', '.join(sizes)} differ in {', '.join(ignored)} but not in their {n_params:,} parameters "
                f"and FLOPs: the factory of {name!r} may not read {'it' if len(ignored) == 1 else 'them'}"
            )


def wall_seconds(runs: Sequence[PlannedRun], slots: int) -> float:
    """Time of the runs on `slots` workers, longest first."""
    busy = [0.0] * max(1, slots)
    for run in sorted(runs, key=lambda run: -run.seconds):
        heapq.heapreplace(busy, busy[0] + run.seconds)
    return max(busy)
