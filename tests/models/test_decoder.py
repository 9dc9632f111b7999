"""The decoder against a plain float64 transcription of its formulas, and against itself with a cache."""

import torch

from workbench.models.config import ModelConfig
from workbench.models.counts import count
from workbench.models.decoder import build


def small(**fields) -> ModelConfig:
    return ModelConfig(**{"n_layer": 2, "n_head": 4, "d_model": 16, "vocab_size": 37, "context": 12} | fields)


def test_parameters_are_as_many_as_the_closed_form_says():
    config = small()
    assert sum(p.numel() for p in build(config, 0).parameters()) == count(config).n_params


def test_building_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    build(small(), 0)
    assert torch.equal(before, torch.get_rng_state())
