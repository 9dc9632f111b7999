"""The reference of every field that a definition can hold, written from the fields themselves. Free of torch."""

import json
import types
import typing
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from workbench.corpus.config import CorpusConfig, MixPart
from workbench.models.config import ModelConfig
from workbench.runner.definition import RateCheck, Replicate, SweepInfo, Variants
from workbench.runner.design import Budget, Design
from workbench.runner.ranges import Range
from workbench.training.config import ExecutionConfig, RunConfig, TrainConfig
from workbench.training.rules import PowerRule

TABLES: dict[str, type[BaseModel]] = {
    "[sweep]": SweepInfo,
    "[design]": Design,
    "[design], a level with sizes of its own": Budget,
    "[design.fields], a range": Range,
    "[[replicates]]": Replicate,
    "[[rate_checks]]": RateCheck,
    "[variants]": Variants,
    "[corpus]": CorpusConfig,
    "[[corpus.mix]]": MixPart,
    "[model]": ModelConfig,
    "[train]": TrainConfig,
    "[train.batch_rule] and [train.rate_rule], of one's own": PowerRule,
    "[execution]": ExecutionConfig,
    "the file of one run": RunConfig,
}
"""Heading → the config whose fields stand under it."""

WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false"}


def documentation() -> str:
    """Every table with its fields as Markdown: docs/sweeps.md ends with exactly this."""
    lines = ["## Every field", ""]
    for heading, config in TABLES.items():
        lines += [f"### {heading}", "", "| field | type | default | meaning |", "|---|---|---|---|"]
        for name, field in config.model_fields.items():
            meaning = " ".join((field.description or "").split())
            lines.append(f"| `{name}` | {kind(field.annotation)} | {default(field)} | {meaning} |")
        lines.append("")
    return "\n".join(lines)


def kind(annotation: Any) -> str:
    """A type in words."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(kind(part) for part in inner if part is not type(None))
    if origin is typing.Annotated:
        return kind(inner[0])
    if origin is tuple:
        return f"list of: {kind(inner[0])}"
    if origin is dict or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return "table"
    return WORDS[annotation]


def default(field: FieldInfo) -> str:
    """A default as TOML writes it; nothing where it is empty or follows from the rest."""
    if field.is_required():
        return "required"
    value = field.default
    return f"`{json.dumps(value)}`" if isinstance(value, str | int | float | tuple) and value not in ("", ()) else ""
