"""What one run is: a frozen `RunConfig` of a corpus, a model, how it is trained, two seeds, and how it is executed."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workbench.corpus.config import CorpusConfig
from workbench.models.config import ModelConfig

Schedule = Literal["cosine", "wsd", "linear", "constant"]
Precision = Literal["fp32", "bf16", "fp16"]


class Frozen(BaseModel):
    """A config: immutable, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class TrainConfig(Frozen):
    """How a model is trained. One of the four horizons is given; batch, rate, warm-up and decay follow from it."""

    tokens: int | None = Field(default=None, gt=0)
    """Horizon as D: tokens seen in training."""
    steps: int | None = Field(default=None, gt=0)
    """Horizon as optimizer steps; needs `batch_tokens`."""
    flops: float | None = Field(default=None, gt=0)
    """Horizon as C: training FLOPs by the model's exact count."""
    tokens_per_param: float | None = Field(default=None, gt=0)
    """Horizon as D/N, N being all parameters."""

    batch_tokens: int | None = Field(default=None, gt=0)
    """Tokens per optimizer step, rounded to whole windows; unset, the batch rule of `horizon.py` gives it."""
    learning_rate: float | None = Field(default=None, gt=0)
    """Peak rate; unset, the rate rule of `horizon.py` gives it."""
    rate_factor: float = Field(default=1.0, gt=0)
    """Multiplies the peak rate: 0.5 and 2 check the rule."""

    schedule: Schedule = "cosine"
    """Linear warm-up, then this, to `final_rate_fraction` of the peak, over exactly this run's horizon."""
    warmup_fraction: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps spent warming up: scales with the run, as it must (Porian et al. 2024, section 3.3)."""
    decay_fraction: float = Field(default=0.2, gt=0, le=1)
    """Share of the steps in the final decay of `wsd`."""
    final_rate_fraction: float = Field(default=0.0, ge=0, le=1)
    """Rate at the end of the schedule, as a share of the peak."""

    beta1: float = Field(default=0.9, ge=0, lt=1)
    """AdamW's first moment."""
    beta2: float = Field(default=0.99, ge=0, lt=1)
    """AdamW's second moment; small batches want more memory than GPT-3's 0.95 (Porian et al. 2024, section 3.4)."""
    epsilon: float = Field(default=1e-8, gt=0)
    """AdamW's denominator."""
    weight_decay: float = Field(default=0.1, ge=0)
    """Decoupled decay of matrices; vectors and scalars are not decayed."""
    clip: float = Field(default=1.0, ge=0)
    """Largest global gradient norm; 0 means no clipping."""
    precision: Precision = "fp32"
    """Arithmetic of the forward and backward pass; weights and optimizer state stay in float32."""
    eval_windows: int = Field(default=256, gt=0)
    """Held-out windows in every evaluation: the same ones for every run of a corpus and context."""

    @model_validator(mode="after")
    def _one_horizon(self) -> Self:
        given = [name for name in HORIZONS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are both given; a run has one horizon")
        if self.steps is not None and self.batch_tokens is None:
            raise ValueError("steps is given without batch_tokens; a horizon in steps needs the batch")
        if self.schedule == "wsd" and self.warmup_fraction + self.decay_fraction > 1:
            raise ValueError("warmup_fraction + decay_fraction is above 1; they share the run's steps")
        return self


HORIZONS = ("tokens", "steps", "flops", "tokens_per_param")


class ExecutionConfig(Frozen):
    """How a run is executed: recorded beside its result, and no part of its identity."""

    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$")
    """`auto` takes CUDA where there is one."""
    threads: int = Field(default=1, gt=0)
    """Threads of a CPU run; one per run with several runs side by side is fastest for small models."""
    micro_batch: int | None = Field(default=None, gt=0)
    """Windows per forward pass; unset, the whole batch. Smaller values accumulate gradients."""
    compile: bool = False
    """torch.compile: repaid by long GPU runs, not by short CPU ones."""
    log_points: int = Field(default=100, gt=0)
    """Rows of a run's training curve."""
    eval_points: int = Field(default=8, gt=0)
    """Held-out evaluations along the way, spaced geometrically; the last is the end."""
    checkpoint_seconds: float = Field(default=30.0, ge=0)
    """Time between checkpoints: the most work that an interruption can lose. 0 saves at every step."""
    tf32: bool = False
    """Let CUDA multiply float32 matrices in TF32."""


class RunConfig(Frozen):
    """One run: everything that determines its result, and how to execute it."""

    corpus: CorpusConfig = CorpusConfig()
    """What it reads."""
    model: ModelConfig
    """What it trains; `vocab_size` is the tokenizer's unless given."""
    train: TrainConfig
    """How."""
    seed_init: int = Field(default=0, ge=0, lt=2**31)
    """Seed of the initial weights."""
    seed_data: int = Field(default=0, ge=0, lt=2**31)
    """Seed of the batch order."""
    execution: ExecutionConfig = ExecutionConfig()
    """On what."""

    @model_validator(mode="after")
    def _has_horizon(self) -> Self:
        if all(getattr(self.train, name) is None for name in HORIZONS):
            raise ValueError(f"train has no horizon; give one of {', '.join(HORIZONS)}")
        return self
