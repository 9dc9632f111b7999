"""Reference: the same model with every activation kept."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.training.learning import batch, gradients, learner_of
from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.models.decoder import Decoder
from workbench.training.recompute import keep_activations
from workbench.training.step import accumulate
from workbench.training.train import train


@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_gradients_are_the_same_to_the_bit(corpus: Corpus, dropout: float, precision: str) -> None:
    found = []
    for again in (False, True):
        model = {"dropout": dropout, "n_layer": 3}
        learner = learner_of(corpus, model=model, precision=precision, execution={"activation_checkpointing": again})
        accumulate(learner, batch(corpus), step=0)
        found.append(gradients(learner))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def kept_bytes(corpus: Corpus, n_layer: int, again: bool) -> int:
    """What a forward pass keeps for the way back, beside the parameters."""
    learner = learner_of(corpus, model={"n_layer": n_layer}, execution={"activation_checkpointing": again})
    own = {parameter.data_ptr() for parameter in learner.model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in own:
            kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        value, _ = learner.losses(batch(corpus), 0, 0)
    del value
    return sum(kept.values())


def test_each_layer_keeps_its_input_alone(corpus: Corpus) -> None:
    per_layer = {again: (kept_bytes(corpus, 6, again) - kept_bytes(corpus, 2, again)) / 4 for again in (False, True)}
    input_bytes = 4 * 16 * 8 * 4  # windows · context · width · float32
    assert per_layer[True] <= 2 * input_bytes < 0.2 * per_layer[False]


def test_a_trained_model_is_a_plain_one_again(corpus: Corpus, tmp_path: Path) -> None:
    plain = train(tiny_run(corpus), corpus, tmp_path / "a")
    again = train(tiny_run(corpus, execution={"activation_checkpointing": True}), corpus, tmp_path / "b")
    assert again.rows[-1]["loss"] == plain.rows[-1]["loss"]
    assert isinstance(again.model, Decoder) and isinstance(plain.model, Decoder)
    assert not again.model.training and all("forward" not in vars(block) for block in again.model.blocks)
    keep_activations(plain.model)  # nothing to undo is no trouble
