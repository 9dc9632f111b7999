"""What one run is: a frozen `RunConfig` of a corpus, a model, how it is trained, two seeds, and how it is executed."""

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from workbench.corpus.config import CorpusConfig
from workbench.models.config import DECODER, ModelConfig
from workbench.training.rules import BatchRuleName, PowerRule, RuleName

Schedule = Literal["cosine", "wsd", "linear", "constant", "inverse-sqrt"]
Optimizer = Literal["adamw", "adamw-8bit", "lion", "muon", "sgd"]
Adversary = Literal["none", "fgm", "pgd"]
Precision = Literal["fp32", "bf16", "fp16"]

WARMUP_FRACTION = 0.1


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
    """Tokens per optimizer step, rounded to whole windows; unset, `batch_rule` gives it."""
    learning_rate: float | None = Field(default=None, gt=0)
    """Peak rate; unset, `rate_rule` gives it."""
    batch_rule: BatchRuleName | PowerRule = "workbench"
    """Batch as a function of the horizon: ours, Step Law's, DeepSeek's, or a table of `constant`, `n`, `d`, `c`, the
    powers of N, D and C; `training/rules.py` has formulas and sources."""
    rate_rule: RuleName | PowerRule = "workbench"
    """Peak rate as a function of the run: ours, Step Law's, DeepSeek's, Kaplan's, or a table of `constant`, `n`, `d`,
    `c`, `batch`, the powers of N, D, C and the batch in tokens."""
    rate_factor: float = Field(default=1.0, gt=0)
    """Multiplies the peak rate: 0.5 and 2 check the rule."""

    schedule: Schedule = "cosine"
    """Linear warm-up, then this, to `final_rate_fraction` of the peak, over exactly this run's horizon; `constant` and
    `inverse-sqrt` (Vaswani et al. 2017, section 5.3) know no end."""
    warmup_fraction: float = Field(default=WARMUP_FRACTION, ge=0, lt=1)
    """Share of the steps spent warming up: scales with the run, as it must (Porian et al. 2024, section 3.3)."""
    warmup_tokens: int | None = Field(default=None, ge=0)
    """Warm-up in tokens, in place of the share: the same for every horizon, as GPT-3's 375M (Brown et al. 2020, B)."""
    decay_fraction: float = Field(default=0.2, gt=0, le=1)
    """Share of the steps in the final decay of `wsd`."""
    trunk: float | None = Field(default=None, gt=0)
    """Of `wsd`: the longest of the horizons that share a trunk of constant rate, in the unit of this run's own. Batch,
    rate and warm-up are those of the longest, so that all of them are one run until their decays begin."""
    final_rate_fraction: float = Field(default=0.0, ge=0, le=1)
    """Rate at the end of the schedule, as a share of the peak."""

    optimizer: Optimizer = "adamw"
    """AdamW; the same with both moments in 8 bits; Lion; Muon for the blocks' matrices with AdamW for the rest; SGD,
    which has no rate rule and needs `learning_rate`."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """AdamW's first moment; Lion's share of the momentum in the sign."""
    beta2: float = Field(default=0.99, ge=0, lt=1)
    """AdamW's second moment; small batches want more memory than GPT-3's 0.95 (Porian et al. 2024, section 3.4). Lion's
    momentum."""
    epsilon: float = Field(default=1e-8, gt=0)
    """AdamW's denominator."""
    momentum: float | None = Field(default=None, ge=0, lt=1)
    """Momentum of SGD and Muon; unset, 0.9 for SGD, 0.95 for Muon (Jordan et al. 2024)."""
    sam_radius: float = Field(default=0.0, ge=0)
    """Sharpness-aware minimisation around any optimizer: the gradient is taken this far uphill (Foret et al. 2020 have
    0.05), which doubles the FLOPs executed; 0 is none."""
    weight_decay: float = Field(default=0.1, ge=0)
    """Decoupled decay of matrices; vectors and scalars are not decayed."""
    clip: float = Field(default=1.0, ge=0)
    """Largest global gradient norm; 0 means no clipping."""
    z_loss: float = Field(default=0.0, ge=0)
    """Weight of log²(Z), Z the softmax's normaliser, in the objective: PaLM has 1e-4 (Chowdhery et al. 2022)."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of the target that is spread evenly over the vocabulary (Szegedy et al. 2015): Vaswani et al. have 0.1."""
    adversarial: Adversary = "none"
    """Train also on token embeddings moved uphill: `fgm` in one step (Miyato et al. 2016), `pgd` in several (Madry et
    al. 2017). The objective is the mean of the clean and the adversarial loss."""
    adversarial_radius: float = Field(default=0.1, gt=0)
    """Length of the move: the Euclidean norm over all the embeddings of a window. At 1 a small model only suffered."""
    adversarial_steps: int = Field(default=3, ge=1)
    """Steps of `pgd`."""
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
        return self

    @model_validator(mode="after")
    def _rules_that_are_read(self) -> Self:
        if self.batch_tokens is not None and self.batch_rule != "workbench":
            raise ValueError("batch_tokens and batch_rule are both given; a run has one of them")
        if self.learning_rate is not None and self.rate_rule != "workbench":
            raise ValueError("learning_rate and rate_rule are both given; a run has one of them")
        if isinstance(self.batch_rule, PowerRule) and self.batch_rule.batch:
            raise ValueError("batch_rule.batch is given, but the batch cannot follow itself; use n, d and c")
        return self

    @model_validator(mode="after")
    def _one_warmup(self) -> Self:
        if self.warmup_tokens is not None and self.warmup_fraction != WARMUP_FRACTION:
            raise ValueError("warmup_fraction and warmup_tokens are both given; a run has one warm-up")
        share = self.warmup_fraction if self.warmup_tokens is None else 0.0
        if self.schedule == "wsd" and share + self.decay_fraction > 1:
            raise ValueError("warmup_fraction + decay_fraction is above 1; they share the run's steps")
        if self.trunk is not None and self.schedule != "wsd":
            raise ValueError(
                f'trunk is given with schedule = "{self.schedule}", which has no constant rate to branch off'
            )
        if self.schedule == "inverse-sqrt" and self.final_rate_fraction:
            raise ValueError(
                'final_rate_fraction is given with schedule = "inverse-sqrt", which falls as the root of the step and '
                "has no end to reach it at; leave it out"
            )
        return self

    @model_validator(mode="after")
    def _a_rate_for_sgd(self) -> Self:
        if self.optimizer == "sgd" and self.learning_rate is None:
            raise ValueError('optimizer = "sgd" has no rate rule; give learning_rate')
        return self

    @property
    def horizon(self) -> float:
        """The one that is given, in its own unit."""
        return next(value for name in HORIZONS if (value := getattr(self, name)) is not None)

    @property
    def resolved_momentum(self) -> float:
        """Momentum of SGD and Muon."""
        return MOMENTUM.get(self.optimizer, 0.0) if self.momentum is None else self.momentum


HORIZONS = ("tokens", "steps", "flops", "tokens_per_param")

MOMENTUM = {"sgd": 0.9, "muon": 0.95}
"""Optimizer with a momentum → its usual one."""


class ExecutionConfig(Frozen):
    """How a run is executed: recorded beside its result, and no part of its identity."""

    device: str = "auto"
    """`auto` takes CUDA where there is one."""
    threads: int = Field(default=1, gt=0)
    """Threads of a CPU run; one per run with several runs side by side is fastest for small models."""
    micro_batch: int | None = Field(default=None, gt=0)
    """Windows per forward pass; unset, the whole batch. Smaller values accumulate gradients. Dropout's masks are drawn
    anew for each forward pass, so that with dropout another value is another draw."""
    compile: bool | Literal["reduce-overhead"] = False
    """torch.compile: repaid by long GPU runs, not by short CPU ones. `reduce-overhead` replays CUDA graphs as well, for
    models so small that starting kernels is most of a step; unmeasured."""
    log_points: int = Field(default=100, gt=0)
    """Rows of a run's training curve."""
    eval_points: int | None = Field(default=None, gt=0)
    """Held-out evaluations along the way, spaced geometrically; the last is the end. Unset, 8 or as many as take 2% of
    the run's time."""
    checkpoint_seconds: float = Field(default=30.0, ge=0)
    """Time between checkpoints: the most work that an interruption can lose. 0 saves at every step."""
    tf32: bool = False
    """Let CUDA multiply float32 matrices in TF32."""
    activation_checkpointing: bool = False
    """Keep only each block's input and compute the block again in the backward pass (Chen et al. 2016): less memory for
    each layer, and steps about a third longer."""
    chunked_loss: bool = False
    """Compute the head and its loss some rows at a time where the vocabulary is large enough for it to pay, so that the
    logits of a batch are never in memory at once."""
    noise_scale: bool = False
    """Measure the gradient noise scale also where a step is one forward pass: its batch is then split in two. Where
    `micro_batch` splits it, it is measured anyway."""

    @field_validator("device")
    @classmethod
    def _a_kind_of_device(cls, name: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", name):
            raise ValueError("it should be auto, cpu, cuda, cuda:N or mps")
        return name

    def windows_at_once(self, batch_windows: int) -> int:
        """Windows per forward pass of a step of so many, resolved."""
        windows = min(self.micro_batch or batch_windows, batch_windows)
        return -(-batch_windows // 2) if self.noise_scale and windows == batch_windows else windows


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

    @model_validator(mode="after")
    def _what_a_registered_model_can_do(self) -> Self:
        problem = own_refusal(self) if self.model.architecture != DECODER else ""
        if problem:
            raise ValueError(f"model.architecture = {self.model.architecture!r}: {problem}")
        return self

    @model_validator(mode="after")
    def _parts_that_go_together(self) -> Self:
        optimizer, parameterisation = self.train.optimizer, self.model.parameterisation
        if parameterisation != "standard" and optimizer in MOMENTUM:
            raise ValueError(
                f'model.parameterisation = "{parameterisation}" is for AdamW and Lion; how the rate of '
                f'train.optimizer = "{optimizer}" follows size it does not say; use one of those, '
                "or the standard parameterisation"
            )
        if self.train.adversarial != "none" and self.execution.compile:
            raise ValueError(
                f'train.adversarial = "{self.train.adversarial}" moves the embeddings from outside the model, which '
                "execution.compile would not see; leave compile out"
            )
        return self


def own_refusal(config: RunConfig) -> str:
    """What of a run needs the insides of our decoder, where the model is a registered one; nothing, mostly."""
    train, execution = config.train, config.execution
    if train.optimizer == "muon":
        return 'train.optimizer = "muon" must know which matrices are hidden ones; take adamw, lion or sgd'
    if train.adversarial != "none":
        return f'train.adversarial = "{train.adversarial}" moves the decoder\'s token embeddings; leave it out'
    if execution.activation_checkpointing:
        return "execution.activation_checkpointing recomputes the decoder's blocks; use torch.utils.checkpoint inside"
    if execution.chunked_loss:
        return "execution.chunked_loss takes the decoder's head apart from its body; leave it out"
    return ""
