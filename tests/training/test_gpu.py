"""What must hold on a GPU, held on the CPU too, so that without a GPU only the device's name is unproven."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.learning import batch
from tests.training.test_resume import in_two_parts
from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.training.config import RunConfig
from workbench.training.devices import pick_device
from workbench.training.learner import Learner, make_learner
from workbench.training.optimizers import state_bytes
from workbench.training.step import accumulate, update
from workbench.training.train import train
from workbench.training.train_pack import train_pack

HAS_CUDA = torch.cuda.is_available()
on_cuda = [pytest.mark.gpu, pytest.mark.skipif(not HAS_CUDA, reason="no CUDA device here")]
device = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=on_cuda)])


def run_on(corpus: Corpus, device: str, **fields: Any) -> RunConfig:
    execution = {"device": device, **fields.pop("execution", {})}
    model = {"d_model": 32, "n_layer": 2, **fields.pop("model", {})}
    return tiny_run(corpus, model=model, execution=execution, **fields)


def learner_on(corpus: Corpus, device: str, **fields: Any) -> Learner:
    return make_learner(run_on(corpus, device, **fields), pick_device(device), 4)


def steps(learner: Learner, corpus: Corpus, many: int) -> list[float]:
    """Losses of so many steps."""
    ids = [batch(corpus, step=step).to(learner.device) for step in range(many)]
    return [update(learner, ids_BS, step, 0.01).loss.item() for step, ids_BS in enumerate(ids)]


@device
def test_losses_are_those_of_float64_on_the_cpu(corpus: Corpus, device: str) -> None:
    reference = learner_on(corpus, "cpu")
    reference.model.double()
    assert steps(learner_on(corpus, device), corpus, 5) == pytest.approx(steps(reference, corpus, 5), rel=1e-4)


@device
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_trains_like_float32(corpus: Corpus, device: str, precision: str) -> None:
    full, half = (steps(learner_on(corpus, device, precision=each), corpus, 20) for each in ("fp32", precision))
    assert half == pytest.approx(full, rel=0.03)
    assert half[-1] < half[0]


@device
@pytest.mark.parametrize("optimizer", ["adamw", "adamw-8bit", "lion", "muon"])
def test_optimizers_step_as_on_the_cpu(corpus: Corpus, device: str, optimizer: str) -> None:
    here, there = (learner_on(corpus, each, optimizer=optimizer) for each in ("cpu", device))
    assert steps(there, corpus, 3) == pytest.approx(steps(here, corpus, 3), rel=1e-3)
    assert state_bytes(there.optimizer) == state_bytes(here.optimizer)


@device
def test_a_resumed_run_goes_on_where_it_was(corpus: Corpus, tmp_path: Path, device: str) -> None:
    config = run_on(corpus, device, steps=8)
    whole, parts = train(config, corpus, tmp_path / "whole"), in_two_parts(config, corpus, tmp_path / "parts", 4)
    assert [row["loss"] for row in parts.rows] == pytest.approx([row["loss"] for row in whole.rows], nan_ok=True)


@device
def test_a_pack_is_its_runs(corpus: Corpus, tmp_path: Path, device: str) -> None:
    configs = {str(seed): run_on(corpus, device, steps=8, seed_init=seed, seed_data=seed) for seed in range(3)}
    packed = train_pack(configs, corpus, tmp_path / "pack")
    for name, config in configs.items():
        alone = train(config, corpus, tmp_path / name)
        assert packed[name].rows[-1]["loss"] == pytest.approx(alone.rows[-1]["loss"], rel=1e-3)


@device
@pytest.mark.parametrize("again", [False, True])
def test_gradients_do_not_depend_on_what_is_recomputed(corpus: Corpus, device: str, again: bool) -> None:
    learners = [learner_on(corpus, device, execution=e) for e in ({}, {"activation_checkpointing": again})]
    for learner in learners:
        accumulate(learner, batch(corpus).to(learner.device), step=0)
    for one, other in zip(*(learner.model.parameters() for learner in learners), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_CUDA, reason="no CUDA device here")
def test_activation_checkpointing_frees_memory(corpus: Corpus) -> None:
    peaks = []
    for again in (False, True):
        model, execution = {"n_layer": 12, "d_model": 128}, {"activation_checkpointing": again}
        learner = learner_on(corpus, "cuda", model=model, execution=execution)
        ids = batch(corpus, 256).cuda()
        torch.cuda.reset_peak_memory_stats()
        update(dataclasses.replace(learner, micro_batch=256), ids, 0, 0.01)
        peaks.append(torch.cuda.max_memory_allocated())
    assert peaks[1] < 0.6 * peaks[0]


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_CUDA, reason="no CUDA device here")
@pytest.mark.parametrize("compiled", [True, "reduce-overhead"])
def test_compiled_losses_are_eager_ones(corpus: Corpus, compiled: bool | str) -> None:
    eager, fast = (
        steps(learner_on(corpus, "cuda", execution={"compile": way}), corpus, 6) for way in (False, compiled)
    )
    assert fast == pytest.approx(eager, rel=1e-3)
