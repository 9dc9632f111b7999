"""The cheapest model of a quality, its use included: smaller and trained for longer than the compute-optimal one.

Sardana et al. 2024 (2401.00448), eq. 2: over a life of D_inf tokens of inference

    N*, D* = argmin 6 N D + 2 N D_inf    with L(N, D) = ℓ

In general training costs k N^s D (`cost`) and a token of inference a third of one of training, the forward pass. With
x the share of size in R (see `surface`), D = (B / (R (1 − x)))^(1/β) and the derivative in ln N vanishes where

    s (1 + D_inf/(3D)) = (α/β) x/(1 − x)

which is R's own optimum x = w for D_inf = 0, and has one root above w otherwise, since the left side falls in x.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.fitting.forecasts.decisions import fields
from workbench.fitting.forecasts.surface import Estimate, Surface, solve
from workbench.fitting.laws.base import Array

FORWARD = 3.0
"""FLOPs of a token of training over those of one of inference: the backward pass costs twice the forward pass."""

LOGITS = 60.0
"""Shares of size are sought up to 1 − e^−60."""


@dataclass(frozen=True)
class Serving:
    """A model of a given loss that is cheapest with its inference, beside the one that is cheapest to train."""

    inference_tokens: float
    loss: Estimate
    n: Estimate
    d: Estimate
    training: Estimate
    """FLOPs of training."""
    total: Estimate
    """FLOPs of training and inference."""
    optimal_n: Estimate
    """Size of the compute-optimal model of that loss …"""
    optimal_d: Estimate
    optimal_training: Estimate
    optimal_total: Estimate
    """… and what it costs in all."""
    saved: Estimate
    """Share of `optimal_total` that the model saves."""
    determined: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return fields(self)


def serve(surface: Surface, inference_tokens: float, flops: float | None = None, loss: float | None = None) -> Serving:
    """The cheapest model as good as the optimum at `flops`, or of a given `loss`, over so many tokens of inference."""
    compute_S = surface.compute_for(loss) if loss is not None else np.full(surface.rows, flops)
    # A loss that a draw never reaches costs it without end.
    compute_S = np.where(compute_S > 0, compute_S, np.nan)
    n_opt_S, d_opt_S = surface.optimum(compute_S)
    n_S, d_S = cheapest(surface, n_opt_S, d_opt_S, inference_tokens)
    token_S, token_opt_S = (surface.cost.k * n**surface.steep / FORWARD for n in (n_S, n_opt_S))
    training_S, total_S = FORWARD * token_S * d_S, token_S * (FORWARD * d_S + inference_tokens)
    total_opt_S = token_opt_S * (FORWARD * d_opt_S + inference_tokens)
    read, size = surface.read, surface.size
    return Serving(
        inference_tokens=inference_tokens,
        loss=read(surface.loss(n_opt_S, d_opt_S) if loss is None else np.full(surface.rows, loss)),
        n=size(n_S),
        d=size(d_S),
        training=size(training_S),
        total=size(total_S),
        optimal_n=size(n_opt_S),
        optimal_d=size(d_opt_S),
        optimal_training=size(compute_S),
        optimal_total=size(total_opt_S),
        saved=read(1 - total_S / total_opt_S),
        determined=surface.settled(read(n_S)),
    )


def cheapest(surface: Surface, n_opt_S: Array, d_opt_S: Array, inference_tokens: float) -> tuple[Array, Array]:
    """N* and D* on the curve of equal loss through each row's optimum."""
    _, alpha_S, _, beta_S = surface.terms
    w_S, steep = surface.share, surface.steep

    def size_and_data(logit_S: Array) -> tuple[Array, Array, Array]:
        """N and D where size has this share of R: R x = A N^−α against R w = A N_opt^−α, and for data likewise."""
        x_S = 1 / (1 + np.exp(-logit_S))
        rest_S = 1 / (1 + np.exp(logit_S))
        return n_opt_S * (w_S / x_S) ** (1 / alpha_S), d_opt_S * ((1 - w_S) / rest_S) ** (1 / beta_S), x_S / rest_S

    def smaller(logit_S: Array) -> Array:
        """Whether a smaller model would be cheaper."""
        _, d_S, odds_S = size_and_data(logit_S)
        return np.asarray(steep * (1 + inference_tokens / (FORWARD * d_S)) > alpha_S / beta_S * odds_S)

    with np.errstate(all="ignore"):
        start_S = np.log(w_S / (1 - w_S))
        n_S, d_S, _ = size_and_data(solve(smaller, start_S, start_S + LOGITS))
    return n_S, d_S
