"""A sweep's definition: a TOML file that names a corpus, defaults and a design, expanded into frozen run configs.

[sweep]            name, description, probes
[corpus] [model] [train] [execution]     fields of `RunConfig`, the defaults of every run
[sizes]            name → model fields, or any other field, dotted: { d_model = 8, "train.learning_rate" = 0.01 }
[design]           "isoflop" (budgets × sizes), "grid" (sizes × tokens) or "ladder" (sizes × tokens per param);
                   "random" or "latin-hypercube" (points drawn over any fields); "list" (points, one by one)
[axes]             any other field, dotted → values: "model.position" = ["rope", "learned"], seed_init = [0, 1, 2]
[[replicates]]     more seeds at a point of the design
[[rate_checks]]    multiples of the learning rate at points of the design
[variants]         named changes of the defaults, each trained at the same few points and multiples of the rate
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from workbench.corpus.config import CorpusConfig
from workbench.errors import BadInput
from workbench.runner.configs import Configs
from workbench.runner.design import HORIZON_OF, Budget, Design, Level, LevelledType, Point
from workbench.runner.fields import full, no_horizon, not_a_points, not_an_axis
from workbench.store.store import NAME
from workbench.training.config import HORIZONS, Frozen, RunConfig
from workbench.validation import read_toml, shown, validated
from workbench.words import meant


class SweepInfo(Frozen):
    """What the sweep is called and for."""

    name: str
    """Names the manifest in the store: letters, digits, `.`, `_` and `-`."""
    description: str = ""
    """A line for whoever reads the report."""
    probes: tuple[str, ...] = ()
    """Probes measured at the end of every run."""

    @field_validator("name")
    @classmethod
    def _names_a_file(cls, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError(
                "it should be letters, digits, '.', '_' and '-', beginning with a letter or digit, such as 'mine'; at "
                "most 100"
            )
        return name


class Replicate(Frozen):
    """A point of the design, trained again from other seeds."""

    level: Level
    """A level of the design."""
    size: str
    """A size."""
    seeds: tuple[int, ...] = Field(min_length=1)
    """Each is both `seed_init` and `seed_data`."""


class RateCheck(Frozen):
    """Points of the design, trained again at multiples of the rate."""

    levels: tuple[Level, ...] = Field(min_length=1)
    """Levels of the design."""
    sizes: tuple[str, ...] = Field(min_length=1)
    """Sizes; every level is checked at every one of them."""
    factors: tuple[float, ...] = (0.5, 2.0)
    """Multiples of the peak rate."""


class Variants(Frozen):
    """Named changes of the defaults, each trained at every one of these points: what is a technique worth?"""

    type: LevelledType = "grid"
    """What a level is, as in the design."""
    levels: tuple[Level, ...] = Field(min_length=1)
    """Levels, of their own."""
    sizes: tuple[str, ...] = Field(min_length=1)
    """Names of sizes."""
    rate_factors: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Multiples of the peak rate: a change may move the best one, and is judged at its best."""
    changes: dict[str, dict[str, Any]] = Field(min_length=1)
    """Name → model fields, or any other field, dotted. `baseline = {}` trains the defaults at the same points."""


class SweepDefinition(Frozen):
    """A whole definition."""

    sweep: SweepInfo
    corpus: CorpusConfig = CorpusConfig()
    model: dict[str, Any] = Field(default_factory=dict)
    train: dict[str, Any] = Field(default_factory=dict)
    execution: dict[str, Any] = Field(default_factory=dict)
    sizes: dict[str, dict[str, Any]] = Field(default_factory=dict)
    design: Design
    axes: dict[str, list[Any]] = Field(default_factory=dict)
    replicates: tuple[Replicate, ...] = ()
    rate_checks: tuple[RateCheck, ...] = ()
    variants: Variants | None = None

    @field_validator("axes", mode="before")
    @classmethod
    def _dotted_keys_are_quoted(cls, given: Any) -> Any:
        """Say what TOML makes of a dotted key without quotes: a table within a table."""
        for name, values in given.items() if isinstance(given, dict) else ():
            if isinstance(values, dict) and values:
                inner = next(iter(values))
                raise ValueError(
                    f"{name}.{inner} stands without quotes, which makes it a table within a table; write "
                    f'"{name}.{inner}" = {shown(values[inner])}'
                )
            if not isinstance(values, list):
                raise ValueError(f'"{name}" = {shown(values)}; it should be a list of the values it takes, in brackets')
        return given

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        if problem := self.design.problem(list(self.sizes)):
            raise ValueError(problem)
        if self.design.type not in HORIZON_OF and (self.replicates or self.rate_checks):
            raise ValueError(
                "replicates and rate_checks train points of an isoflop, grid or ladder design again; for design.type = "
                f'"{self.design.type}" give an axis of seeds or of rate factors'
            )
        levels = {level.level if isinstance(level, Budget) else level for level in self.design.levels}
        named: list[tuple[str, str]] = [
            (size, "design.levels") for level in self.design.levels if isinstance(level, Budget) for size in level.sizes
        ]
        named += [(replicate.size, "replicates") for replicate in self.replicates]
        named += [(size, "rate_checks") for check in self.rate_checks for size in check.sizes]
        named += [(size, "variants") for size in (self.variants.sizes if self.variants else ())]
        for size, where in named:
            if size not in self.sizes:
                known = ", ".join(self.sizes)
                said = meant(size, self.sizes)
                raise ValueError(f"{where} names the size {size!r}; {said}{'The' if said else 'the'} sizes are {known}")
        for level in [r.level for r in self.replicates] + [x for c in self.rate_checks for x in c.levels]:
            if level not in levels:
                known = ", ".join(f"{one:g}" for one in sorted(levels))
                raise ValueError(
                    f"replicates and rate_checks need a level of the design; {level:g} is not one of {known}"
                )
        for name in HORIZONS:
            if name in self.train:
                source = self.design.horizon_source
                raise ValueError(f"train.{name} is given, but the horizon comes from {source}; leave it out")
        return self

    @model_validator(mode="after")
    def _fields_make_other_runs(self) -> Self:
        """An axis, a size or a change sets neither the horizon, which is the point's, nor what makes no other run."""
        if problem := not_an_axis(self.axes):
            raise ValueError(problem)
        tables = {"axes": self.axes, **{f"sizes.{name}": fields for name, fields in self.sizes.items()}}
        changes = self.variants.changes if self.variants else {}
        own = {f"variants.changes.{name}": fields for name, fields in changes.items()}
        for where, fields in (tables | own).items():
            source = "variants.levels" if where in own else self.design.horizon_source
            if problem := not_a_points(fields, where) or no_horizon(fields, where, source):
                raise ValueError(problem)
        return self


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that a definition asks for, and why."""

    config: RunConfig
    size: str
    level: float
    role: Literal["grid", "seed", "rate", "variant"]
    variant: str = ""
    """Name of the change, of a run that is there for it."""


def read_definition(path: Path) -> SweepDefinition:
    """A definition from its TOML file."""
    return validated(SweepDefinition, read_toml(path), path)


def expand(definition: SweepDefinition, origin: str, vocab_size: int) -> list[Asked]:
    """Every run of the definition, in the order written; `vocab_size` is the tokenizer's."""
    configs = Configs(definition, vocab_size)
    horizon = HORIZON_OF.get(definition.design.type, "")
    points = definition.design.expanded(list(definition.sizes))
    trunks = _trunks(definition, points)
    asked: list[Asked] = []
    for overrides in _axis_combinations(definition, origin):
        for point in points:
            config = configs.of(point, trunks.get(point.size, {}) | overrides, origin)
            asked.append(Asked(config, point.size, point.level, "grid"))
        for replicate in definition.replicates:
            for seed in replicate.seeds:
                more = trunks.get(replicate.size, {}) | overrides | {"seed_init": seed, "seed_data": seed}
                config = configs.of(Point(replicate.level, replicate.size, horizon), more, origin)
                asked.append(Asked(config, replicate.size, replicate.level, "seed"))
        for check in definition.rate_checks:
            for level, size, factor in itertools.product(check.levels, check.sizes, check.factors):
                more = trunks.get(size, {}) | overrides | {"train.rate_factor": factor}
                config = configs.of(Point(level, size, horizon), more, origin)
                asked.append(Asked(config, size, level, "rate"))
    return asked + list(_variants(definition, origin, configs))


def _trunks(definition: SweepDefinition, points: Sequence[Point]) -> dict[str, dict[str, Any]]:
    """Size → the field that tells its runs how long their trunk is, in a design that has trunks."""
    if not definition.design.trunk:
        return {}
    longest: dict[str, float] = {}
    for point in points:
        longest[point.size] = max(longest.get(point.size, 0.0), point.level)
    return {size: {"train.trunk": level} for size, level in longest.items()}


def _variants(definition: SweepDefinition, origin: str, configs: Configs) -> Iterator[Asked]:
    """Every change at every one of its points; the axes, seeds among them, are the design's alone."""
    variants = definition.variants
    if variants is None:
        return
    horizon = HORIZON_OF[variants.type]
    for (name, change), level, size in itertools.product(variants.changes.items(), variants.levels, variants.sizes):
        changed = {full(key): value for key, value in change.items()}
        if definition.design.trunk and changed.get("train.schedule", "wsd") == "wsd":
            changed["train.trunk"] = max(variants.levels)
        for factor in variants.rate_factors:
            more = {**changed, "train.rate_factor": factor}
            config = configs.of(Point(level, size, horizon), more, f"{origin}, variant {name}")
            yield Asked(config, size, level, "variant", name)


def _axis_combinations(definition: SweepDefinition, origin: str) -> Iterator[dict[str, Any]]:
    for key, values in definition.axes.items():
        if not values:
            raise BadInput(f"{origin}: axes.{key} has no values; give at least one")
    for combination in itertools.product(*definition.axes.values()):
        overrides: dict[str, Any] = {}
        for key, value in zip(definition.axes, combination, strict=True):
            # `seed` is both seeds at once.
            overrides |= {"seed_init": value, "seed_data": value} if key == "seed" else {key: value}
        yield overrides
