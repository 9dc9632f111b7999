"""What a run in training remembers and says: its curve, its sums since the last row, when it is measured."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from workbench.training.config import RunConfig
from workbench.training.evaluate import Evaluator, evaluation_steps, evaluations
from workbench.training.horizon import Horizon
from workbench.training.noise_scale import noise_columns
from workbench.training.schedule import rate_at
from workbench.training.step import Measured

Row = dict[str, Any]

SUMS = ("loss_sum", "gradient_square_sum", "gradient_trace_sum")


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
    branch_step: int = 0
    """The step at which the run left another's trunk; 0 for one trained alone."""
    trunk_seconds: float = 0.0
    """Of `seconds`, those before it."""

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Progress":
        """From a checkpoint's state."""
        return cls(**{name: state[name] for name in cls.__dataclass_fields__ if name in state})


class Recording:
    """One run's curve as it is made. Nothing here waits for the device but a row."""

    def __init__(self, config: RunConfig, horizon: Horizon, progress: Progress, device: torch.device) -> None:
        self.config, self.horizon, self.progress = config, horizon, progress
        self.eval_steps = evaluation_steps(horizon.steps, evaluations(config, horizon))
        self.log_every = max(1, horizon.steps // config.execution.log_points)
        self.started = time.perf_counter() - progress.seconds
        exact = torch.float32 if device.type == "mps" else torch.float64  # MPS has no float64
        self.sums = torch.tensor([getattr(progress, name) for name in SUMS], dtype=exact, device=device)

    @property
    def ended(self) -> bool:
        """Whether the horizon is reached."""
        return self.progress.step >= self.horizon.steps

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        settings = self.config.train
        return rate_at(self.progress.step, self.horizon, settings.schedule, settings.final_rate_fraction)

    def add(self, measured: Measured) -> None:
        """Count a step."""
        self.sums += torch.stack((measured.loss, measured.gradient_square, measured.gradient_trace))
        self.progress.step += 1
        self.progress.since_row += 1

    @property
    def due(self) -> bool:
        """Whether the step just counted makes a row."""
        return self._evaluating or self.progress.step % self.log_every == 0

    @property
    def _evaluating(self) -> bool:
        return self.progress.step in self.eval_steps

    def row(self, rate: float, gradient_norm: Tensor, model: nn.Module, evaluate: Evaluator) -> Row:
        """Make the row of the step just counted, and begin the next sums."""
        progress, horizon = self.progress, self.horizon
        held_out = evaluate(model) if self._evaluating else None
        loss_sum, square_sum, trace_sum = self.sums.tolist()
        row: Row = {
            "step": progress.step,
            "tokens": progress.step * horizon.batch_tokens,
            "flops": progress.step * (horizon.flops / horizon.steps),
            "seconds": time.perf_counter() - self.started,
            "learning_rate": rate,
            "train_loss": loss_sum / progress.since_row,
            "grad_norm": gradient_norm.item(),
            **noise_columns(square_sum, trace_sum, progress.since_row),
            "loss": held_out.loss if held_out else math.nan,
            "loss_se": held_out.loss_se if held_out else math.nan,
            "bpb": held_out.bpb if held_out else math.nan,
            "point": "final" if self.ended else "mid-schedule",
        }
        progress.rows.append(row)
        progress.since_row = 0
        self.sums.zero_()
        return row

    @property
    def broken(self) -> str:
        """What is wrong where the newest row has a loss that is not finite; else nothing."""
        row = self.progress.rows[-1]
        measured = [row["train_loss"], *([row["loss"]] if row["step"] in self.eval_steps else [])]
        if all(math.isfinite(loss) for loss in measured):
            return ""
        return f"the loss is not finite at step {row['step']} of {self.horizon.steps}"

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        self.progress.seconds = time.perf_counter() - self.started
        vars(self.progress).update(zip(SUMS, self.sums.tolist(), strict=True))
        return dict(vars(self.progress))

    def branch(self) -> dict[str, Any]:
        """For the checkpoint of a run that leaves this one here."""
        state = self.state()
        return state | {"branch_step": state["step"], "trunk_seconds": state["seconds"]}
