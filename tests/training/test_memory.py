"""Reference: what each optimizer keeps after a step of a model large enough that its small parameters do not count."""

import typing

import pytest
import torch
from torch.distributed._tools.mem_tracker import MemTracker

from tests.training.learning import batch, learner_of
from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.models.counts import count, training_bytes
from workbench.training.config import Optimizer
from workbench.training.memory import step_bytes
from workbench.training.optimizers import state_bytes
from workbench.training.step import update

MODEL = {"d_model": 64, "n_layer": 2, "bias": False}


@pytest.mark.parametrize("optimizer", typing.get_args(Optimizer))
def test_state_is_what_an_optimizer_keeps(corpus: Corpus, optimizer: str) -> None:
    learner = learner_of(corpus, model=MODEL, optimizer=optimizer)
    update(learner, batch(corpus), step=0, rate=0.01)
    beside = step_bytes(learner.config, 4) - (
        training_bytes(learner.config.model, 4) - 8 * count(learner.config.model).n_params
    )
    assert beside == pytest.approx(state_bytes(learner.optimizer), rel=0.02)


def test_copies_are_counted(corpus: Corpus) -> None:
    plain = tiny_run(corpus, model=MODEL)
    weights = 4 * count(plain.model).n_params
    assert step_bytes(plain, 4) == training_bytes(plain.model, 4)
    assert step_bytes(tiny_run(corpus, model=MODEL, sam_radius=0.05), 4) == training_bytes(plain.model, 4) + weights
    halves = training_bytes(plain.model, 2) + weights
    for execution in ({"micro_batch": 2}, {"noise_scale": True}):
        assert step_bytes(tiny_run(corpus, model=MODEL, execution=execution), 4) == halves


def peak_bytes(corpus: Corpus, n_layer: int, again: bool) -> tuple[int, int]:
    """Of one step, by torch's own tracker of tensors and by the estimate."""
    execution = {"activation_checkpointing": again}
    learner = learner_of(corpus, 16, model={**MODEL, "n_layer": n_layer, "d_ff": 64}, execution=execution)
    update(learner, batch(corpus, 16), step=0, rate=0.01)
    tracker = MemTracker()
    tracker.track_external(learner.model, learner.optimizer)
    with tracker:
        update(learner, batch(corpus, 16), step=1, rate=0.01)
    return int(tracker.get_tracker_snapshot("peak")[torch.device("cpu")]["Total"]), step_bytes(learner.config, 16)


@pytest.mark.parametrize("again", [False, True])
def test_memory_grows_with_depth_as_estimated(corpus: Corpus, again: bool) -> None:
    """With activation checkpointing a layer more is its weights, their gradient and moments, and its input."""
    (shallow, low), (deep, high) = (peak_bytes(corpus, n_layer, again) for n_layer in (8, 24))
    assert low >= shallow and high >= deep
    assert high - low == pytest.approx(deep - shallow, rel=0.2 if again else 0.4)
