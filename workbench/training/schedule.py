"""The learning rate at each step, a pure function of the horizon: linear warm-up, then one of the schedules."""

import math
from collections.abc import Callable

from workbench.training.config import Schedule
from workbench.training.horizon import Horizon


def rate_at(step: int, horizon: Horizon, schedule: Schedule, final_fraction: float) -> float:
    """Rate used by the update number `step` (0-based) of `horizon.steps`.

    Warm-up rises linearly and reaches the peak at `warmup_steps`; the decay ends at `final_fraction` of the peak on
    the step after the last, so that the last update is still a real one.
    """
    if step < horizon.warmup_steps:
        return horizon.learning_rate * (step + 1) / (horizon.warmup_steps + 1)
    return SCHEDULES[schedule](step, horizon, final_fraction)


def constant(step: int, horizon: Horizon, final_fraction: float) -> float:  # noqa: ARG001
    """The peak, to the end."""
    return horizon.learning_rate


def cosine(step: int, horizon: Horizon, final_fraction: float) -> float:
    """Half a wave from the peak to the end: Loshchilov & Hutter 1608.03983."""
    return _decayed(step, horizon, final_fraction, lambda progress: 0.5 * (1 + math.cos(math.pi * progress)))


def linear(step: int, horizon: Horizon, final_fraction: float) -> float:
    """A straight line over the decay; after a constant trunk it is WSD (Hägele et al. 2405.18392)."""
    return _decayed(step, horizon, final_fraction, lambda progress: 1 - progress)


def inverse_sqrt(step: int, horizon: Horizon, final_fraction: float) -> float:  # noqa: ARG001
    """peak · √(w/t), t updates done and w those of the warm-up, both with this one: Vaswani et al. 2017, section 5.3.

    It depends on no horizon, so that every step is one at which a shorter run could have ended.
    """
    return horizon.learning_rate * math.sqrt((horizon.warmup_steps + 1) / (step + 1))


SCHEDULES: dict[Schedule, Callable[[int, Horizon, float], float]] = {
    "cosine": cosine,
    "wsd": linear,
    "linear": linear,
    "constant": constant,
    "inverse-sqrt": inverse_sqrt,
}
"""Schedule → the rate of a step after warm-up, from (step, horizon, final fraction). When its decay begins is decided
with the rest of the horizon, in horizon.py."""


def _decayed(step: int, horizon: Horizon, final_fraction: float, shape: Callable[[float], float]) -> float:
    """The peak until the decay begins, then down to `final_fraction` of it; `shape` goes from 1 to 0."""
    into_decay = step - (horizon.steps - horizon.decay_steps)
    if into_decay <= 0:
        return horizon.learning_rate
    return horizon.learning_rate * (final_fraction + (1 - final_fraction) * shape(into_decay / horizon.decay_steps))
