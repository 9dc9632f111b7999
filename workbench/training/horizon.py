"""One horizon decides everything else: tokens, steps and FLOPs, and from them batch, rate, warm-up and decay.

The rules of batch and rate are in `rules.py`. Ours are assumptions outside 1e4 to 1e7 parameters; a sweep checks the
rate at half and double.
"""

from dataclasses import dataclass, replace

from workbench.corpus.shards import Corpus
from workbench.errors import BadInput
from workbench.models.config import DECODER, ModelConfig
from workbench.models.counts import Counts, count, forward_flops_by_group
from workbench.training.config import RunConfig, TrainConfig
from workbench.training.rules import BATCH_RULES, RATE_RULES, Facts, rule


@dataclass(frozen=True)
class Horizon:
    """A run's horizon, resolved: nothing about its length or its rates is decided anywhere else."""

    tokens: int
    """D: steps · batch_windows · context."""
    steps: int
    batch_windows: int
    """Windows of `context` tokens per optimizer step."""
    context: int
    learning_rate: float
    """Peak, rate factor included."""
    warmup_steps: int
    decay_steps: int
    """Steps from the start of the decay to the end: all after warm-up for cosine and linear, none for constant and
    inverse-sqrt."""
    flops: float
    """C by the exact count of matrix products: tokens · flops_per_token_training."""
    flops_6nd: float
    """6 · n_params · tokens."""
    reasons: dict[str, str]
    """Derived value → the rule that made it."""

    @property
    def batch_tokens(self) -> int:
        """Tokens per optimizer step."""
        return self.batch_windows * self.context

    @property
    def branch_step(self) -> int:
        """Where the decay begins, and the run leaves the trunk."""
        return self.steps - self.decay_steps


RATE_SHARE = {"lion": 0.2}
"""Optimizer → its peak rate as a share of AdamW's, where it is another: Chen et al. 2302.06675, section 5, say 3 to 10
times smaller. Muon's updates are scaled to the size of AdamW's; see optimizers/muon.py."""


def resolve(config: RunConfig, origin: str = "the run") -> Horizon:
    """The horizon of a run, with the rule behind each derived value. Free of torch."""
    train, context = config.train, config.model.context
    counts = count(config.model)
    per_token = counts.flops_per_token_training
    reasons: dict[str, str] = {}

    own = train.horizon
    wanted, longest = (_tokens(train, counts, horizon) for horizon in (own, train.trunk or own))
    if longest < wanted:
        raise BadInput(
            f"{origin}: train.trunk = {train.trunk:g} is shorter than the run's own horizon of {own:g}; give the "
            "longest of those that share the trunk"
        )
    if train.flops is not None:
        reasons["tokens"] = f"{train.flops:.3g} FLOPs / {per_token:.4g} per token"
    elif train.tokens_per_param is not None:
        reasons["tokens"] = f"{train.tokens_per_param:g} tokens per parameter × {counts.n_params}"

    batch_rule, rate_rule = rule(train.batch_rule, BATCH_RULES), rule(train.rate_rule, RATE_RULES)
    batch_tokens = float(train.batch_tokens) if train.batch_tokens else batch_rule.value(_facts(config.model, longest))
    if not train.batch_tokens:
        reasons["batch_tokens"] = f"{batch_rule.formula} = {batch_tokens:.0f}, in whole windows of {context}"
    batch_windows = max(1, round(batch_tokens / context))
    steps = train.steps or round(wanted / (batch_windows * context))
    if steps < 1:
        raise BadInput(
            f"{origin}: train: a horizon of {wanted:.0f} tokens is less than one step of {batch_windows} × {context} "
            "tokens; give more tokens or a smaller batch_tokens"
        )
    share = RATE_SHARE.get(train.optimizer, 1.0)
    base = replace(_facts(_rate_model(config.model), longest), batch_tokens=batch_windows * context)
    rate = train.learning_rate or share * rate_rule.value(base)
    if not train.learning_rate:
        words = rate_rule.formula
        words += "" if base.n_params == counts.n_params else f" at the base shape's N = {base.n_params}"
        words += "" if share == 1 else f" · {share:g} for {train.optimizer}"
        reasons["learning_rate"] = f"{words} = {rate:.4g}, times rate_factor {train.rate_factor:g}"

    trunk_steps = steps if train.trunk is None else max(steps, round(longest / (batch_windows * context)))
    warmup, reasons["warmup_steps"] = _warmup(train, trunk_steps, batch_windows * context, origin)
    decay = {
        "cosine": steps - warmup,
        "linear": steps - warmup,
        "wsd": max(1, round(train.decay_fraction * steps)),
        "constant": 0,
        "inverse-sqrt": 0,
    }[train.schedule]
    if warmup + decay > steps and (train.warmup_tokens is not None or trunk_steps > steps):  # else the config saw to it
        made = "the trunk's warm-up makes" if train.warmup_tokens is None else "warmup_tokens make"
        raise BadInput(
            f"{origin}: train: {made} {warmup} steps and decay_fraction {decay}, together more than the run's {steps}; "
            "give a smaller one of them, or a longer run"
        )
    tokens = steps * batch_windows * context
    return Horizon(
        tokens=tokens,
        steps=steps,
        batch_windows=batch_windows,
        context=context,
        learning_rate=rate * train.rate_factor,
        warmup_steps=warmup,
        decay_steps=decay,
        flops=float(tokens) * per_token,
        flops_6nd=6.0 * counts.n_params * tokens,
        reasons=reasons,
    )


def _tokens(train: TrainConfig, counts: Counts, horizon: float) -> float:
    """Tokens of a horizon in the unit of the run's own: tokens, FLOPs, tokens per parameter, or steps."""
    if train.tokens is not None:
        return float(horizon)
    if train.flops is not None:
        return horizon / counts.flops_per_token_training
    if train.tokens_per_param is not None:
        return horizon * counts.n_params
    assert train.batch_tokens is not None  # the validators saw to it
    return float(horizon) * train.batch_tokens


def _facts(model: ModelConfig, tokens: float) -> Facts:
    """What the rules read."""
    counts = count(model)
    head = 3 * forward_flops_by_group(model)["head"] if model.architecture == DECODER else 0
    per_token = counts.flops_per_token_training
    return Facts(
        counts.n_params, counts.n_params_non_embedding, tokens, per_token * tokens, (per_token - head) * tokens
    )


def _rate_model(model: ModelConfig) -> ModelConfig:
    """The model whose rate is asked for: the base shape under μP and CompleteP, which carry its rate to every other."""
    if model.parameterisation == "standard":
        return model
    ratio = model.width_ratio
    shape: dict[str, int | None] = {"d_model": model.base_width, "n_layer": model.base_depth or model.n_layer}
    if model.d_ff is not None:
        shape["d_ff"] = max(1, round(model.d_ff / ratio))
    if model.d_head is not None:  # then more width is more heads
        shape |= {
            "n_head": max(1, round(model.n_head / ratio)),
            "n_kv_head": max(1, round(model.kv_heads / ratio)),
        }
    return model.model_copy(update=shape)


def _warmup(train: TrainConfig, steps: int, batch_tokens: int, origin: str) -> tuple[int, str]:
    """Steps of warm-up, and the rule that made them."""
    if train.warmup_tokens is None:
        return min(steps - 1, round(train.warmup_fraction * steps)), f"{train.warmup_fraction:g} of {steps} steps"
    warmup = round(train.warmup_tokens / batch_tokens)
    if warmup >= steps:
        raise BadInput(
            f"{origin}: train.warmup_tokens = {train.warmup_tokens}: the run has {steps * batch_tokens} tokens, which "
            "leaves none after the warm-up; give fewer"
        )
    return warmup, f"{train.warmup_tokens} tokens / {batch_tokens} per step"


def check_corpus(config: RunConfig, corpus: Corpus) -> None:
    """Refuse a corpus that the model cannot read."""
    context = config.model.context
    for split, tokens in (("training", corpus.n_train_tokens), ("validation", corpus.n_validation_tokens)):
        if tokens < context + 1:
            raise BadInput(
                f"{corpus.folder}: the {split} split has {tokens} tokens, fewer than one window of "
                f"model.context + 1 = {context + 1}; give more text or a shorter context"
            )
    if corpus.vocab_size > config.model.vocab_size:
        raise BadInput(
            f"model.vocab_size = {config.model.vocab_size}: the tokenizer of {corpus.folder} has {corpus.vocab_size} "
            "tokens; leave the key out, or give at least as many"
        )
