"""Reference: equation 2 of Foret et al. 2020, written out."""

from typing import Any

import torch
import torch.nn.functional as F

from tests.training.learning import batch, learner_of
from workbench.corpus.shards import Corpus
from workbench.training.sam import uphill
from workbench.training.step import update


def norm(gradients: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat([gradient.flatten() for gradient in gradients]).norm()


def test_a_step_follows_the_gradient_found_uphill(corpus: Corpus) -> None:
    radius, rate = 0.3, 0.1
    fields: dict[str, Any] = {
        "optimizer": "sgd",
        "momentum": 0.0,
        "weight_decay": 0.0,
        "clip": 0.0,
        "model": {"init_std": 0.2},
    }
    learner, twin = learner_of(corpus, sam_radius=radius, **fields), learner_of(corpus, **fields).model
    ids = batch(corpus)

    def gradient() -> list[torch.Tensor]:
        loss = F.cross_entropy(twin(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        return list(torch.autograd.grad(loss, list(twin.parameters())))

    start = [parameter.detach().clone() for parameter in twin.parameters()]
    first = gradient()
    with torch.no_grad():
        for parameter, g in zip(twin.parameters(), first, strict=True):
            parameter.copy_(parameter + radius * g / norm(first))
    second = gradient()
    measured = update(learner, ids, step=0, rate=rate)
    for parameter, before, g in zip(learner.model.parameters(), start, second, strict=True):
        torch.testing.assert_close(parameter.detach(), before - rate * g, rtol=1e-4, atol=1e-6)
    assert (second[0] - first[0]).abs().max() > 1e-4
    torch.testing.assert_close(measured.gradient_norm, norm(second), rtol=1e-4, atol=0)


def test_the_parameters_come_back_to_the_bit() -> None:
    parameter = torch.nn.Parameter(torch.randn(50, generator=torch.Generator().manual_seed(0)))
    before = parameter.detach().clone()
    parameter.grad = torch.ones(50)
    with uphill([parameter], 0.1):
        assert torch.linalg.vector_norm(parameter.detach() - before).item() > 0.099
    assert torch.equal(parameter.detach(), before)
