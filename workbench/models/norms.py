"""Normalisation of the residual stream: LayerNorm (Ba et al. 2016) or RMSNorm (Zhang & Sennrich 2019)."""

from torch import nn

from workbench.models.config import ModelConfig


def build_norm(config: ModelConfig) -> nn.Module:
    """The norm a configuration names: (x − mean) / sqrt(var + ε) · gain + bias, or x / sqrt(mean(x²) + ε) · gain."""
    if config.norm == "rmsnorm":
        return nn.RMSNorm(config.d_model, eps=config.norm_epsilon)
    return nn.LayerNorm(config.d_model, eps=config.norm_epsilon, bias=config.bias)
