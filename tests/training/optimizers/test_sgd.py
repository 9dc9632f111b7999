"""References: torch's SGD, and the formula in float64 with its decay decoupled."""

import pytest
import torch

from tests.training.optimizers.following import RATES, follow, gradients, start
from workbench.training.optimizers.sgd import Sgd


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_without_decay_it_is_torchs(momentum: float) -> None:
    group = {"momentum": momentum, "weight_decay": 0.0}
    ours = follow(Sgd, group, start(4, 6), gradients(4, 6))
    torch.testing.assert_close(ours, follow(torch.optim.SGD, group, start(4, 6), gradients(4, 6)))


def test_decay_stands_beside_the_momentum() -> None:
    theta, b = start(4, 6).double(), torch.zeros(4, 6).double()
    for gradient, rate in zip(gradients(4, 6), RATES, strict=True):
        b = 0.9 * b + gradient.double()
        theta = theta * (1 - rate * 0.1) - rate * b
    ours = follow(Sgd, {"momentum": 0.9, "weight_decay": 0.1}, start(4, 6), gradients(4, 6))
    torch.testing.assert_close(ours.double(), theta, rtol=1e-5, atol=1e-6)
