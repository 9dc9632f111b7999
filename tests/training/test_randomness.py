"""What is drawn follows from the numbers given, and the world outside does not notice."""

import torch

from tests.training.learning import batch, gradients, learner_of
from workbench.corpus.shards import Corpus
from workbench.training.randomness import drawn_from
from workbench.training.step import accumulate

CPU = torch.device("cpu")


def draw(*numbers: int) -> torch.Tensor:
    with drawn_from(CPU, *numbers):
        return torch.rand(4)


def test_the_same_numbers_draw_the_same_and_others_something_else() -> None:
    assert torch.equal(draw(0, 7, 1), draw(0, 7, 1))
    drawn = [draw(*numbers) for numbers in ((0, 7, 1), (1, 7, 1), (0, 8, 1), (0, 7, 2), (0, 1, 7))]
    assert len({tuple(numbers.tolist()) for numbers in drawn}) == 5


def test_the_global_generator_is_neither_read_nor_advanced() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    draw(0, 0, 0)
    assert torch.equal(torch.rand(2), expected)


def test_a_steps_dropout_is_a_function_of_seed_step_and_micro_batch(corpus: Corpus) -> None:
    found: list[torch.Tensor] = []
    for seed, step in ((0, 0), (0, 0), (0, 1), (5, 0)):
        torch.manual_seed(len(found))  # no matter
        learner = learner_of(corpus, model={"dropout": 0.2}, seed_data=seed, execution={"micro_batch": 2})
        accumulate(learner, batch(corpus), step=step)
        found.append(gradients(learner)[0])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2]) and not torch.equal(found[0], found[3])
    learner = learner_of(corpus, model={"dropout": 0.2})
    same = batch(corpus)[:1]
    losses = [learner.losses(same, 0, index)[1].item() for index in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]
