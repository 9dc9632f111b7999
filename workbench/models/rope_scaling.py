"""RoPE beyond the context it was trained at: angular frequencies for a context s = `rope_factor` times longer.

θ_i = base^(−2i/K), i = 0 … K/2 − 1, are RoPE's own (Su et al. 2021); L is the trained context, `context` / s.

linear    θ_i / s: every position interpolated (Chen et al. 2306.15595)
ntk       base · s^(K/(K−2)) for base, so that the slowest is interpolated and the fastest is not (bloc97 2023)
yarn      θ_i kept where more than 32 turns fit into L, θ_i / s where less than one, a ramp between, and scores times
          (0.1 ln s + 1)² (Peng et al. 2309.00071; the ramp runs over i, as in their released code)
longrope  θ_i / λ_i for given λ, and scores times 1 + ln s / ln L (Ding et al. 2402.13753)
"""

import math

import torch
from torch import Tensor

from workbench.models.config import ModelConfig

FAST, SLOW = 32.0, 1.0
"""YaRN's β and α: turns within the trained context."""


def frequencies(config: ModelConfig, device: torch.device) -> tuple[Tensor, float]:
    """The K/2 angular frequencies, float32, and what cosines and sines are multiplied by."""
    k, base, s = config.head_dim, config.rope_base, config.rope_factor
    i = torch.arange(0, k, 2, device=device, dtype=torch.float32)
    if config.rope_scaling == "ntk" and k > 2:
        base = base * s ** (k / (k - 2))
    theta = base ** (-i / k)
    if config.rope_scaling == "linear":
        return theta / s, 1.0
    if config.rope_scaling == "yarn":
        kept = _kept(config, device)
        return theta * kept + theta / s * (1 - kept), 0.1 * math.log(s) + 1
    if config.rope_scaling == "longrope":
        assert config.rope_factors is not None
        trained = config.context / s
        factor = math.sqrt(1 + math.log(s) / math.log(trained)) if s > 1 and trained > 1 else 1.0
        return theta / torch.tensor(config.rope_factors, device=device, dtype=torch.float32), factor
    return theta, 1.0


def _kept(config: ModelConfig, device: torch.device) -> Tensor:
    """The share of each frequency that YaRN leaves as it was: 1 for the fastest, 0 for the slowest."""
    k, base, trained = config.head_dim, config.rope_base, config.context / config.rope_factor

    def turning(turns: float) -> float:
        """The (fractional) i whose frequency makes so many turns within the trained context."""
        return k * math.log(trained / (turns * 2 * math.pi)) / (2 * math.log(base))

    low, high = max(math.floor(turning(FAST)), 0), min(math.ceil(turning(SLOW)), k - 1)
    i = torch.arange(k // 2, device=device, dtype=torch.float32)
    return 1 - ((i - low) / max(high - low, 1e-3)).clamp(0, 1)
