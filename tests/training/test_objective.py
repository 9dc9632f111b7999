"""Reference: each term written out from the probabilities, in float64."""

import pytest
import torch
import torch.nn.functional as F

from workbench.training.config import TrainConfig
from workbench.training.objective import objective

LOGITS = torch.randn(7, 11, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TARGETS = torch.arange(7)


@pytest.mark.parametrize("z_loss", [0.0, 1e-2])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_the_objective_is_its_formula_and_the_nll_stays_plain(z_loss: float, label_smoothing: float) -> None:
    value, nll = objective(LOGITS, TARGETS, TrainConfig(z_loss=z_loss, label_smoothing=label_smoothing))
    z = LOGITS.exp().sum(dim=1)
    p = LOGITS.exp() / z[:, None]
    target = (1 - label_smoothing) * F.one_hot(TARGETS, 11) + label_smoothing / 11
    torch.testing.assert_close(value, (-(target * p.log()).sum(dim=1) + z_loss * z.log() ** 2).mean())
    torch.testing.assert_close(nll, -p[torch.arange(7), TARGETS].log().mean())


def test_label_smoothing_is_torchs() -> None:
    value, _ = objective(LOGITS, TARGETS, TrainConfig(label_smoothing=0.3))
    torch.testing.assert_close(value, F.cross_entropy(LOGITS, TARGETS, label_smoothing=0.3))
