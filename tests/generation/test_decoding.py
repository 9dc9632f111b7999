"""Decoding with the cache against reading the whole sequence again for every token."""

import pytest
import torch
from torch import Tensor

from workbench.errors import BadInput
from workbench.generation import GREEDY, Sampling, generate
from workbench.models.config import ModelConfig
from workbench.models.decoder import Decoder, build

# A wide initialisation and a head of its own, so that an untrained model has opinions and does not only repeat itself.
SHAPE = {
    "n_layer": 2, "n_head": 2, "d_model": 16, "vocab_size": 11, "context": 12, "init_std": 0.5, "tie_embeddings": False,
}  # fmt: skip


def small(**fields: object) -> Decoder:
    return build(ModelConfig.model_validate({**SHAPE, **fields}), seed=0).eval()


def greedy_without_a_cache(model: Decoder, ids_BT: Tensor, n_tokens: int) -> Tensor:
    for _ in range(n_tokens):
        logits_BTV = model(ids_BT)
        assert isinstance(logits_BTV, Tensor)
        ids_BT = torch.cat((ids_BT, logits_BTV[:, -1:].argmax(-1)), dim=1)
    return ids_BT[:, -n_tokens:]


@pytest.mark.parametrize("position", ["rope", "learned", "sinusoidal"])
def test_the_cache_changes_nothing(position: str):
    model = small(position=position, n_kv_head=1)
    prompts_BT = torch.tensor([[1, 2, 3], [7, 0, 9]])
    expected_BN = greedy_without_a_cache(model, prompts_BT, 9)
    assert len(set(expected_BN.flatten().tolist())) > 2
    assert torch.equal(generate(model, prompts_BT, 9), expected_BN)


def test_past_the_context_the_second_half_of_the_window_is_read_again():
    model = small(position="learned")
    prompt_BT = torch.arange(10)[None]
    written_BN = generate(model, prompt_BT, 10)
    # The window of 12 fills up with the third new token; what follows is read from the last 6 on.
    whole = torch.cat((prompt_BT, written_BN), dim=1)
    assert torch.equal(whole[:, 13:14], greedy_without_a_cache(model, whole[:, 13 - 6 : 13], 1))
    assert torch.equal(whole[:, 14:15], greedy_without_a_cache(model, whole[:, 13 - 6 : 14], 1))


def test_a_prompt_longer_than_the_context_is_read_from_its_end():
    model = small(position="learned")
    prompt_BT = torch.arange(30)[None] % 11
    assert torch.equal(generate(model, prompt_BT, 1), greedy_without_a_cache(model, prompt_BT[:, -12:], 1))


def test_one_seed_is_one_text():
    model, prompt_BT = small(), torch.tensor([[1, 2, 3]])
    first, again, other = (
        generate(model, prompt_BT, 8, Sampling(), torch.Generator().manual_seed(seed)) for seed in (5, 5, 6)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_end_of_text_stops_a_sequence_and_pads_it():
    model, prompts_BT = small(), torch.tensor([[1, 2, 3], [7, 0, 9]])
    free_BN = generate(model, prompts_BT, 9)
    stop = int(free_BN[0, 2])
    first_B = [row.index(stop) if stop in row else 9 for row in free_BN.tolist()]
    written_BN = generate(model, prompts_BT, 9, end_of_text=stop)
    assert written_BN.shape[1] == min(max(first_B) + 1, 9)
    for first, free, written in zip(first_B, free_BN.tolist(), written_BN.tolist(), strict=True):
        assert written == [*free[:first], *[stop] * 9][: len(written)]


def test_ids_without_text_are_never_chosen():
    written_BN = generate(
        small(), torch.tensor([[1, 2, 3], [7, 0, 9]]), 40, Sampling(), torch.Generator(), vocab_size=5
    )
    assert written_BN.unique().tolist() == [0, 1, 2, 3, 4]


def test_an_empty_prompt_is_refused():
    with pytest.raises(BadInput, match="The prompt has no tokens"):
        generate(small(), torch.zeros(1, 0, dtype=torch.long), 3)


def test_sampling_without_a_generator_is_refused():
    with pytest.raises(ValueError, match="needs a generator"):
        generate(small(), torch.tensor([[1]]), 3, Sampling())


def test_no_tokens_are_no_tokens():
    assert generate(small(), torch.tensor([[1]]), 0, GREEDY).shape == (1, 0)
