"""One run, from a config and a corpus to an outcome, read from top to bottom.

Shapes: B windows per step, b windows per micro-batch, T context, V vocabulary, S = T + 1.
"""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.corpus.batches import BatchOrder, gather
from workbench.corpus.shards import Corpus
from workbench.errors import Stopped
from workbench.models.decoder import Decoder, build
from workbench.training import checkpoint
from workbench.training.config import RunConfig, TrainConfig
from workbench.training.devices import peak_memory_bytes, pick_device
from workbench.training.evaluate import Evaluator, evaluation_steps
from workbench.training.horizon import check_corpus, resolve
from workbench.training.schedule import rate_at

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
    since_row: int = 0


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

    model = build(config.model, config.seed_init).to(device)
    optimizer = adamw(model, settings)
    scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "fp16")
    progress = resume(checkpoints, model, optimizer, scaler)
    forward = cast(nn.Module, torch.compile(model)) if execution.compile else model
    evaluate = Evaluator(corpus, config.model.context, settings.eval_windows, device)
    order = BatchOrder(len(corpus.train), config.model.context, config.seed_data)
    eval_steps = evaluation_steps(horizon.steps, execution.eval_points)
    log_every = max(1, horizon.steps // execution.log_points)
    micro_batch = execution.micro_batch or horizon.batch_windows
    flops_per_step = horizon.flops / horizon.steps

    started = time.perf_counter() - progress.seconds
    last_save = time.perf_counter()
    exact = torch.float32 if device.type == "mps" else torch.float64  # MPS has no float64
    loss_sum = torch.full((), progress.loss_sum, dtype=exact, device=device)

    def save(with_optimizer: bool) -> None:
        progress.seconds, progress.loss_sum = time.perf_counter() - started, loss_sum.item()
        state = {**vars(progress), "scaler": scaler.state_dict()}
        checkpoint.save(checkpoints, progress.step, model, optimizer if with_optimizer else None, state)

    def outcome(status: str, error: str = "") -> Outcome:
        seconds = time.perf_counter() - started
        return Outcome(status, progress.rows, seconds, peak_memory_bytes(device), str(device), model, error)

    while progress.step < horizon.steps:
        if stop():
            if progress.step:
                save(with_optimizer=True)
            raise Stopped(f"stopped after step {progress.step} of {horizon.steps}; run again to resume")
        rate = rate_at(progress.step, horizon, settings.schedule, settings.final_rate_fraction)
        windows_B = order.windows(progress.step, horizon.batch_windows)
        ids_BS = to_device(gather(corpus.train, windows_B, config.model.context), device)
        loss, gradient_norm = update(forward, optimizer, scaler, ids_BS, rate, micro_batch, settings)
        loss_sum += loss
        progress.step += 1
        progress.since_row += 1

        evaluating = progress.step in eval_steps
        if evaluating or progress.step % log_every == 0:
            held_out = evaluate(model) if evaluating else None
            row: Row = {
                "step": progress.step,
                "tokens": progress.step * horizon.batch_tokens,
                "flops": progress.step * flops_per_step,
                "seconds": time.perf_counter() - started,
                "learning_rate": rate,
                "train_loss": loss_sum.item() / progress.since_row,
                "grad_norm": gradient_norm.item(),
                "loss": held_out.loss if held_out else math.nan,
                "loss_se": held_out.loss_se if held_out else math.nan,
                "bpb": held_out.bpb if held_out else math.nan,
                "point": "final" if progress.step == horizon.steps else "mid-schedule",
            }
            progress.rows.append(row)
            progress.since_row = 0
            loss_sum.zero_()
            log(row)
            broken = not math.isfinite(row["train_loss"]) or bool(held_out and not math.isfinite(held_out.loss))
            if broken:
                return outcome("diverged", f"the loss is not finite at step {progress.step} of {horizon.steps}")
        if time.perf_counter() - last_save >= execution.checkpoint_seconds and progress.step < horizon.steps:
            save(with_optimizer=True)
            last_save = time.perf_counter()

    save(with_optimizer=False)
    return outcome("done")


def update(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    ids_BS: Tensor,
    rate: float,
    micro_batch: int,
    settings: TrainConfig,
) -> tuple[Tensor, Tensor]:
    """One optimizer step on a batch, in micro-batches; returns its mean loss and the norm of the unclipped gradient."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    total = torch.zeros((), device=ids_BS.device)
    for ids_bS in ids_BS.split(micro_batch):
        with autocast(settings, ids_BS.device):
            logits_bTV = model(ids_bS[:, :-1])
        nll = F.cross_entropy(logits_bTV.float().flatten(0, 1), ids_bS[:, 1:].flatten())
        nll = nll * (len(ids_bS) / len(ids_BS))
        scaler.scale(nll).backward()
        total += nll.detach()
    scaler.unscale_(optimizer)
    largest = settings.clip or math.inf
    gradient_norm = nn.utils.clip_grad_norm_(model.parameters(), largest)
    scaler.step(optimizer)
    scaler.update()
    return total, gradient_norm


def adamw(model: nn.Module, settings: TrainConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 1711.05101): matrices decay, vectors (biases, norm gains) do not."""
    parameters = list(model.parameters())
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=(settings.beta1, settings.beta2), eps=settings.epsilon, fused=True)


def autocast(settings: TrainConfig, device: torch.device) -> AbstractContextManager[Any]:
    """The arithmetic of the forward pass; softmax, norms and the loss stay in float32."""
    if settings.precision == "fp32":
        return nullcontext()
    dtype = torch.bfloat16 if settings.precision == "bf16" else torch.float16
    return torch.autocast(device.type, dtype=dtype)


def resume(
    checkpoints: Path, model: nn.Module, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler
) -> Progress:
    """Where the newest checkpoint left off, its arrays loaded; the beginning where there is none."""
    newest = checkpoint.latest(checkpoints)
    if newest is None:
        return Progress()
    resumable = (newest / "optimizer.safetensors").is_file()
    state = checkpoint.restore(newest, model, optimizer if resumable else None)
    scaler.load_state_dict(state["scaler"])
    return Progress(**{name: state[name] for name in Progress.__dataclass_fields__})


def to_device(ids: "np.ndarray[Any, Any]", device: torch.device) -> Tensor:
    """Token ids on the device; pinned and asynchronous where that helps."""
    tensor = torch.from_numpy(ids)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
