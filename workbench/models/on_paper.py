"""Counts of parts that the decoder cannot be built with: experts, and the cache of multi-head latent attention.

Both are here for planning, beside the exact counts of what can be trained. Symbols as in counts.py.
"""

from dataclasses import dataclass

from workbench.models.config import ModelConfig
from workbench.models.counts import forward_flops_by_group, parameters_by_group


@dataclass(frozen=True)
class Experts:
    """A mixture in place of each feed-forward: `total` of them, `active` for a token, chosen by one linear router."""

    total: int = 1
    active: int = 1

    @property
    def mixed(self) -> bool:
        """Whether there is a choice of experts, and so a router."""
        return self.total > 1


def parameters_with_experts(config: ModelConfig, experts: Experts) -> dict[str, int]:
    """`parameters_by_group` with E feed-forwards a layer instead of one, and D·E of a router."""
    groups = parameters_by_group(config)
    if not experts.mixed:
        return groups
    router = config.n_layer * config.d_model * experts.total
    return groups | {"feed_forward": experts.total * groups["feed_forward"] + router}


def active_parameters(config: ModelConfig, experts: Experts) -> int:
    """Parameters that one token passes through: all but the experts that were not chosen."""
    idle = (experts.total - experts.active) * parameters_by_group(config)["feed_forward"]
    return sum(parameters_with_experts(config, experts).values()) - idle


def flops_with_experts(config: ModelConfig, experts: Experts) -> dict[str, int]:
    """`forward_flops_by_group` with the active experts' products and the router's."""
    groups = forward_flops_by_group(config)
    if not experts.mixed:
        return groups
    router = 2 * config.n_layer * config.d_model * experts.total
    return groups | {"feed_forward": experts.active * groups["feed_forward"] + router}


def latent_cache_bytes(config: ModelConfig, tokens: int, bytes_per_number: int = 2) -> int:
    """The cache of multi-head latent attention, in the proportions of DeepSeek-V2 (2024, arXiv 2405.04434).

    A layer keeps one latent vector of 4·K numbers and one rotated key of K/2 a token, shared by all heads.
    """
    return tokens * config.n_layer * (4 * config.head_dim + config.head_dim // 2) * bytes_per_number
