"""One run, from a config and a corpus to an outcome, read from top to bottom.

Shapes: B windows per step, T context, S = T + 1.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.corpus.batches import BatchOrder, gather
from workbench.corpus.shards import Corpus
from workbench.errors import Stopped
from workbench.models.decoder import Decoder
from workbench.training import checkpoint
from workbench.training.config import RunConfig
from workbench.training.devices import peak_memory_bytes, pick_device
from workbench.training.evaluate import Evaluator, evaluation_steps
from workbench.training.horizon import check_corpus, resolve
from workbench.training.learner import Learner, make_learner
from workbench.training.noise_scale import noise_scale
from workbench.training.recompute import keep_activations
from workbench.training.schedule import rate_at
from workbench.training.step import update

Row = dict[str, Any]


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
    model: Decoder = field(repr=False)
    error: str = ""


@dataclass
class Progress:
    """What a checkpoint remembers beside the arrays."""

    step: int = 0
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    loss_sum: float = 0.0
    """Sum of the training losses since the last row."""
    gradient_square_sum: float = 0.0
    gradient_trace_sum: float = 0.0
    """Sums of the noise scale's two estimates since the last row."""
    since_row: int = 0


SUMS = ("loss_sum", "gradient_square_sum", "gradient_trace_sum")


def train(
    config: RunConfig,
    corpus: Corpus,
    checkpoints: Path,
    log: Callable[[Row], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train one model to its horizon, resuming from the newest checkpoint in `checkpoints`.

    `log` is called with every row of the curve as it is made; when `stop` turns true the run saves a checkpoint and
    raises `Stopped`. On one CPU and thread count, a resumed run equals an uninterrupted one bit for bit.
    """
    horizon, settings, execution = resolve(config), config.train, config.execution
    check_corpus(config, corpus)
    device = pick_device(execution.device)
    torch.set_num_threads(execution.threads)
    torch.backends.cuda.matmul.allow_tf32 = execution.tf32

    learner = make_learner(config, device, horizon.batch_windows)
    progress = resume(checkpoints, learner)
    evaluate = Evaluator(corpus, config.model.context, settings.eval_windows, device)
    order = BatchOrder(len(corpus.train), config.model.context, config.seed_data)
    eval_steps = evaluation_steps(horizon.steps, execution.eval_points)
    log_every = max(1, horizon.steps // execution.log_points)
    flops_per_step = horizon.flops / horizon.steps

    started = time.perf_counter() - progress.seconds
    last_save = time.perf_counter()
    exact = torch.float32 if device.type == "mps" else torch.float64  # MPS has no float64
    sums = torch.tensor([getattr(progress, name) for name in SUMS], dtype=exact, device=device)

    def save(with_optimizer: bool) -> None:
        progress.seconds = time.perf_counter() - started
        vars(progress).update(zip(SUMS, sums.tolist(), strict=True))
        state = {**vars(progress), "scaler": learner.scaler.state_dict()}
        optimizer = learner.optimizer if with_optimizer else None
        checkpoint.save(checkpoints, progress.step, learner.model, optimizer, state)

    def outcome(status: str, error: str = "") -> Outcome:
        seconds, model = time.perf_counter() - started, learner.model.eval()
        keep_activations(model)
        return Outcome(status, progress.rows, seconds, peak_memory_bytes(device), str(device), model, error)

    while progress.step < horizon.steps:
        if stop():
            if progress.step:
                save(with_optimizer=True)
            raise Stopped(f"stopped after step {progress.step} of {horizon.steps}; run again to resume")
        rate = rate_at(progress.step, horizon, settings.schedule, settings.final_rate_fraction)
        windows_B = order.windows(progress.step, horizon.batch_windows)
        ids_BS = to_device(gather(corpus.train, windows_B, config.model.context), device)
        measured = update(learner, ids_BS, progress.step, rate)
        sums += torch.stack((measured.loss, measured.gradient_square, measured.gradient_trace))
        progress.step += 1
        progress.since_row += 1

        evaluating = progress.step in eval_steps
        if evaluating or progress.step % log_every == 0:
            held_out = evaluate(learner.model) if evaluating else None
            loss_sum, square_sum, trace_sum = sums.tolist()
            row: Row = {
                "step": progress.step,
                "tokens": progress.step * horizon.batch_tokens,
                "flops": progress.step * flops_per_step,
                "seconds": time.perf_counter() - started,
                "learning_rate": rate,
                "train_loss": loss_sum / progress.since_row,
                "grad_norm": measured.gradient_norm.item(),
                "noise_scale": noise_scale(square_sum, trace_sum),
                "loss": held_out.loss if held_out else math.nan,
                "loss_se": held_out.loss_se if held_out else math.nan,
                "bpb": held_out.bpb if held_out else math.nan,
                "point": "final" if progress.step == horizon.steps else "mid-schedule",
            }
            progress.rows.append(row)
            progress.since_row = 0
            sums.zero_()
            log(row)
            broken = not math.isfinite(row["train_loss"]) or bool(held_out and not math.isfinite(held_out.loss))
            if broken:
                return outcome("diverged", f"the loss is not finite at step {progress.step} of {horizon.steps}")
        if time.perf_counter() - last_save >= execution.checkpoint_seconds and progress.step < horizon.steps:
            save(with_optimizer=True)
            last_save = time.perf_counter()

    save(with_optimizer=False)
    return outcome("done")


def resume(checkpoints: Path, learner: Learner) -> Progress:
    """Where the newest checkpoint left off, its arrays loaded; the beginning where there is none."""
    newest = checkpoint.latest(checkpoints)
    if newest is None:
        return Progress()
    resumable = (newest / "optimizer.safetensors").is_file()
    state = checkpoint.restore(newest, learner.model, learner.optimizer if resumable else None)
    learner.scaler.load_state_dict(state["scaler"])
    return Progress(**{name: state[name] for name in Progress.__dataclass_fields__ if name in state})


def to_device(ids: "np.ndarray[Any, Any]", device: torch.device) -> Tensor:
    """Token ids on the device; pinned and asynchronous where that helps."""
    tensor = torch.from_numpy(ids)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
