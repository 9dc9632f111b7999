"""References: torch's AdamW, and the formula of the paper in float64."""

import torch

from tests.training.optimizers.following import RATES, follow, gradients, start
from workbench.training.optimizers.adamw import adamw_update
from workbench.training.optimizers.base import PlainOptimizer, next_step


class Plain(PlainOptimizer):
    """AdamW by the function that Muon and the 8-bit one build on."""

    def update(self, parameter, gradient, state, group):
        if not state:
            state["m"], state["v"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        adamw_update(parameter, gradient, state["m"], state["v"], next_step(state), group)


GROUP = {"betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.1}


def test_the_update_is_torchs() -> None:
    ours = follow(Plain, GROUP, start(4, 6), gradients(4, 6))
    theirs = follow(torch.optim.AdamW, GROUP, start(4, 6), gradients(4, 6))
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)


def test_the_update_is_the_papers_formula() -> None:
    theta, m, v = start(4, 6).double(), torch.zeros(4, 6).double(), torch.zeros(4, 6).double()
    for t, (gradient, rate) in enumerate(zip(gradients(4, 6), RATES, strict=True), start=1):
        g = gradient.double()
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.99**t)
        theta = theta - rate * (m_hat / (v_hat.sqrt() + 1e-8) + 0.1 * theta)
    torch.testing.assert_close(follow(Plain, GROUP, start(4, 6), gradients(4, 6)).double(), theta, rtol=1e-5, atol=1e-6)
