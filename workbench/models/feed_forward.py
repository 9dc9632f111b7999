"""The feed-forward of a block: one hidden map and a nonlinearity, or SwiGLU's gate. F is its hidden width."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.models.config import ModelConfig


def gelu_tanh(x: Tensor) -> Tensor:
    """GPT-2's approximation: x/2 · (1 + tanh(√(2/π) · (x + 0.044715·x³))) (Hendrycks & Gimpel 2016)."""
    return F.gelu(x, approximate="tanh")


def swiglu(gate_and_value: Tensor) -> Tensor:
    """silu(gate) · value, from both side by side (Shazeer 2020)."""
    gate, value = gate_and_value.chunk(2, dim=-1)
    return F.silu(gate) * value


def geglu(gate_and_value: Tensor) -> Tensor:
    """gelu(gate) · value (Shazeer 2020), with the approximation by tanh, as Gemma has it."""
    gate, value = gate_and_value.chunk(2, dim=-1)
    return gelu_tanh(gate) * value


def relu2(x: Tensor) -> Tensor:
    """max(x, 0)² (So et al. 2109.08668, Primer)."""
    return torch.relu(x).square()


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "gelu": F.gelu,
    "gelu-tanh": gelu_tanh,
    "swiglu": swiglu,
    "geglu": geglu,
    "relu2": relu2,
}


class FeedForward(nn.Module):
    """down(activation(up(x))); SwiGLU's gate and value are one fused `up`, the gate first."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        up = 2 * config.ff_dim if config.gated else config.ff_dim
        self.up = nn.Linear(config.d_model, up, bias=config.bias)
        self.down = nn.Linear(config.ff_dim, config.d_model, bias=config.bias)
        self.activation = ACTIVATIONS[config.activation]

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Each position by itself."""
        out_BTD: Tensor = self.down(self.activation(self.up(x_BTD)))
        return out_BTD
