"""Reference: AdamW with its moments in 32 bits."""

import copy

import torch

from tests.training.optimizers.following import follow, gradients, start
from tests.training.tiny import tiny_run
from workbench.corpus.shards import Corpus
from workbench.training.optimizers import state_bytes
from workbench.training.optimizers.adamw_8bit import AdamW8bit
from workbench.training.train import train

GROUP = {"betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.1}


def test_its_state_is_74_percent_smaller() -> None:
    sizes = {}
    for kind in (AdamW8bit, torch.optim.AdamW):
        parameter = torch.nn.Parameter(start(64, 1024))
        optimizer = kind([{"params": [parameter], **GROUP}])
        parameter.grad = gradients(64, 1024, steps=1)[0]
        optimizer.step()
        sizes[kind] = state_bytes(optimizer)
    assert sizes[AdamW8bit] < 0.26 * sizes[torch.optim.AdamW]


def test_a_small_parameter_keeps_its_moments_in_32_bits() -> None:
    ours, theirs = (follow(kind, GROUP, start(4, 6), gradients(4, 6)) for kind in (AdamW8bit, torch.optim.AdamW))
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)


def test_a_large_one_moves_nearly_as_with_32_bits() -> None:
    first, along = start(64, 64), gradients(64, 64)
    ours, theirs = (follow(kind, GROUP, first, along) for kind in (AdamW8bit, torch.optim.AdamW))
    moved = theirs - first
    assert (ours - theirs).norm() < 0.05 * moved.norm()


def test_it_finds_the_bottom_of_a_quadratic() -> None:
    curvature = torch.logspace(-2, 0, 4096)
    ends = []
    for kind in (AdamW8bit, torch.optim.AdamW):
        theta = torch.nn.Parameter(start(4096))
        optimizer = kind([{"params": [theta], **GROUP, "weight_decay": 0.0}])
        for step in range(100):
            optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 100)
            optimizer.zero_grad()
            (curvature * theta.square()).sum().backward()
            optimizer.step()
        ends.append((curvature * theta.detach().square()).sum().item())
    before = (curvature * start(4096).square()).sum().item()
    assert max(ends) < 0.01 * before


def test_a_step_from_a_copy_is_the_same_step() -> None:
    """The state is all there is: codes and largest numbers, nothing between steps."""
    parameter = torch.nn.Parameter(start(64, 64))
    optimizer = AdamW8bit([{"params": [parameter], **GROUP, "lr": 0.01}])
    ends = []
    for gradient in gradients(64, 64, steps=2):
        parameter.grad = gradient
        optimizer.step()
        ends.append((parameter.detach().clone(), copy.deepcopy(optimizer.state[parameter])))
    twin = torch.nn.Parameter(ends[0][0].clone())
    other = AdamW8bit([{"params": [twin], **GROUP, "lr": 0.01}])
    other.state[twin] = ends[0][1]
    twin.grad = gradients(64, 64, steps=2)[1]
    other.step()
    assert torch.equal(twin.detach(), ends[1][0])


def test_a_model_learns_as_with_32_bits(corpus: Corpus, tmp_path_factory) -> None:
    losses = {}
    for optimizer in ("adamw", "adamw-8bit"):
        config = tiny_run(corpus, optimizer=optimizer, tokens=20_000, batch_tokens=128, model={"d_model": 16})
        losses[optimizer] = train(config, corpus, tmp_path_factory.mktemp(optimizer)).rows[-1]["loss"]
    assert abs(losses["adamw-8bit"] - losses["adamw"]) < 0.05
    assert losses["adamw-8bit"] < 0.9 * corpus.unigram_entropy
