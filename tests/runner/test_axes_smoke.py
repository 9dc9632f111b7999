"""The definition that trains every axis once names every technique that a config can name."""

from pathlib import Path
from typing import Any

import pytest

from tests.models.shapes import choices
from workbench.models.config import ModelConfig
from workbench.runner.definition import expand, read_definition
from workbench.training.config import TrainConfig


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
