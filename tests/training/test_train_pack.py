"""Reference: each run of a pack, trained alone."""

import itertools
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.models.shapes import AXES
from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.errors import BadInput, Stopped
from workbench.training.config import Optimizer, RunConfig, Schedule
from workbench.training.horizon import resolve
from workbench.training.packable import pack_key
from workbench.training.train import Outcome, train
from workbench.training.train_pack import train_pack

OWN: tuple[dict[str, Any], ...] = (
    {},
    {"seed_init": 1, "seed_data": 2, "learning_rate": 0.02},
    {"schedule": "wsd", "rate_factor": 0.5, "warmup_fraction": 0.2},
)
"""What the members of the packs here differ in."""


def members(corpus: Corpus, **shared: Any) -> dict[str, RunConfig]:
    return {f"r-{k}": tiny_run(corpus, **{**shared, **own}) for k, own in enumerate(OWN)}


def losses(outcome: Outcome, column: str = "train_loss") -> list[float]:
    return [row[column] for row in outcome.rows]


def assert_close_to_alone(corpus: Corpus, folder: Path, configs: dict[str, RunConfig], tolerance: float = 1e-4) -> None:
    packed = train_pack(configs, corpus, folder / "pack")
    for name, config in configs.items():
        alone = train(config, corpus, folder / name)
        for column in ("train_loss", "loss", "grad_norm", "learning_rate", "tokens", "flops"):
            expected = pytest.approx(losses(alone, column), rel=tolerance, nan_ok=True)
            assert losses(packed[name], column) == expected, (name, column)
        for ours, theirs in zip(packed[name].model.parameters(), alone.model.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=2e-4)
    assert len({packed[name].rows[-1]["loss"] for name in configs}) == len(configs)


@pytest.mark.parametrize("optimizer", typing.get_args(Optimizer))
def test_under_every_optimizer(corpus: Corpus, tmp_path: Path, optimizer: str) -> None:
    configs = members(corpus, optimizer=optimizer, model={"d_model": 16}, clip=0.5, weight_decay=0.2)
    # Where a sign or a rounded moment decides, rounding is not small for long.
    few = {
        name: config.model_copy(update={"train": config.train.model_copy(update={"steps": 5})})
        for name, config in configs.items()
    }
    assert_close_to_alone(corpus, tmp_path, few, 1e-3 if optimizer in ("lion", "adamw-8bit") else 1e-4)


@pytest.mark.parametrize("name", [name for name, change in AXES.items() if "dropout" not in change])
def test_with_every_part_of_a_model(corpus: Corpus, tmp_path: Path, name: str) -> None:
    assert_close_to_alone(
        corpus, tmp_path, members(corpus, steps=4, model={"n_layer": 2, "n_head": 4, "d_model": 16} | AXES[name])
    )


@pytest.mark.parametrize("schedule", typing.get_args(Schedule))
def test_schedules_side_by_side(corpus: Corpus, tmp_path: Path, schedule: Any) -> None:
    configs = members(corpus)
    changed = configs["r-1"].train.model_copy(update={"schedule": schedule})
    assert_close_to_alone(corpus, tmp_path, configs | {"r-1": configs["r-1"].model_copy(update={"train": changed})})


@pytest.mark.parametrize("fields", [{"z_loss": 1e-2}, {"label_smoothing": 0.1}, {"clip": 0.0}])
def test_objectives_and_clipping(corpus: Corpus, tmp_path: Path, fields: dict[str, Any]) -> None:
    assert_close_to_alone(corpus, tmp_path, members(corpus, steps=6, **fields))


def test_in_bf16(corpus: Corpus, tmp_path: Path) -> None:
    configs = members(corpus, steps=3, precision="bf16")
    packed = train_pack(configs, corpus, tmp_path / "pack")
    for name, config in configs.items():
        assert losses(packed[name]) == pytest.approx(losses(train(config, corpus, tmp_path / name)), rel=5e-3)


@pytest.mark.parametrize("optimizer", ["adamw", "adamw-8bit", "muon"])
def test_a_stopped_and_resumed_pack_equals_an_uninterrupted_one_bit_for_bit(
    corpus: Corpus, tmp_path: Path, optimizer: str
) -> None:
    configs = members(corpus, optimizer=optimizer, model={"d_model": 16})
    whole = train_pack(configs, corpus, tmp_path / "whole")
    for steps in (3, 4, 9):
        with pytest.raises(Stopped, match="run again to resume"):
            train_pack(configs, corpus, tmp_path / "parts", stop=stop_after(steps))
    resumed = train_pack(configs, corpus, tmp_path / "parts")
    for name in configs:
        assert repr(losses(resumed[name])) == repr(losses(whole[name]))
        pairs = zip(resumed[name].model.parameters(), whole[name].model.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def stop_after(steps: int) -> Callable[[], bool]:
    polls = itertools.count()
    return lambda: next(polls) == steps


def test_one_that_diverges_ends_there_and_the_others_go_on(corpus: Corpus, tmp_path: Path) -> None:
    configs = members(corpus) | {"wild": tiny_run(corpus, rate_factor=1e30)}
    packed = train_pack(configs, corpus, tmp_path / "pack")
    assert packed["wild"].status == "diverged"
    assert "not finite at step" in packed["wild"].error
    alone = train(configs["r-0"], corpus, tmp_path / "alone")
    assert packed["r-0"].status == "done"
    assert losses(packed["r-0"]) == pytest.approx(losses(alone), rel=1e-4)


def test_a_resumed_pack_says_the_same_of_the_one_that_diverged(corpus: Corpus, tmp_path: Path) -> None:
    configs = members(corpus) | {"wild": tiny_run(corpus, rate_factor=1e30)}
    whole = train_pack(configs, corpus, tmp_path / "whole")
    with pytest.raises(Stopped):
        train_pack(configs, corpus, tmp_path / "parts", stop=stop_after(15))
    resumed = train_pack(configs, corpus, tmp_path / "parts")
    assert (resumed["wild"].status, resumed["wild"].error) == (whole["wild"].status, whole["wild"].error)
    assert repr(losses(resumed["wild"])) == repr(losses(whole["wild"]))


@pytest.mark.parametrize(
    "fields",
    [
        {"model": {"dropout": 0.1}}, {"sam_radius": 0.05}, {"adversarial": "fgm"}, {"precision": "fp16"},
        {"execution": {"micro_batch": 2}}, {"execution": {"noise_scale": True}}, {"execution": {"compile": True}},
        {"execution": {"activation_checkpointing": True}}, {"execution": {"chunked_loss": True}},
    ],
)  # fmt: skip
def test_what_goes_through_the_model_in_its_own_way_trains_alone(
    corpus: Corpus, tmp_path: Path, fields: dict[str, Any]
) -> None:
    config = tiny_run(corpus, **fields)
    assert pack_key(config, resolve(config)) is None
    with pytest.raises(BadInput, match="r-0 has to train alone"):
        train_pack({"r-0": config}, corpus, tmp_path)


def test_another_shape_is_refused_by_what_differs(corpus: Corpus, tmp_path: Path) -> None:
    configs = members(corpus) | {"other": tiny_run(corpus, model={"d_model": 16}, batch_tokens=128)}
    with pytest.raises(BadInput, match="other differs from the pack's first run in its horizon, model"):
        train_pack(configs, corpus, tmp_path)


def test_the_checkpoint_of_another_pack_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    configs = members(corpus)
    with pytest.raises(Stopped):
        train_pack(configs, corpus, tmp_path, stop=stop_after(3))
    with pytest.raises(BadInput, match="it is of a pack of r-0, r-1, r-2, and this one is of r-2, r-1"):
        train_pack({name: configs[name] for name in ("r-2", "r-1")}, corpus, tmp_path)
