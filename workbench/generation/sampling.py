"""From logits to the next token: greedy, or drawn after temperature, top-k and top-p, in that order.

Shapes: B sequences, V vocabulary.
"""

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor


class Sampling(BaseModel):
    """How the next token is chosen. Frozen; temperature 0 is greedy decoding."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    temperature: float = Field(default=1.0, ge=0)
    """Logits are divided by it; 0 takes the likeliest token, 1 samples the model as it is."""
    top_k: int | None = Field(default=None, ge=1)
    """Keep the k likeliest tokens (Fan et al. 1805.04833)."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Keep the fewest likeliest tokens whose probabilities reach p (nucleus sampling, Holtzman et al. 1904.09751)."""


GREEDY = Sampling(temperature=0)


def next_tokens(logits_BV: Tensor, sampling: Sampling, generator: torch.Generator) -> Tensor:
    """The next token of each sequence (B,). Greedy decoding leaves the generator untouched."""
    if sampling.temperature == 0:
        return logits_BV.argmax(dim=-1)
    probabilities_BV = probabilities(logits_BV, sampling)
    return torch.multinomial(probabilities_BV, 1, generator=generator)[:, 0]


def probabilities(logits_BV: Tensor, sampling: Sampling) -> Tensor:
    """The distribution that is sampled (B, V): what is cut is zero, the rest is renormalised."""
    sorted_BV, order_BV = logits_BV.float().sort(dim=-1, descending=True, stable=True)
    # Dividing after taking the largest out keeps a tiny temperature from overflowing.
    p_BV = ((sorted_BV - sorted_BV[:, :1]) / sampling.temperature).softmax(dim=-1)
    if sampling.top_k is not None:
        p_BV[:, sampling.top_k :] = 0
        p_BV = p_BV / p_BV.sum(dim=-1, keepdim=True)
    if sampling.top_p < 1:
        # A token stays if those likelier than it do not reach p yet; so the likeliest always stays.
        before_BV = p_BV.cumsum(dim=-1) - p_BV
        p_BV = p_BV.where(before_BV < sampling.top_p, torch.zeros_like(p_BV))
        p_BV = p_BV / p_BV.sum(dim=-1, keepdim=True)
    return torch.zeros_like(p_BV).scatter(-1, order_BV, p_BV)
