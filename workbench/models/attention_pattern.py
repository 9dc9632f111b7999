"""Which keys a query sees and how a score is altered before the softmax: window, ALiBi, soft cap, scale, dropout.

Shapes: T queries, the last of S positions; H query heads.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.models.config import ModelConfig
from workbench.models.positions import alibi_slopes


@dataclass(frozen=True)
class Pattern:
    """What `attend` does besides softmax(q·kᵀ·scale + causal mask)·v."""

    scale: float
    """What scores are multiplied by: 1/√K, as a rule."""
    window: int | None = None
    """Keys a query sees, its own included."""
    slopes_H: tuple[float, ...] | None = None
    """ALiBi's: a key at distance n is worth slope · n less."""
    softcap: float = 0.0
    """cap · tanh(score / cap), before the mask."""

    @property
    def plain(self) -> bool:
        """Causal attention and nothing else."""
        return self.window is None and self.slopes_H is None and not self.softcap

    def mask(self, T: int, S: int, device: torch.device) -> Tensor:
        """Which keys each query sees, (T, S) of booleans."""
        seen_TS = torch.ones(T, S, dtype=torch.bool, device=device).tril(S - T)
        return seen_TS if self.window is None else seen_TS.triu(S - T - self.window + 1)

    def bias(self, T: int, S: int, like: Tensor) -> Tensor:
        """What is added to the scores: (1 or H, T, S), −∞ where a key is not seen; dtype and device as `like`.

        Made anew each time: a table kept between calls would be state, and leak out of function transforms.
        """
        hidden_TS = torch.full((T, S), -math.inf, dtype=like.dtype, device=like.device)
        bias_TS = hidden_TS.triu(S - T + 1)
        if self.window is not None and self.window < S:
            bias_TS = bias_TS + hidden_TS.tril(S - T - self.window)
        if self.slopes_H is None:
            return bias_TS[None]
        ahead_TS = torch.arange(S, device=like.device) - torch.arange(S - T, S, device=like.device)[:, None]
        slopes_H = torch.tensor(self.slopes_H, dtype=like.dtype, device=like.device)
        return bias_TS + slopes_H[:, None, None] * ahead_TS.to(like.dtype)


def pattern_of(config: ModelConfig, layer: int) -> Pattern:
    """The pattern of one layer. Under μP scores are scaled by √base/K, so that they neither grow nor fall with K."""
    k = config.head_dim
    return Pattern(
        scale=1 / math.sqrt(k) if config.parameterisation == "standard" else math.sqrt(config.base_d_head or k) / k,
        window=config.window if config.windowed(layer) else None,
        slopes_H=tuple(alibi_slopes(config.n_head)) if config.position == "alibi" else None,
        softcap=config.attention_softcap,
    )
