"""Reference: algorithm 2 of Chen et al. 2023, in float64."""

import torch

from tests.training.optimizers.following import RATES, follow, gradients, start
from workbench.training.optimizers.lion import Lion


def test_it_is_the_papers_algorithm() -> None:
    theta, m = start(4, 6).double(), torch.zeros(4, 6).double()
    for gradient, rate in zip(gradients(4, 6), RATES, strict=True):
        g = gradient.double()
        c = 0.9 * m + 0.1 * g
        theta = theta - rate * (c.sign() + 0.1 * theta)
        m = 0.99 * m + 0.01 * g
    ours = follow(Lion, {"betas": (0.9, 0.99), "weight_decay": 0.1}, start(4, 6), gradients(4, 6))
    torch.testing.assert_close(ours.double(), theta, rtol=1e-5, atol=1e-6)
