"""The gradient noise scale: how many tokens a step can use before more of them mostly repeat each other.

B_simple = tr(Σ)/|G|² (McCandlish et al. 1812.06162, equation 2.9), G the true gradient and Σ the covariance of one
token's. Windows are what is drawn independently; in tokens, the number is that of windows times the context.
"""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn


def estimate(squares: Sequence[Tensor], tokens: Sequence[int], square: Tensor) -> tuple[Tensor, Tensor]:
    """|G|² and tr(Σ), both unbiased, and either may be below 0 in one step (appendix A.1).

    `squares` are the squared norms of the gradients of parts of a batch, `tokens` what each part has, `square` that of
    the whole. For means over B tokens E|g|² = |G|² + tr(Σ)/B; parts of several sizes count by the mean of 1/B.
    """
    inverse_small = sum(1 / size for size in tokens) / len(tokens)
    inverse_large = 1 / sum(tokens)
    trace = (torch.stack(list(squares)).mean() - square) / (inverse_small - inverse_large)
    return square - trace * inverse_large, trace


def noise_scale(square: float, trace: float) -> float:
    """B_simple from sums over the same steps: the ratio of means, since each of them is unbiased and a ratio is not.

    NaN where nothing was measured, and where the noise leaves no |G|² above 0.
    """
    return trace / square if square > 0 else math.nan


def noise_columns(square_sum: float, trace_sum: float, steps: int) -> dict[str, float]:
    """A curve's columns from sums over `steps`: the ratio, and the means, which can be pooled further without bias."""
    measured = square_sum != 0 or trace_sum != 0
    return {
        "noise_scale": noise_scale(square_sum, trace_sum),
        "grad_square": square_sum / steps if measured else math.nan,
        "grad_trace": trace_sum / steps if measured else math.nan,
    }


class PartGradients:
    """Adds up the gradients of a batch's parts as autograd would, and notes the size of each on the way."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.parameters = list(parameters)
        self.sums: list[Tensor | None] = [None] * len(self.parameters)
        self.squares: list[Tensor] = []

    def take(self, share: float) -> None:
        """Move the parameters' gradients, those of a part that is `share` of the batch, to the sums."""
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        self.squares.append(nn.utils.get_total_norm(gradients).square() / share**2)
        for i, parameter in enumerate(self.parameters):
            before, gradient = self.sums[i], parameter.grad
            self.sums[i] = gradient if before is None else before if gradient is None else before.add_(gradient)
            parameter.grad = None

    def give_back(self) -> Tensor:
        """Make the sums the parameters' gradients; returns their squared norm."""
        for parameter, gradient in zip(self.parameters, self.sums, strict=True):
            parameter.grad = gradient
        return nn.utils.get_total_norm([gradient for gradient in self.sums if gradient is not None]).square()
