"""The head and its loss, some rows at a time: the logits of a batch are never in memory at once.

For a vocabulary of 50,000, the logits of one 1,024-token window are 200 MB, and three such arrays are alive in a plain
backward pass. Here each chunk's loss is differentiated as soon as it is known, and only the gradients are kept.

Shapes: N rows, n rows of a chunk, D width, V vocabulary.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from workbench.training.objective import Losses

Score = Callable[[Tensor, Tensor], Losses]
"""(residual stream of some rows (n, D), their targets (n,)) → their mean losses."""

PAYS_FROM = 2048
"""Vocabulary from which chunks are faster; below, memory is no matter either."""


def chunked(
    score: Score, x_ND: Tensor, targets_N: Tensor, parameters: Sequence[Tensor], rows: int, scale: Tensor
) -> Losses:
    """`score(x_ND, targets_N)`, computed `rows` rows at a time.

    `parameters` are all those that `score` may use. `scale` is the factor by which the result will be multiplied before
    it is differentiated (fp16's loss scale): the gradients are computed with it, so that they do not underflow.
    """
    losses = _Chunked.apply(score, x_ND, targets_N, rows, scale, *parameters)
    return cast(Losses, losses)


def rows_at_once(vocabulary: int, device: torch.device) -> int:
    """Rows of a chunk: logits of 8 MB on a CPU, of a quarter gigabyte on a GPU (a guess), but 256 rows at least.

    Milliseconds for forward and backward of 2,048 rows of width 128 in float32, one thread of an AMD EPYC:

        V          plain    64 rows    256    512    1024
        1,024         44         62     44     41      49
        2,048         97        119     85     73      65
        4,096        235        169    133    133     125
        8,192        395        349    265    246     264
    """
    numbers = 2**21 if device.type == "cpu" else 2**26
    return max(256, numbers // vocabulary)


class _Chunked(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx,
        score: Score,
        x_ND: Tensor,
        targets_N: Tensor,
        rows: int,
        scale: Tensor,
        *parameters: Tensor,
    ) -> Losses:
        total = torch.zeros((), dtype=torch.float32 if x_ND.dtype.itemsize < 4 else x_ND.dtype, device=x_ND.device)
        nll_total = total.clone()
        x_gradients: list[Tensor] = []
        gradients: list[Tensor | None] = [None] * len(parameters)
        for x_nD, targets_n in zip(x_ND.split(rows), targets_N.split(rows), strict=True):
            share = len(targets_n) / len(targets_N)
            with torch.enable_grad():
                x_nD = x_nD.detach().requires_grad_()
                value, nll = score(x_nD, targets_n)
                wanted = [x_nD, *(parameter for parameter in parameters if parameter.requires_grad)]
                found = iter(torch.autograd.grad(value * share * scale, wanted, allow_unused=True))
            x_gradients.append(next(found))
            for i, parameter in enumerate(parameters):
                gradient = next(found) if parameter.requires_grad else None
                if gradient is not None:
                    before = gradients[i]
                    gradients[i] = gradient if before is None else before.add_(gradient)
            total += value.detach() * share
            nll_total += nll.detach() * share
        ctx.used = [gradient is not None for gradient in gradients]  # type: ignore[attr-defined]
        kept = [gradient for gradient in gradients if gradient is not None]
        ctx.save_for_backward(scale, torch.cat(x_gradients), *kept)
        ctx.mark_non_differentiable(nll_total)
        return total, nll_total

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        scale, x_gradient, *kept = ctx.saved_tensors
        factor = upstream[0] / scale
        scaled = iter(gradient * factor.to(gradient.dtype) for gradient in kept)
        parts = [next(scaled) if used else None for used in ctx.used]
        return (None, x_gradient * factor.to(x_gradient.dtype), None, None, None, *parts)
