"""References: singular value decomposition, and Jordan's algorithm with Liu's scale in float64."""

import pytest
import torch
from torch import Tensor

from tests.training.optimizers.following import RATES, follow, gradients, start
from workbench.models.config import ModelConfig
from workbench.models.decoder import build
from workbench.training.config import TrainConfig
from workbench.training.optimizers.muon import Muon, map_rows, muon, orthogonal

MUON = {"rows": (4,), "momentum": 0.95, "weight_decay": 0.1, "betas": (0.9, 0.99), "eps": 1e-8}


def newton_schulz(g: Tensor) -> Tensor:
    """Each singular value goes through the quintic five times; the singular vectors stay."""
    u, s, vt = torch.linalg.svd(g, full_matrices=False)
    s = s / s.square().sum().sqrt()
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return u @ torch.diag(s) @ vt


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 5)])
def test_newton_schulz_changes_singular_values_alone(shape: tuple[int, int]) -> None:
    g = start(*shape).double()
    torch.testing.assert_close(orthogonal(g), newton_schulz(g), rtol=1e-5, atol=1e-6)
    assert torch.linalg.svdvals(orthogonal(g)).sub(1).abs().max() < 0.35


def test_a_stack_of_matrices_is_many_matrices() -> None:
    stack = start(3, 4, 6).double()
    torch.testing.assert_close(orthogonal(stack), torch.stack([orthogonal(g) for g in stack]))


def test_a_step_is_jordans_at_the_size_of_adamws() -> None:
    theta, b = start(4, 6).double(), torch.zeros(4, 6).double()
    for gradient, rate in zip(gradients(4, 6), RATES, strict=True):
        g = gradient.double()
        b = 0.95 * b + g
        o = newton_schulz(g + 0.95 * b)
        theta = theta * (1 - rate * 0.1) - rate * 0.2 * 6**0.5 * o
    ours = follow(Muon, MUON, start(4, 6), gradients(4, 6))
    torch.testing.assert_close(ours.double(), theta, rtol=1e-4, atol=1e-5)


def test_an_update_has_the_root_mean_square_of_adamws() -> None:
    wide = orthogonal(start(64, 256)) * 0.2 * 256**0.5
    assert wide.square().mean().sqrt().item() == pytest.approx(0.2, rel=0.2)


def test_fused_maps_move_as_they_would_apart() -> None:
    rows = (2, 1, 1)
    fused = follow(Muon, {**MUON, "rows": rows}, start(4, 6), gradients(4, 6))
    apart = [
        follow(Muon, {**MUON, "rows": (len(part),)}, part, [gradient.split(rows)[i] for gradient in gradients(4, 6)])
        for i, part in enumerate(start(4, 6).split(rows))
    ]
    torch.testing.assert_close(fused, torch.cat(apart))


def test_what_is_no_matrix_of_a_block_takes_adamws_steps() -> None:
    ours = follow(Muon, {**MUON, "rows": ()}, start(4, 6), gradients(4, 6))
    group = {name: MUON[name] for name in ("weight_decay", "betas", "eps")}
    theirs = follow(torch.optim.AdamW, group, start(4, 6), gradients(4, 6))
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)


def test_matrices_of_blocks_are_muons_and_split_into_their_maps() -> None:
    config = ModelConfig(
        n_layer=1, n_head=4, n_kv_head=2, d_model=8, vocab_size=9, activation="swiglu", d_ff=8, tie_embeddings=False
    )
    model = build(config, 0)
    rows = {name: map_rows(config, name, parameter) for name, parameter in model.named_parameters()}
    assert {name: found for name, found in rows.items() if found} == {
        "blocks.0.attention.qkv.weight": (8, 4, 4),
        "blocks.0.attention.out.weight": (8,),
        "blocks.0.feed_forward.up.weight": (8, 8),
        "blocks.0.feed_forward.down.weight": (8,),
    }
    optimizer = muon(model, TrainConfig(optimizer="muon"))
    counted = sum(len(group["params"]) for group in optimizer.param_groups)
    assert counted == len(list(model.parameters()))
