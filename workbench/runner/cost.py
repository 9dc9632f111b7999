"""What a run will cost in time: a few real steps of the plan's smallest, middle and largest step, interpolated.

Cost in time is not cost in FLOPs: a tiny model spends its time between the matrix products.
"""

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from workbench.runner.plan import PlannedRun
from workbench.training.devices import pick_device
from workbench.training.executed import flops_executed
from workbench.training.learner import make_learner
from workbench.training.step import update

STEPS_TIMED = 3
LONGEST_TIMED = 8192
"""Tokens of a timed step at most: a larger step is a multiple of it, and need not be waited for."""
PATIENCE_SECONDS = 2.0
"""When a step takes longer, one is enough."""


def calibrate(runs: Sequence[PlannedRun], device_name: str = "auto") -> Callable[[PlannedRun], float]:
    """Measure up to three kinds of step on this device; returns run → seconds."""
    if not runs:
        return lambda _: math.nan
    device = pick_device(device_name)
    by_cost = sorted({_flops_per_step(run): run for run in runs}.items())
    chosen = sorted({0, len(by_cost) // 2, len(by_cost) - 1})
    log_flops = np.log([by_cost[index][0] for index in chosen])
    log_seconds = np.log([_seconds_per_step(by_cost[index][1], device) for index in chosen])
    if device.type == "cuda":
        torch.cuda.empty_cache()  # this process lives on beside the workers

    def seconds(run: PlannedRun) -> float:
        wanted = math.log(_flops_per_step(run))
        per_step = math.exp(np.interp(wanted, log_flops, log_seconds))
        # An evaluation is a forward pass, a third of training, over its windows.
        evaluated = run.config.execution.eval_points * run.config.train.eval_windows * run.horizon.context
        share = evaluated / 3 / run.horizon.tokens
        return per_step * run.horizon.steps * (1 + share)

    return seconds


def _flops_per_step(run: PlannedRun) -> float:
    return flops_executed(run.config, run.horizon) / run.horizon.steps


def _seconds_per_step(run: PlannedRun, device: torch.device) -> float:
    config = run.config
    if device.type == "cpu":
        torch.set_num_threads(config.execution.threads)
    windows = min(run.horizon.batch_windows, max(1, LONGEST_TIMED // config.model.context))
    shape = (windows, config.model.context + 1)
    ids = torch.randint(config.model.vocab_size, shape, generator=torch.Generator().manual_seed(0)).to(device)
    learner = make_learner(config, device, windows)
    times: list[float] = []
    for step in range(1 + STEPS_TIMED):
        started = time.perf_counter()
        update(learner, ids, step, rate=1e-3).loss.item()  # waits for the device
        times.append(time.perf_counter() - started)
        if times[-1] > PATIENCE_SECONDS:
            break
    return float(np.median(times[1:] or times)) * run.horizon.batch_windows / windows
