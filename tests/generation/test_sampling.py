"""Sampling against the distribution written out by hand."""

import pytest
import torch
from pydantic import ValidationError

from workbench.generation.sampling import GREEDY, Sampling, next_tokens, probabilities

P_BV = torch.tensor([[0.1, 0.4, 0.2, 0.3]])
LOGITS_BV = P_BV.log()


def draws(sampling: Sampling, n: int, seed: int = 0) -> torch.Tensor:
    return next_tokens(LOGITS_BV.expand(n, -1), sampling, torch.Generator().manual_seed(seed))


def test_greedy_takes_the_likeliest_token_and_leaves_the_generator_alone():
    generator = torch.Generator().manual_seed(3)
    before = generator.get_state()
    assert next_tokens(LOGITS_BV, GREEDY, generator).tolist() == [1]
    assert torch.equal(generator.get_state(), before)


def test_temperature_one_is_the_model_itself():
    torch.testing.assert_close(probabilities(LOGITS_BV, Sampling()), P_BV)


def test_temperature_is_a_power_of_the_probabilities():
    expected = P_BV**2 / (P_BV**2).sum()
    torch.testing.assert_close(probabilities(LOGITS_BV, Sampling(temperature=0.5)), expected)


def test_a_tiny_temperature_does_not_overflow():
    probabilities_BV = probabilities(1000 * LOGITS_BV, Sampling(temperature=1e-30))
    torch.testing.assert_close(probabilities_BV, torch.tensor([[0.0, 1.0, 0.0, 0.0]]))


def test_top_k_keeps_the_k_likeliest_renormalised():
    torch.testing.assert_close(probabilities(LOGITS_BV, Sampling(top_k=2)), torch.tensor([[0, 4 / 7, 0, 3 / 7]]))
    torch.testing.assert_close(probabilities(LOGITS_BV, Sampling(top_k=99)), P_BV)


@pytest.mark.parametrize(
    ("p", "kept"), [(0.01, [0, 1, 0, 0]), (0.4001, [0, 1, 0, 1]), (0.75, [0, 1, 1, 1]), (1.0, [1, 1, 1, 1])]
)
def test_top_p_keeps_the_fewest_tokens_that_reach_p(p: float, kept: list[int]):
    expected = P_BV * torch.tensor([kept])
    torch.testing.assert_close(probabilities(LOGITS_BV, Sampling(top_p=p)), expected / expected.sum())


def test_top_p_counts_what_top_k_left():
    # Of {0.4, 0.3} left by top-2, the first alone is 0.571 of the mass.
    torch.testing.assert_close(probabilities(LOGITS_BV, Sampling(top_k=2, top_p=0.5)), torch.tensor([[0.0, 1, 0, 0]]))


def test_draws_follow_the_distribution_and_the_seed():
    sampling = Sampling(temperature=1.0, top_k=3)
    tokens = draws(sampling, 20_000)
    shares = torch.bincount(tokens, minlength=4) / 20_000
    torch.testing.assert_close(shares, torch.tensor([0, 4 / 9, 2 / 9, 3 / 9]), atol=0.015, rtol=0)
    assert torch.equal(tokens, draws(sampling, 20_000))
    assert not torch.equal(tokens, draws(sampling, 20_000, seed=1))


@pytest.mark.parametrize("wrong", [{"temperature": -1}, {"top_k": 0}, {"top_p": 0}, {"top_p": 1.1}, {"topk": 3}])
def test_impossible_settings_are_refused(wrong: dict[str, float]):
    with pytest.raises(ValidationError):
        Sampling.model_validate(wrong)
