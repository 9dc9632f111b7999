"""The run configs of a definition, thousands of them: whatever two of them share is validated once. Free of torch."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from workbench.errors import BadInput
from workbench.models.own import pinned
from workbench.runner.design import Point
from workbench.runner.fields import TABLES, full
from workbench.training.config import RunConfig
from workbench.validation import validated

if TYPE_CHECKING:
    from workbench.runner.definition import SweepDefinition

SEEDS = ("seed_init", "seed_data")


class Configs:
    """Makes the configs of one definition.

    Runs that differ in their seeds alone are copies of one config and share its model, its training and its execution,
    each the very same object, by which those who resolve and count them know that they have done so already.
    """

    def __init__(self, definition: "SweepDefinition", vocab_size: int) -> None:
        self.definition = definition
        self.tables: dict[str, dict[str, Any]] = {
            "corpus": definition.corpus.model_dump(),
            "model": {"vocab_size": vocab_size, **definition.model},
            "train": definition.train,
            "execution": definition.execution,
        }
        self.made: dict[str, RunConfig] = {}
        self.parts: dict[str, BaseModel] = {}

    def of(self, point: Point, overrides: Mapping[str, Any], origin: str) -> RunConfig:
        """The config of a point with these fields on top; `origin` is named where they are wrong."""
        fields = {**point.fields, **overrides}
        seeds = {name: fields.pop(name) for name in SEEDS if _is_seed(fields.get(name))}
        key = repr((point.size, point.level, point.horizon, fields))
        config = self.made.get(key)
        if config is None:
            config = self.made[key] = self._validated(point, fields, origin)
        return config.model_copy(update=seeds) if seeds else config

    def _validated(self, point: Point, fields: Mapping[str, Any], origin: str) -> RunConfig:
        where = f"{origin}, size {point.size}"
        document: dict[str, Any] = dict(self.tables)
        level = int(point.level) if point.horizon == "tokens" else point.level
        document["train"] = {**document["train"], point.horizon: level}
        sized = {full(key): value for key, value in self.definition.sizes.get(point.size, {}).items()}
        for key, value in (sized | dict(fields)).items():
            _put(document, key, value, where)
        for name, kind in TABLES.items():
            document[name] = self._part(name, kind, document[name])
        config = validated(RunConfig, document, where)
        model = pinned(config.model, where)
        return config if model is config.model else config.model_copy(update={"model": model})

    def _part(self, name: str, kind: type[BaseModel], table: Any) -> Any:
        """A part of the config, validated once; one that is wrong is left as it is: the whole names it in full."""
        key = f"{name} {table!r}"
        if key not in self.parts:
            try:
                self.parts[key] = kind.model_validate(table)
            except ValidationError:
                return table
        return self.parts[key]


def _put(document: dict[str, Any], key: str, value: Any, where: str) -> None:
    """Set a dotted field, copying the tables on the way: they belong to the definition."""
    *tables, field = key.split(".")
    target = document
    for table in tables:
        inner = target.get(table, {})
        if not isinstance(inner, dict):
            raise BadInput(f"{where}: {key}: {table} is not a table of the run's config")
        inner = dict(inner)
        target[table] = inner
        target = inner
    target[field] = value


def _is_seed(value: Any) -> bool:
    """Whether a value needs no validation to be a seed; what does is said to be wrong by the config."""
    return type(value) is int and 0 <= value < 2**31
