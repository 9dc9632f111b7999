"""Reference: the same run uninterrupted. Whatever is trained, and however, a resumed run equals it bit for bit."""

import itertools
import json
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.models.shapes import AXES, choices
from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.errors import Stopped
from workbench.training.config import Optimizer, Precision, RunConfig, Schedule, TrainConfig
from workbench.training.train import Outcome, train

STEPS, WIDTH = 6, 16
"""With 257 tokens, the embedding has the 4,096 numbers from which 8-bit moments are 8-bit."""


def short_run(corpus: Corpus, **fields: Any) -> RunConfig:
    model = {"d_model": WIDTH, **fields.pop("model", {})}
    execution = {"eval_points": 1, "log_points": 2, **fields.pop("execution", {})}
    short = {"steps": STEPS, "batch_tokens": 64, "eval_windows": 4}
    return tiny_run(corpus, model=model, execution=execution, **{**short, **fields})


def stop_after(steps: int) -> Callable[[], bool]:
    polls = itertools.count()
    return lambda: next(polls) == steps


def in_two_parts(config: RunConfig, corpus: Corpus, folder: Path, at: int) -> Outcome:
    with pytest.raises(Stopped):
        train(config, corpus, folder, stop=stop_after(at))
    torch.manual_seed(at)  # a new process has another random state
    return train(config, corpus, folder)


def assert_equal(one: Outcome, other: Outcome) -> None:
    rows = [
        [{key: value for key, value in row.items() if key != "seconds"} for row in outcome.rows]
        for outcome in (one, other)
    ]
    assert repr(rows[0]) == repr(rows[1])
    assert all(torch.equal(a, b) for a, b in zip(one.model.parameters(), other.model.parameters(), strict=True))


def combinations() -> list[tuple[str, str, str]]:
    """Optimizer, schedule and precision, each with each of the others."""
    precisions = typing.get_args(Precision)
    return [
        (optimizer, schedule, precisions[(i + j) % len(precisions)])
        for i, optimizer in enumerate(typing.get_args(Optimizer))
        for j, schedule in enumerate(typing.get_args(Schedule))
    ]


@pytest.mark.parametrize(("optimizer", "schedule", "precision"), combinations())
def test_every_optimizer_schedule_and_precision(
    corpus: Corpus, tmp_path: Path, optimizer: str, schedule: str, precision: str
) -> None:
    config = short_run(corpus, optimizer=optimizer, schedule=schedule, precision=precision)
    assert_equal(in_two_parts(config, corpus, tmp_path / "parts", 3), train(config, corpus, tmp_path / "whole"))


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_of_a_model(corpus: Corpus, tmp_path: Path, axis: str) -> None:
    config = short_run(corpus, model={"n_layer": 2, "n_head": 4, **AXES[axis]}, steps=3)
    assert_equal(in_two_parts(config, corpus, tmp_path / "parts", 2), train(config, corpus, tmp_path / "whole"))


PARTS: list[dict[str, Any]] = [
    {"sam_radius": 0.05},
    {"sam_radius": 0.05, "precision": "fp16", "optimizer": "muon"},
    {"adversarial": "fgm"},
    {"adversarial": "pgd", "precision": "fp16", "optimizer": "adamw-8bit"},
    {"model": {"dropout": 0.1}},
    {"model": {"dropout": 0.1}, "sam_radius": 0.05, "adversarial": "pgd", "optimizer": "lion"},
    {"model": {"dropout": 0.1}, "execution": {"activation_checkpointing": True}, "precision": "bf16"},
    {"execution": {"micro_batch": 3}, "model": {"dropout": 0.1}, "optimizer": "sgd"},
    {"execution": {"noise_scale": True}, "z_loss": 1e-4, "label_smoothing": 0.1},
    {"model": {"parameterisation": "completep", "base_width": 8, "base_depth": 1}, "optimizer": "adamw-8bit"},
]


@pytest.mark.parametrize(("name", "value"), choices(TrainConfig))
def test_every_technique_of_training_is_resumed_in_one_of_these_tests(name: str, value: Any) -> None:
    assert name in ("optimizer", "schedule", "precision") or value in ({"none"} | {p.get(name) for p in PARTS})


@pytest.mark.parametrize("at", [1, 5])
@pytest.mark.parametrize("fields", PARTS, ids=str)
def test_every_part_of_a_step(corpus: Corpus, tmp_path: Path, fields: dict[str, Any], at: int) -> None:
    config = short_run(corpus, **fields)
    assert_equal(in_two_parts(config, corpus, tmp_path / "parts", at), train(config, corpus, tmp_path / "whole"))


def test_8_bit_moments_are_kept_as_they_are(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        train(short_run(corpus, optimizer="adamw-8bit"), corpus, tmp_path, stop=stop_after(3))
    kept = load_file(tmp_path / "3" / "optimizer.safetensors")
    assert kept["token_embedding.weight.exp_avg/codes"].dtype == torch.uint8
    assert kept["token_embedding.weight.exp_avg_sq/absmax"].dtype == torch.float32
    assert kept["final_norm.weight.exp_avg"].dtype == torch.float32
    assert kept["final_norm.weight.step"].item() == 3


def test_a_checkpoint_of_before_the_noise_scale_goes_on(corpus: Corpus, tmp_path: Path) -> None:
    config = short_run(corpus)
    with pytest.raises(Stopped):
        train(config, corpus, tmp_path / "parts", stop=stop_after(3))
    path = tmp_path / "parts" / "3" / "state.json"
    state = json.loads(path.read_text())
    del state["sha256"]["state.json"]  # nor did it have that
    path.write_text(json.dumps({key: value for key, value in state.items() if not key.startswith("gradient")}))
    assert_equal(train(config, corpus, tmp_path / "parts"), train(config, corpus, tmp_path / "whole"))
