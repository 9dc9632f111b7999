"""The columns a law may ask for: what each one means, the values it may have, and the names tables give it.

A name is compared without case, and with `/`, `.`, `-` and spaces read as `_`; the prefixes that trackers add
(`params.`, `metrics.`, `config/`, `summary/`, `hparam/`) are set aside.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Column:
    """One canonical column."""

    meaning: str
    """What a value is, as an error says it."""
    names: tuple[str, ...] = ()
    """Further names it may have, as `plain_name` writes them."""
    low: float | None = 0.0
    """Smallest value, left out of the range where `open_below`; None where the column is text."""
    high: float = np.inf
    open_below: bool = True

    @property
    def text(self) -> bool:
        """Whether the values are words."""
        return self.low is None

    def right(self) -> str:
        """What would be right, for an error."""
        if self.high < np.inf:
            return f"must lie between {self.low:g} and {self.high:g}"
        if self.low == -np.inf:
            return "must be finite"
        return "must be positive and finite" if self.open_below else f"must be {self.low:g} or more and finite"

    def wrong(self, values: np.ndarray) -> np.ndarray:
        """Which values no run can have; NaN, a missing value, is not among them."""
        below = values <= self.low if self.open_below else values < self.low
        return below | (values > self.high) | np.isinf(values)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COLUMNS: dict[str, Column] = {
    "n": Column(
        "a number of parameters",
        _words(
            "n_params params num_params nparams n_parameters num_parameters parameters total_params total_parameters "
            "param_count parameter_count parameter_number model_params model_n_params model_num_params "
            "model_parameters model_num_parameters model_total_params"
        ),
    ),
    "d": Column(
        "a number of tokens",
        _words(
            "tokens n_tokens num_tokens train_tokens training_tokens total_tokens tokens_seen tokens_trained "
            "consumed_tokens train_tokens_seen train_total_tokens train_num_tokens num_input_tokens_seen "
            "train_num_input_tokens_seen throughput_total_tokens"
        ),
    ),
    "c": Column(
        "a number of FLOPs",
        _words(
            "flops n_flops num_flops total_flops train_flops training_flops compute total_flos train_total_flos "
            "train_total_flops"
        ),
    ),
    "loss": Column(
        "a loss",
        _words(
            "val_loss valid_loss validation_loss eval_loss test_loss heldout_loss held_out_loss final_loss "
            "final_val_loss loss_val loss_eval loss_validation loss_test val_nll nll lm_loss eval_lm_loss ce_loss "
            "val_ce_loss eval_ce_loss cross_entropy cross_entropy_loss val_cross_entropy eval_cross_entropy train_loss "
            "training_loss train_ce_loss train_cross_entropy epoch_loss validation_epoch_loss train_epoch_loss"
        ),
    ),
    "n_non_embedding": Column(
        "a number of non-embedding parameters",
        _words(
            "n_params_non_embedding n_no_embed non_embedding_params non_embedding_parameters params_non_embedding "
            "num_non_embedding_params n_non_embedding_params model_non_embedding_params num_params_non_embedding"
        ),
    ),
    "budget": Column("a number of FLOPs", _words("flops_budget flop_budget compute_budget")),
    "cluster": Column("a configuration", _words("config_id"), low=None),
    "trunk": Column("a trunk", _words("trunk_id"), low=None),
    "point": Column("a point of the schedule", low=None),
    "run_id": Column("a run", _words("name run_name id"), low=None),
    "c_6nd": Column("a number of FLOPs", _words("flops_6nd")),
    "role": Column("a role", low=None),
    "rate_factor": Column("a factor of the learning rate"),
    "u": Column("a number of unique tokens", _words("unique_tokens n_unique_tokens num_unique_tokens tokens_unique")),
    "s": Column(
        "a number of optimizer steps",
        _words("steps n_steps num_steps train_steps training_steps optimizer_steps global_step train_global_step"),
    ),
    "batch": Column(
        "a number of tokens per batch",
        _words("batch_tokens tokens_per_batch batch_size_tokens global_batch_tokens tokens_per_step"),
    ),
    "vocab": Column("a vocabulary size", _words("vocab_size vocabulary vocabulary_size model_vocab_size model_vocab")),
    "n_vocab": Column("a number of vocabulary parameters", _words("vocab_params vocab_parameters n_vocab_params")),
    "loss_u": Column(
        "a unigram-normalised loss", _words("lossu unigram_normalized_loss"), low=-np.inf, open_below=False
    ),
    "degradation": Column("a loss added by quantisation", _words("delta_ptq ptq_degradation")),
    "bits": Column("a precision in bits", _words("precision_bits training_bits train_bits")),
    "error": Column("an error rate", _words("err error_rate downstream_error"), high=1.0, open_below=False),
    "value": Column("a value of a metric", low=-np.inf, open_below=False),
    "chance": Column("a share", high=1.0, open_below=False),
    "kl": Column("a KL divergence in nats", _words("kl_divergence objective_kl"), open_below=False),
    "reward": Column("a reward", _words("gold_reward"), low=-np.inf, open_below=False),
    "rate": Column("a learning rate", _words("lr learning_rate peak_lr max_lr peak_learning_rate max_learning_rate")),
    "source_loss": Column("a loss"),
    "group": Column("a group", low=None),
    "weight": Column("a weight", _words("weights row_weight"), open_below=False),
    "loss_se": Column("a standard error", _words("se_loss loss_stderr loss_standard_error"), open_below=False),
}
"""Canonical name → what it is. `share_<domain>` columns keep their own names."""

CORE = ("n", "d", "c", "loss")
RESPONSES = ("error", "reward", "rate", "batch", "degradation", "loss_u", "value")
"""What a law may predict where a table has no loss."""

SHARE = "share_"
PERPLEXITY = re.compile(r"(^|_)(ppl|perplexity)$")
PREFIXES = re.compile(r"^(params|metrics|config|summary|hparams?|hp_metric)[./](?=.)")


def plain_name(name: str) -> str:
    """A column's name as it is compared: 'metrics.Val/Loss' → 'val_loss'."""
    if name.strip() == "L":  # alone among single letters, a small l is as often a number of layers
        return "loss"
    return re.sub(r"[\s/.\-]+", "_", PREFIXES.sub("", name.strip().lower())).strip("_")


def meaning_of(name: str) -> Column:
    """The column of a canonical name; a share of a mixture by its prefix, any other name as positive numbers."""
    if name.startswith(SHARE):
        return Column("a share of the mixture", high=1.0, open_below=False)
    return COLUMNS.get(name, Column("a value of it"))


def listed(names: Sequence[object], most: int = 20) -> str:
    """'a, b, c and 4 more'."""
    said = ", ".join(str(name) for name in names[:most])
    return said if len(names) <= most else f"{said} and {len(names) - most} more"
