"""What training minimises, of logits: the mean negative log-likelihood of the targets, and what is asked beside it.

Shapes: N rows (positions of all windows), V vocabulary.
"""

import torch.nn.functional as F
from torch import Tensor

from workbench.training.config import TrainConfig

Losses = tuple[Tensor, Tensor]
"""The objective, to be differentiated, and the plain NLL, to be logged: means over rows, nats per token."""


def objective(logits_NV: Tensor, targets_N: Tensor, settings: TrainConfig) -> Losses:
    """(1 − ε)·NLL + ε·mean over v of −log p(v) + z·log²Z, with ε the label smoothing and Z the sum of exp(logits).

    Label smoothing: Szegedy et al. 1512.00567, section 7. log²Z keeps logits from drifting, which the softmax does not
    see and half precision does: Chowdhery et al. 2204.02311, section 5.
    """
    nll = F.cross_entropy(logits_NV, targets_N)
    if not (settings.z_loss or settings.label_smoothing):
        return nll, nll
    log_z_N = logits_NV.logsumexp(dim=-1)
    spread = (log_z_N - logits_NV.mean(dim=-1)).mean()
    smoothed = (1 - settings.label_smoothing) * nll + settings.label_smoothing * spread
    return smoothed + settings.z_loss * log_z_N.square().mean(), nll
