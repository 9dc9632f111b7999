"""The definition that trains every axis once names every technique that a config can name."""

from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from workbench.models.config import ModelConfig
from workbench.runner.definition import expand, read_definition
from workbench.training.config import TrainConfig

NO_AXES = {"n_layer", "n_head", "d_model", "vocab_size", "context", "d_head", "d_ff", "init_std", "norm_epsilon"}
"""Sizes, and small numbers that no one compares."""


def choices(model: type[BaseModel]) -> list[tuple[str, Any]]:
    """Every value of every field that chooses between techniques by name or by yes and no."""
    found: list[tuple[str, Any]] = []
    for name, field in model.model_fields.items():
        values = get_args(field.annotation)
        found += [(name, value) for value in values if isinstance(value, str)]
        found += [(name, True)] if field.annotation is bool else []
    return found


@pytest.fixture(scope="module")
def runs() -> list[Any]:
    path = Path(__file__).parents[2] / "sweeps" / "axes-smoke.toml"
    return [run.config for run in expand(read_definition(path), str(path), vocab_size=257)]


@pytest.mark.parametrize(("name", "value"), choices(ModelConfig))
def test_every_technique_of_a_model_is_trained_once(runs: list[Any], name: str, value: Any):
    assert any(getattr(run.model, name) == value for run in runs)


@pytest.mark.parametrize(("name", "value"), [c for c in choices(TrainConfig) if c != ("precision", "fp16")])
def test_every_technique_of_training_is_trained_once(runs: list[Any], name: str, value: Any):
    assert any(getattr(run.train, name) == value for run in runs)
