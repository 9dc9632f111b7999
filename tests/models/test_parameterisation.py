"""μP and CompleteP: the standard parameterisation at their base, and activations that keep their size away from it."""

import math

import pytest
import torch
from torch.nn import functional as F

from tests.models.shapes import small
from workbench.models.config import ModelConfig
from workbench.models.decoder import build
from workbench.models.parameterisation import Scales, hidden, scales

KINDS = {
    "mup": {"parameterisation": "mup", "base_width": 16},
    "completep": {"parameterisation": "completep", "base_width": 16, "base_depth": 2, "residual_init": "plain"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_at_its_base_it_is_the_standard_parameterisation(kind: str):
    config = small(**KINDS[kind])
    standard = small(residual_init=config.residual_init)
    ids = torch.arange(12)[None]
    assert torch.equal(build(config, 0)(ids), build(standard, 0)(ids))
    names = [name for name, _ in build(config, 0).named_parameters()]
    assert all(scales(config, name) == Scales() for name in names)


def test_hidden_matrices_are_those_of_the_blocks():
    config = small(norm_position="sandwich", qk_norm=True, attention_gate="input", tie_embeddings=False)
    names = {name for name, _ in build(config, 0).named_parameters() if hidden(name) and ".0." in name}
    parts = ("attention.qkv", "attention.gate", "attention.out", "feed_forward.up", "feed_forward.down")
    assert names == {f"blocks.0.{part}.weight" for part in parts}


def test_four_times_the_width_learns_at_a_quarter_of_the_rate_and_starts_at_half_the_size():
    config = small(d_model=64, parameterisation="mup", base_width=16)
    assert scales(config, "blocks.0.attention.qkv.weight") == Scales(rate=0.25)
    assert scales(config, "token_embedding.weight") == scales(config, "blocks.0.norm_1.weight") == Scales()
    std = dict(build(config, 0).named_parameters())["blocks.0.attention.qkv.weight"].std().item()
    assert std == pytest.approx(0.02 / 2, rel=0.05)


def test_completep_follows_depth_as_well():
    config = small(n_layer=8, d_model=64, parameterisation="completep", base_width=16, base_depth=2)
    assert scales(config, "blocks.0.feed_forward.up.weight") == Scales(rate=0.25, decay=4, epsilon=1 / 16)
    assert scales(config, "token_embedding.weight") == Scales(epsilon=0.25)
    assert build(config, 0).blocks[0].branch == 0.25


def moved(config: ModelConfig, steps: int = 4, rate: float = 0.01) -> float:
    """How much the logits of a batch change in a few steps of Adam, by their root mean square."""
    model = build(config, 0)
    groups = [{"params": [p], "lr": rate * scales(config, name).rate} for name, p in model.named_parameters()]
    optimizer = torch.optim.Adam(groups)
    ids_BT = torch.randint(config.vocab_size, (8, 13), generator=torch.Generator().manual_seed(0))
    before_BTV = model(ids_BT[:, :-1]).detach()
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(ids_BT[:, :-1]).flatten(0, 1), ids_BT[:, 1:].flatten()).backward()
        optimizer.step()
    return (model(ids_BT[:, :-1]).detach() - before_BTV).square().mean().sqrt().item()


def test_updates_move_logits_alike_at_every_width_under_mup_and_more_at_larger_ones_without():
    """The coordinate check of Yang & Hu et al. 2022 (appendix D.1), in one number a width."""
    widths = (32, 128, 512)
    shape = {"n_layer": 2, "tie_embeddings": False}
    mup = [moved(small(d_model=w, parameterisation="mup", base_width=32, base_d_head=8, **shape)) for w in widths]
    standard = [moved(small(d_model=w, **shape)) for w in widths]

    def slope(values: list[float]) -> float:
        return math.log(values[-1] / values[0]) / math.log(widths[-1] / widths[0])

    assert abs(slope(mup)) < 0.2 < 0.4 < slope(standard)
