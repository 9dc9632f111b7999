"""A block of the decoder: attention and feed-forward on the residual stream, in four arrangements.

Shapes: B batch, T positions, D width.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from workbench.models.attention import Attention, LayerCache
from workbench.models.config import ModelConfig
from workbench.models.feed_forward import FeedForward
from workbench.models.norms import build_norm
from workbench.models.positions import Rotation


class Block(nn.Module):
    """Attention, then feed-forward (or both at once), each on the residual stream."""

    def __init__(self, config: ModelConfig, layer: int = 0):
        super().__init__()
        self.arrangement = "parallel" if config.parallel else config.norm_position
        self.dropout = config.dropout
        # CompleteP: a stack of more layers adds less in each (Dey et al. 2505.01618, table 1, α = 1).
        self.branch = 1 / config.depth_ratio
        self.norm_1 = build_norm(config)
        self.attention = Attention(config, layer)
        self.norm_2 = None if config.parallel else build_norm(config)
        self.feed_forward = FeedForward(config)
        sandwich = config.norm_position == "sandwich"
        self.after_1, self.after_2 = (build_norm(config) if sandwich else None for _ in range(2))

    def forward(
        self, x_BTD: Tensor, rotation: Rotation | None = None, past: LayerCache | None = None
    ) -> tuple[Tensor, LayerCache]:
        """Pre-LN: x + f(norm(x)). Post-LN: norm(x + f(x)), as Vaswani et al. 2017 and GPT-1 have it. Sandwich:
        x + norm(f(norm(x))). Parallel: x + f(norm(x)) + g(norm(x)), one norm for both."""
        if self.norm_2 is None:
            normed_BTD = self.norm_1(x_BTD)
            attended_BTD, now = self.attention(normed_BTD, rotation, past)
            return x_BTD + self._branch(attended_BTD + self.feed_forward(normed_BTD)), now
        if self.arrangement == "post":
            attended_BTD, now = self.attention(x_BTD, rotation, past)
            x_BTD = self.norm_1(x_BTD + self._branch(attended_BTD))
            return self.norm_2(x_BTD + self._branch(self.feed_forward(x_BTD))), now
        attended_BTD, now = self.attention(self.norm_1(x_BTD), rotation, past)
        x_BTD = x_BTD + self._branch(attended_BTD, self.after_1)
        return x_BTD + self._branch(self.feed_forward(self.norm_2(x_BTD)), self.after_2), now

    def _branch(self, y_BTD: Tensor, after: nn.Module | None = None) -> Tensor:
        """What a half adds to the stream."""
        if after is not None:
            y_BTD = after(y_BTD)
        if self.dropout:
            y_BTD = F.dropout(y_BTD, self.dropout, self.training)
        return y_BTD if self.branch == 1 else y_BTD * self.branch
