"""What follows width and depth, so that one learning rate serves all sizes. Free of torch.

standard   nothing here; the rate must follow size by a rule
mup        μP for Adam (Yang & Hu et al. 2203.03466, table 8): with m = d_model / base_width hidden matrices start at
           1/√m of their standard deviation and learn at 1/m of the rate, logits are divided by m, attention scores are
           scaled by √base/K in place of 1/√K; embeddings, gains and biases stay as they are
completep  the same, and with l = n_layer / base_depth each residual branch is divided by l (Dey et al. 2505.01618,
           table 1, α = 1); AdamW's ε is divided by m, and of hidden matrices by m·l; decay of hidden matrices is
           multiplied by m, so that rate × decay stays

Hidden matrices are those of the blocks. At the base width and depth all of it is the standard parameterisation.
"""

import math
from dataclasses import dataclass

from workbench.models.config import ModelConfig


@dataclass(frozen=True)
class Scales:
    """What a parameter's rate, decay and ε are multiplied by."""

    rate: float = 1.0
    decay: float = 1.0
    epsilon: float = 1.0


def hidden(name: str) -> bool:
    """Whether a parameter of this name is a matrix of a block."""
    return name.startswith("blocks.") and name.endswith(".weight") and "norm" not in name and ".after_" not in name


def weight_scale(config: ModelConfig, name: str) -> float:
    """What the initial standard deviation of a matrix is multiplied by."""
    return 1 / math.sqrt(config.width_ratio) if hidden(name) else 1.0


def logit_scale(config: ModelConfig) -> float:
    """What the output logits are multiplied by."""
    return 1 / config.width_ratio


def scales(config: ModelConfig, name: str) -> Scales:
    """What the optimizer makes of a parameter of this name."""
    m, depth = config.width_ratio, config.depth_ratio
    if config.parameterisation == "standard":
        return Scales()
    if config.parameterisation == "mup":
        return Scales(rate=1 / m if hidden(name) else 1.0)
    if hidden(name):
        return Scales(rate=1 / m, decay=m, epsilon=1 / (m * depth))
    return Scales(epsilon=1 / m)
