"""The learning rate at each step, a pure function of the horizon: warm-up, then cosine, WSD, linear or constant."""

import math

from workbench.training.config import Schedule
from workbench.training.horizon import Horizon


def rate_at(step: int, horizon: Horizon, schedule: Schedule, final_fraction: float) -> float:
    """Rate used by the update number `step` (0-based) of `horizon.steps`.

    Warm-up rises linearly and reaches the peak at `warmup_steps`; the decay ends at `final_fraction` of the peak on
    the step after the last, so that the last update is still a real one. Cosine: Loshchilov & Hutter 1608.03983;
    WSD, a constant trunk with a linear cooldown: Hägele et al. 2405.18392.
    """
    if step < horizon.warmup_steps:
        return horizon.learning_rate * (step + 1) / (horizon.warmup_steps + 1)
    into_decay = step - (horizon.steps - horizon.decay_steps)
    if schedule == "constant" or into_decay <= 0:
        return horizon.learning_rate
    progress = into_decay / horizon.decay_steps
    shape = 0.5 * (1 + math.cos(math.pi * progress)) if schedule == "cosine" else 1 - progress
    return horizon.learning_rate * (final_fraction + (1 - final_fraction) * shape)
