"""Adversarial training on embeddings: the model also learns from inputs that were moved uphill.

The move r is added to what the token embedding gives (B, T, D), from outside the model, by a hook on that module; its
length is the Euclidean norm over a window. The objective is the mean of the clean loss and the loss at the move.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from workbench.training.config import Adversary, TrainConfig
from workbench.training.objective import Losses

Evaluate = Callable[[], Losses]
"""One forward pass over a micro-batch."""

Scale = Callable[[Tensor], Tensor]
"""What an objective is multiplied by before it is differentiated: the micro-batch's share, and fp16's loss scale."""

Pass = Callable[[Evaluate, Scale, nn.Module, TrainConfig], Tensor]
"""(forward pass, scale, the token embedding, settings) → the clean NLL; gradients are added to the parameters'."""


def clean(evaluate: Evaluate, scale: Scale, embedding: nn.Module, settings: TrainConfig) -> Tensor:  # noqa: ARG001
    """The objective alone."""
    value, nll = evaluate()
    scale(value).backward()
    return nll.detach()


def fgm(evaluate: Evaluate, scale: Scale, embedding: nn.Module, settings: TrainConfig) -> Tensor:
    """The fast gradient method: r = ε·g/|g|, g the clean loss's gradient (Miyato et al. 1605.07725, equation 7)."""
    nll, gradient = _clean_half(evaluate, scale, embedding)
    _adversarial_half(evaluate, scale, embedding, _of_length(gradient, settings.adversarial_radius))
    return nll


def pgd(evaluate: Evaluate, scale: Scale, embedding: nn.Module, settings: TrainConfig) -> Tensor:
    """Projected gradient ascent inside the ball |r| ≤ ε, from its centre (Madry et al. 1706.06083, section 2.1).

    Steps are of 2.5·ε/steps, as there for Euclidean balls, so that the edge can be reached from anywhere; one step is
    `fgm`. The first gradient is that of the clean loss, which is needed anyway.
    """
    radius, steps = settings.adversarial_radius, settings.adversarial_steps
    length = 2.5 * radius / steps
    nll, gradient = _clean_half(evaluate, scale, embedding)
    move = _inside(_of_length(gradient, length), radius)
    for _ in range(steps - 1):
        move.requires_grad_()
        with _moved(embedding, move):
            value, _ = evaluate()
        (gradient,) = torch.autograd.grad(scale(value), move)
        move = _inside(move.detach() + _of_length(gradient, length), radius)
    _adversarial_half(evaluate, scale, embedding, move)
    return nll


PASSES: dict[Adversary, Pass] = {"none": clean, "fgm": fgm, "pgd": pgd}
"""Name → how the gradients of a micro-batch are made."""


def _clean_half(evaluate: Evaluate, scale: Scale, embedding: nn.Module) -> tuple[Tensor, Tensor]:
    """Half the clean loss, differentiated: the NLL, and the gradient at the embeddings, up to a factor."""
    heard: list[Tensor] = []

    def listen(_: nn.Module, __: object, output: Tensor) -> None:
        output.retain_grad()
        heard.append(output)

    handle = embedding.register_forward_hook(listen)
    try:
        value, nll = evaluate()
    finally:
        handle.remove()
    scale(0.5 * value).backward()
    gradient = heard[0].grad
    assert gradient is not None
    return nll.detach(), gradient


def _adversarial_half(evaluate: Evaluate, scale: Scale, embedding: nn.Module, move_BTD: Tensor) -> None:
    """Half the loss at the move, differentiated."""
    with _moved(embedding, move_BTD):
        value, _ = evaluate()
    scale(0.5 * value).backward()


@contextmanager
def _moved(embedding: nn.Module, move_BTD: Tensor) -> Iterator[None]:
    """Inside, the embedding gives its output plus the move."""
    handle = embedding.register_forward_hook(lambda _, __, output_BTD: output_BTD + move_BTD)
    try:
        yield
    finally:
        handle.remove()


def _of_length(gradient_BTD: Tensor, length: float) -> Tensor:
    """The direction of each window's gradient, at a length. Zero stays zero; not finite gives NaN, and shows."""
    return gradient_BTD / _norms(gradient_BTD) * length


def _inside(move_BTD: Tensor, radius: float) -> Tensor:
    """Each window's move, brought back to the ball's edge where it is outside."""
    return move_BTD * (radius / _norms(move_BTD)).clamp(max=1.0)


def _norms(x_BTD: Tensor) -> Tensor:
    """Of each window (B, 1, 1), never 0."""
    tiny = torch.finfo(x_BTD.dtype).tiny
    return torch.linalg.vector_norm(x_BTD, dim=(1, 2), keepdim=True).clamp(min=tiny)
