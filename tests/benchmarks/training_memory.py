"""The memory of a contender's step: the process's peak above what it was before the model, in a process of its own."""

import multiprocessing
import re
from pathlib import Path

import torch

from tests.benchmarks.trainers import Choice, make_trainer
from tests.benchmarks.training_setup import Task


def peak_bytes(choice: Choice, task: Task, steps: int = 3) -> int | None:
    """Weights, gradients, optimizer, activations and the code they load. None where there is no /proc."""
    if not Path("/proc/self/status").exists():
        return None
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (choice, task, steps, torch.get_num_threads()))


def _measure(choice: Choice, task: Task, steps: int, threads: int) -> int:
    torch.set_num_threads(threads)
    torch.randn(64, 64) @ torch.randn(64, 64)
    before = _status("VmRSS")
    trainer = make_trainer(choice, task)
    for step in range(steps):
        trainer.step(task.batch(step), step, 1e-3)
    return _status("VmHWM") - before


def _status(key: str) -> int:
    found = re.search(rf"^{key}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None, f"/proc/self/status has no {key}"
    return int(found[1]) * 1024
