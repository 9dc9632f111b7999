"""What a run will cost in time: a few real steps of the plan's smallest, middle and largest step, interpolated.

Cost in time is not cost in FLOPs: a tiny model spends its time between the matrix products. What was measured on this
machine before is not measured again; see calibration.py.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.runner.calibration import UNTIMED, Calibrations, Taken, Timing, machine
from workbench.runner.packing import candidates
from workbench.runner.plan import Kind, Plan, PlannedRun
from workbench.training.devices import pick_device
from workbench.training.evaluate import evaluations
from workbench.training.executed import flops_executed
from workbench.training.learner import make_learner
from workbench.training.pack import make_pack, update_pack
from workbench.training.packable import OWN
from workbench.training.step import Measured, update

Timed = TypeVar("Timed")

STEPS_TIMED = 3
LONGEST_TIMED = 8192
"""Tokens of a timed step at most: a larger step is a multiple of it, and need not be waited for."""
STEPS_TIMED_OF_PACKS = 8
PAYS = 1.15
"""Gain from which runs are packed: a pack's runs are done only when all are, and a measured gain is noisy."""
WITHOUT_EFFECT = {"device", "log_points", "eval_points", "checkpoint_seconds"}
"""Fields of `ExecutionConfig` that change nothing about a step; the device is named by what it is."""
PATIENCE_SECONDS = 2.0
"""When a step takes longer, one is enough."""


@dataclass(frozen=True)
class Calibration:
    """Run → seconds, by the steps that were measured."""

    log_flops: NDArray[np.float64]
    """Ascending."""
    log_seconds: NDArray[np.float64]
    """Of the step of so many FLOPs."""
    timing: Timing
    _known: dict[Kind, tuple[PlannedRun, float]] = field(default_factory=dict, repr=False, compare=False)
    """By kind, with a run that has its parts, as a kind holds no longer than they do."""

    def __call__(self, run: PlannedRun) -> float:
        """Estimated seconds, evaluations included; NaN where nothing was measured."""
        if not len(self.log_flops):
            return math.nan
        kind = run.kind
        if kind not in self._known:
            self._known[kind] = (run, self._seconds(run))
        return self._known[kind][1]

    def _seconds(self, run: PlannedRun) -> float:
        wanted = math.log(_flops_per_step(run))
        per_step = math.exp(np.interp(wanted, self.log_flops, self.log_seconds))
        # An evaluation is a forward pass, a third of training, over its windows.
        evaluated = evaluations(run.config, run.horizon) * run.config.train.eval_windows * run.horizon.context
        share = evaluated / 3 / run.horizon.tokens
        return per_step * run.horizon.steps * run.own_share * (1 + share)


def calibrate(
    runs: Sequence[PlannedRun], device_name: str = "auto", calibrations: Calibrations | None = None
) -> Calibration:
    """Up to three kinds of step timed on this device, now or in `calibrations`."""
    calibrations = calibrations or Calibrations()
    if not runs:
        return Calibration(np.empty(0), np.empty(0), UNTIMED)
    device = pick_device(device_name)
    chosen = _smallest_middle_largest({_flops_per_step(run): run for run in {run.kind: run for run in runs}.values()})
    taken = [_step(run, device, calibrations) for run in chosen.values()]
    per_step = [
        each.value * run.horizon.batch_windows / _timed_windows(run)
        for each, run in zip(taken, chosen.values(), strict=True)
    ]
    if device.type == "cuda":
        torch.cuda.empty_cache()  # this process lives on beside the workers
    return Calibration(np.log(list(chosen)), np.log(per_step), Timing(tuple(taken)))


def with_packs(
    plan: Plan,
    runs: Sequence[PlannedRun],
    slots: int,
    device_name: str,
    choice: str = "auto",
    calibrations: Calibrations | None = None,
) -> Plan:
    """The plan with those of `runs` packed that are trained faster so; `always` packs all that can be, `never` none.

    Small, middle and large packs are measured against one of their runs alone, and the gain is interpolated in the
    logarithm of a step's FLOPs: it falls from launch-bound steps to those that fill the caches by themselves.
    """
    packs = candidates(runs, slots) if choice != "never" else []
    if choice == "auto" and packs:
        device = pick_device(device_name)
        chosen = _smallest_middle_largest({_flops_per_step(pack[0]): pack for pack in packs})
        taken = [_gain(pack, device, calibrations or Calibrations()) for pack in chosen.values()]
        gains = [each.value for each in taken]
        log_flops = np.log(list(chosen))
        faster = [float(np.interp(np.log(_flops_per_step(pack[0])), log_flops, gains)) for pack in packs]
        kept = [(pack, gain) for pack, gain in zip(packs, faster, strict=True) if gain >= PAYS]
        packs = [pack for pack, _ in kept]
        shorter = {run.run_id: run.seconds / gain for pack, gain in kept for run in pack}
        runs = [replace(run, seconds=shorter.get(run.run_id, run.seconds)) for run in plan.runs]
        plan = replace(plan, runs=tuple(runs), timing=Timing((*plan.timing.taken, *taken)))
    return replace(plan, packs=tuple(tuple(run.run_id for run in pack) for pack in packs))


def _gain(pack: Sequence[PlannedRun], device: torch.device, calibrations: Calibrations) -> Taken:
    """How many times as fast a step of the pack is as one step after another of its runs."""
    facts = _facts(pack[0], device) | {"what": "gain of a pack", "members": len(pack)}
    return calibrations.get(facts, lambda: _measured_gain(pack, device))


def _measured_gain(pack: Sequence[PlannedRun], device: torch.device) -> float:
    windows, ids = _timed_batch(pack[0], device)
    learner = make_learner(pack[0].config, device, windows)
    packed, ids_KBS = make_pack([run.config for run in pack], device), ids.expand(len(pack), *ids.shape)
    acts: dict[str, Callable[[], Measured]] = {
        "alone": lambda: update(learner, ids, 0, 1e-3),
        "together": lambda: update_pack(packed, ids_KBS, [1e-3] * len(pack))[0],
    }
    seconds: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(1 + STEPS_TIMED_OF_PACKS):  # in turns, so that other work on the machine hurts both
        for name, act in acts.items():
            started = time.perf_counter()
            act().loss.item()  # waits for the device
            seconds[name].append(time.perf_counter() - started)
    return len(pack) * min(seconds["alone"][1:]) / min(seconds["together"][1:])


def _smallest_middle_largest(by_flops: Mapping[float, Timed]) -> dict[float, Timed]:
    """What is to be timed, by its FLOPs, ascending."""
    keys = sorted(by_flops)
    return {keys[index]: by_flops[keys[index]] for index in sorted({0, len(keys) // 2, len(keys) - 1})}


def _flops_per_step(run: PlannedRun) -> float:
    return flops_executed(run.config, run.horizon) / run.horizon.steps


def _step(run: PlannedRun, device: torch.device, calibrations: Calibrations) -> Taken:
    """Seconds of a step of at most LONGEST_TIMED tokens."""
    facts = _facts(run, device) | {"what": "seconds of a step"}
    return calibrations.get(facts, lambda: _measured_step(run, device))


def _facts(run: PlannedRun, device: torch.device) -> dict[str, Any]:
    """What a time depends on: the machine, the code, and of a run what makes its step. Rates and seeds do not."""
    config = run.config
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    return machine() | {
        "device": f"{device.type} {name}",
        "torch": torch.__version__,
        "windows": _timed_windows(run),
        "model": config.model.model_dump(mode="json"),
        "train": config.train.model_dump(mode="json", exclude=OWN | {"eval_windows"}),
        "execution": config.execution.model_dump(mode="json", exclude=WITHOUT_EFFECT),
    }


def _measured_step(run: PlannedRun, device: torch.device) -> float:
    config = run.config
    if device.type == "cpu":
        torch.set_num_threads(config.execution.threads)
    windows, ids = _timed_batch(run, device)
    learner = make_learner(config, device, windows)
    times: list[float] = []
    for step in range(1 + STEPS_TIMED):
        started = time.perf_counter()
        update(learner, ids, step, rate=1e-3).loss.item()  # waits for the device
        times.append(time.perf_counter() - started)
        if times[-1] > PATIENCE_SECONDS:
            break
    return float(np.median(times[1:] or times))


def _timed_windows(run: PlannedRun) -> int:
    """Windows of a timed step."""
    return min(run.horizon.batch_windows, max(1, LONGEST_TIMED // run.config.model.context))


def _timed_batch(run: PlannedRun, device: torch.device) -> tuple[int, Tensor]:
    """A timed step's windows, and random ids for it."""
    model = run.config.model
    windows = _timed_windows(run)
    shape = (windows, model.context + 1)
    return windows, torch.randint(model.vocab_size, shape, generator=torch.Generator().manual_seed(0)).to(device)
