"""References: the papers' formulas, computed on the embeddings as an input of their own."""

import typing

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.training.learning import batch, gradients, learner_of
from workbench.corpus.shards import Corpus
from workbench.models.decoder import Decoder
from workbench.training.adversarial import PASSES
from workbench.training.config import Adversary
from workbench.training.learner import Learner
from workbench.training.step import accumulate


def embedding_of(learner: Learner) -> torch.nn.Embedding:
    assert isinstance(learner.model, Decoder)
    return learner.model.token_embedding


def loss_at(learner: Learner, ids: Tensor, embeddings: Tensor) -> Tensor:
    """The loss where the token embedding gives these numbers, whatever the ids."""
    handle = embedding_of(learner).register_forward_hook(lambda *_: embeddings)
    logits = learner.model(ids[:, :-1])
    handle.remove()
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


def lengths(move: Tensor) -> Tensor:
    """Of each window's move."""
    return move.flatten(1).norm(dim=1)


def ascend(learner: Learner, ids: Tensor, radius: float, steps: int, length: float) -> Tensor:
    """Where projected gradient ascent from the clean embeddings arrives."""
    clean = embedding_of(learner)(ids[:, :-1]).detach()
    move = torch.zeros_like(clean)
    for _ in range(steps):
        point = (clean + move).requires_grad_()
        (g,) = torch.autograd.grad(loss_at(learner, ids, point), point)
        move = move + length * g / lengths(g)[:, None, None]
        move = move * (radius / lengths(move)).clamp(max=1)[:, None, None]
    return move


@pytest.mark.parametrize(("adversarial", "steps"), [("fgm", 1), ("pgd", 1), ("pgd", 3)])
def test_gradients_are_of_the_mean_of_clean_and_adversarial_loss(corpus: Corpus, adversarial: str, steps: int) -> None:
    radius = 0.5
    learner = learner_of(
        corpus, adversarial=adversarial, adversarial_radius=radius, adversarial_steps=steps, model={"init_std": 0.3}
    )
    ids = batch(corpus)
    move = ascend(learner, ids, radius, steps, 2.5 * radius / steps)
    assert lengths(move).tolist() == pytest.approx([radius] * 4, rel=1e-4)
    clean = embedding_of(learner)(ids[:, :-1])
    clean_loss, moved_loss = loss_at(learner, ids, clean), loss_at(learner, ids, clean + move)
    assert moved_loss > clean_loss
    wanted = torch.autograd.grad((clean_loss + moved_loss) / 2, list(learner.model.parameters()))
    logged, *_ = accumulate(learner, ids, step=0)
    torch.testing.assert_close(gradients(learner), list(wanted), rtol=1e-4, atol=1e-6)
    assert logged.item() == pytest.approx(clean_loss.item())


def test_one_step_of_pgd_is_fgm(corpus: Corpus) -> None:
    found = []
    for fields in ({"adversarial": "fgm"}, {"adversarial": "pgd", "adversarial_steps": 1}):
        learner = learner_of(corpus, **fields)
        accumulate(learner, batch(corpus), step=0)
        found.append(gradients(learner))
    torch.testing.assert_close(found[0], found[1])


def test_no_hook_is_left_behind(corpus: Corpus) -> None:
    learner = learner_of(corpus, adversarial="pgd")
    accumulate(learner, batch(corpus), step=0)
    assert not embedding_of(learner)._forward_hooks


def test_the_table_has_every_name() -> None:
    assert set(PASSES) == set(typing.get_args(Adversary))
