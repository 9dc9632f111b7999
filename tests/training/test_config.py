"""A config that makes no sense is refused in one sentence with file, key and value."""

from typing import Any

import pytest

from workbench.errors import BadInput
from workbench.training.config import RunConfig
from workbench.validation import validated

MODEL = {"n_layer": 1, "n_head": 2, "d_model": 8, "vocab_size": 257}


@pytest.mark.parametrize(
    ("train", "sentence"),
    [
        ({}, r"run\.toml: .*no horizon; give one of tokens, steps, flops, tokens_per_param"),
        ({"tokens": 10, "flops": 1e9}, r"run\.toml: train: tokens and flops are both given"),
        ({"steps": 10}, r"steps is given without batch_tokens"),
        (
            {"tokens": 10, "learning_rat": 1},
            r"unknown key train\.learning_rat = 1; did you mean learning_rate\? The keys here are .*learning_rate",
        ),
        ({"tokens": "many"}, r"train\.tokens = 'many': it should be a whole number"),
        ({"tokens": 10, "schedule": "step"}, r"train\.schedule = 'step': it should be 'cosine', 'wsd', 'linear'"),
        ({"tokens": 10, "learning_rate": -1.0}, r"train\.learning_rate = -1\.0: it should be greater than 0"),
        ({"tokens": 10, "schedule": "wsd", "warmup_fraction": 0.9}, r"warmup_fraction \+ decay_fraction is above 1"),
        ({"tokens": 10, "warmup_fraction": 0.2, "warmup_tokens": 2}, r"a run has one warm-up"),
        ({"tokens": 10, "schedule": "inverse-sqrt", "final_rate_fraction": 0.1}, r"has no end to reach it at; leave"),
        ({"tokens": 10, "optimizer": "sgd"}, r'optimizer = "sgd" has no rate rule; give learning_rate'),
    ],
)
def test_bad_training_settings_are_refused_in_a_sentence(train: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        validated(RunConfig, {"model": MODEL, "train": train}, "run.toml")


def test_an_impossible_shape_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadInput, match=r"run\.toml: model: .*d_model"):
        validated(RunConfig, {"model": {**MODEL, "d_model": 9}, "train": {"tokens": 1000}}, "run.toml")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"train": {"optimizer": "muon"}, "model": {"parameterisation": "mup", "base_width": 4}},
            r"or the standard par",
        ),
        (
            {"train": {"adversarial": "fgm"}, "execution": {"compile": True}},
            r"compile would not see; leave compile out",
        ),
    ],
)
def test_parts_that_do_not_go_together_are_refused_in_a_sentence(fields: dict[str, Any], sentence: str) -> None:
    document = {"model": {**MODEL, **fields.pop("model", {})}, "train": {"tokens": 10, **fields.pop("train")}, **fields}
    with pytest.raises(BadInput, match=sentence):
        validated(RunConfig, document, "run.toml")


def test_a_config_written_out_in_full_is_read_back() -> None:
    config = RunConfig.model_validate({"model": MODEL, "train": {"tokens": 10_000, "warmup_tokens": 100}})
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
