"""One run, from a config and a corpus to an outcome, read from top to bottom.

Shapes: B windows per step, T context, S = T + 1.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.corpus.batches import BatchOrder, gather
from workbench.corpus.shards import Corpus
from workbench.errors import Stopped
from workbench.models.build import Model
from workbench.models.decoder import Decoder
from workbench.training import checkpoint
from workbench.training.config import ExecutionConfig, RunConfig
from workbench.training.devices import peak_memory_bytes, pick_device
from workbench.training.evaluate import Evaluator
from workbench.training.horizon import check_corpus, resolve
from workbench.training.learner import Learner, make_learner
from workbench.training.recompute import keep_activations
from workbench.training.recording import Progress, Recording, Row
from workbench.training.step import update


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    status: str
    """`done`, or `diverged` when the loss or a gradient stopped being finite."""
    rows: list[Row]
    """The curve; see the `curves` table of the store."""
    seconds: float
    peak_memory_bytes: int
    device: str
    model: Model = field(repr=False)
    error: str = ""
    branch_step: int = 0
    """Where it left another run's trunk; 0 for a run trained alone."""
    trunk_seconds: float = 0.0
    """Of `seconds`, those before it."""


Branches = Sequence[tuple[int, Path]]
"""Step → the folder of checkpoints of a run that leaves the trunk there."""


def train(
    config: RunConfig,
    corpus: Corpus,
    checkpoints: Path,
    log: Callable[[Row], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    branches: Branches = (),
) -> Outcome:
    """Train one model to its horizon, resuming from the newest checkpoint in `checkpoints`.

    `log` is called with every row of the curve as it is made; when `stop` turns true the run saves a checkpoint and
    raises `Stopped`. At every one of its `branches` it leaves a checkpoint for a run of the same trunk to go on from.
    On one CPU and thread count, a resumed run equals an uninterrupted one bit for bit.
    """
    horizon, context = resolve(config), config.model.context
    check_corpus(config, corpus)
    device = prepare_device(config.execution)
    learner = make_learner(config, device, horizon.batch_windows)
    recording = Recording(config, horizon, resume(checkpoints, learner), device)
    evaluate = Evaluator(corpus, context, config.train.eval_windows, device)
    order = BatchOrder(len(corpus.train), context, config.seed_data)
    progress, last_save = recording.progress, time.perf_counter()

    def save(with_optimizer: bool) -> None:
        state = {**recording.state(), "scaler": learner.scaler.state_dict()}
        optimizer = learner.optimizer if with_optimizer else None
        checkpoint.save(checkpoints, progress.step, learner.model, optimizer, state)

    def outcome(status: str, error: str = "") -> Outcome:
        seconds, model = time.perf_counter() - recording.started, learner.model.eval()
        if isinstance(model, Decoder):
            keep_activations(model)
        return Outcome(
            status, progress.rows, seconds, peak_memory_bytes(device), str(device), model, error,
            progress.branch_step, progress.trunk_seconds,
        )  # fmt: skip

    def plant() -> None:
        for step, folder in branches:
            if step == progress.step and not checkpoint.latest(folder):
                state = {**recording.branch(), "scaler": learner.scaler.state_dict()}
                checkpoint.plant(folder, step, learner.model, learner.optimizer, state)

    while not recording.ended:
        if stop():
            if progress.step:
                save(with_optimizer=True)
            raise Stopped(f"stopped after step {progress.step} of {horizon.steps}; run again to resume")
        rate = recording.rate
        windows_B = order.windows(progress.step, horizon.batch_windows)
        ids_BS = to_device(gather(corpus.train, windows_B, context), device)
        measured = update(learner, ids_BS, progress.step, rate)
        recording.add(measured)
        if recording.due:
            log(recording.row(rate, measured.gradient_norm, learner.model, evaluate))
            if recording.broken:
                return outcome("diverged", recording.broken)
        plant()
        if time.perf_counter() - last_save >= config.execution.checkpoint_seconds and not recording.ended:
            save(with_optimizer=True)
            last_save = time.perf_counter()

    save(with_optimizer=False)
    return outcome("done")


def save_final(checkpoints: Path, step: int, outcome: Outcome) -> None:
    """Save a finished run as `train` leaves it: `train` would find it, and end at once with the same outcome."""
    progress = Progress(step, outcome.seconds, outcome.rows)
    checkpoint.save(checkpoints, step, outcome.model, None, {**vars(progress), "scaler": {}})


def prepare_device(execution: ExecutionConfig) -> torch.device:
    """The device, its threads and its arithmetic as a run is to be executed."""
    device = pick_device(execution.device)
    torch.set_num_threads(execution.threads)
    torch.backends.cuda.matmul.allow_tf32 = execution.tf32
    return device


def resume(checkpoints: Path, learner: Learner) -> Progress:
    """Where the newest checkpoint left off, its arrays loaded; the beginning where there is none."""
    newest = checkpoint.latest(checkpoints)
    if newest is None:
        return Progress()
    resumable = (newest / "optimizer.safetensors").is_file()
    state = checkpoint.restore(newest, learner.model, learner.optimizer if resumable else None)
    learner.scaler.load_state_dict(state["scaler"])
    return Progress.of(state)


def to_device(ids: "np.ndarray[Any, Any]", device: torch.device) -> Tensor:
    """Token ids on the device; pinned and asynchronous where that helps."""
    tensor = torch.from_numpy(ids)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
